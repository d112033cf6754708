#include "netwright/train/tensors.h"

#include <map>

#include "netwright/base/error.h"

namespace netwright {

const torch::Tensor* find_tensor(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [candidate, tensor] : tensors) {
    if (candidate == name) return &tensor;
  }
  return nullptr;
}

NamedTensors module_tensors(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

NamedTensors with_prefix_removed(const NamedTensors& source, const std::string& prefix) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : source) {
    if (name.starts_with(prefix)) tensors.emplace_back(name.substr(prefix.size()), tensor);
  }
  return tensors;
}

void append_with_prefix(NamedTensors& to, const NamedTensors& tensors, const std::string& prefix) {
  for (const auto& [name, tensor] : tensors) to.emplace_back(prefix + name, tensor);
}

void copy_tensors(const NamedTensors& from, const NamedTensors& to, const std::string& file) {
  const auto refuse = [&](const std::string& problem) {
    return invalid({file, 0, 0}, problem, "the checkpoint belongs to another network or recipe; start from scratch");
  };
  std::map<std::string, torch::Tensor> sources(from.begin(), from.end());
  for (const auto& [name, tensor] : to) {
    const auto found = sources.find(name);
    if (found == sources.end()) throw refuse("the tensor '" + name + "' is missing");
    if (found->second.sizes() != tensor.sizes() || found->second.scalar_type() != tensor.scalar_type()) {
      throw refuse("the tensor '" + name + "' has another shape or type");
    }
  }
  if (sources.size() != to.size()) throw refuse("it holds tensors that nothing here asks for");
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : to) tensor.detach().copy_(sources.at(name));
}

bool same_layout(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes() || !a.is_non_overlapping_and_dense() || !b.is_non_overlapping_and_dense()) return false;
  for (std::int64_t d = 0; d < a.dim(); ++d) {
    if (a.size(d) > 1 && a.stride(d) != b.stride(d)) return false;
  }
  return true;
}

}  // namespace netwright
