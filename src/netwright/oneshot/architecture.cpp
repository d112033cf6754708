#include "netwright/oneshot/architecture.h"

#include <numeric>

#include "netwright/base/random.h"

namespace netwright {

Architecture::Architecture(const Relaxation& relaxation, bool with_edges, double deviation, std::uint64_t seed,
                           const torch::TensorOptions& options) {
  const auto make = [&](const std::string& name, at::IntArrayRef sizes) {
    at::Generator generator = compat::cpu_generator(derive_seed(seed, name));
    torch::Tensor tensor = torch::empty(sizes, torch::kDouble).normal_(0, 1, generator) * deviation;
    tensor = tensor.to(options.device(), c10::typeMetaToScalarType(options.dtype())).detach().requires_grad_();
    named.emplace_back(name, tensor);
    return tensor;
  };
  for (const RowGroup& group : relaxation.groups) {
    rows.push_back(make("alpha." + group.name, {static_cast<std::int64_t>(group.rows.size()),
                                                static_cast<std::int64_t>(group.options.size())}));
  }
  if (!with_edges) return;
  for (const RelaxedSum& sum : relaxation.sums) {
    edges.push_back(make("beta." + sum.name, {static_cast<std::int64_t>(sum.edges.size())}));
  }
}

std::vector<torch::Tensor> Architecture::all() const {
  std::vector<torch::Tensor> tensors = rows;
  tensors.insert(tensors.end(), edges.begin(), edges.end());
  return tensors;
}

ArchitectureOptimizer read_optimizer(MappingReader& reader, ArchitectureOptimizer defaults) {
  defaults.learning_rate = reader.number("learning_rate", defaults.learning_rate, 0, 100);
  defaults.weight_decay = reader.number("weight_decay", defaults.weight_decay, 0, 10);
  return defaults;
}

Optimizer make_optimizer(const Architecture& architecture, const ArchitectureOptimizer& options) {
  OptimizerOptions adam;
  adam.name = "adam";
  adam.learning_rate = options.learning_rate;
  adam.beta1 = options.beta1;
  adam.beta2 = options.beta2;
  adam.weight_decay = options.weight_decay;
  return Optimizer(architecture.named, adam);
}

void step_along(const Architecture& architecture, Optimizer& optimizer, double learning_rate,
                const std::vector<torch::Tensor>& gradients) {
  const std::vector<torch::Tensor> tensors = architecture.all();
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].mutable_grad() = gradients[i];
  optimizer.step(learning_rate);
  optimizer.clear_gradients();
}

Mixture softmax_mixture(const Architecture& architecture) {
  Mixture mixture;
  for (const torch::Tensor& tensor : architecture.rows) mixture.weights.push_back(torch::softmax(tensor, 1));
  for (const torch::Tensor& tensor : architecture.edges) mixture.edges.push_back(torch::softmax(tensor, 0));
  return mixture;
}

Importance softmax_importance(const Architecture& architecture) {
  const torch::NoGradGuard no_grad;
  const Mixture mixture = softmax_mixture(architecture);
  return {mixture.weights, mixture.edges};
}

Mixture detached(const Mixture& mixture) {
  Mixture result = mixture;
  for (torch::Tensor& tensor : result.weights) {
    if (tensor.defined()) tensor = tensor.detach();
  }
  for (torch::Tensor& tensor : result.edges) {
    if (tensor.defined()) tensor = tensor.detach();
  }
  return result;
}

torch::Tensor gumbel_like(const torch::Tensor& like, at::Generator& generator) {
  // Of exponential draws the logarithm; drawn in double, where 0 does not come up.
  const torch::Tensor drawn = torch::empty(like.sizes(), torch::kDouble).exponential_(1, generator);
  return -drawn.clamp_min(1e-300).log().to(like.options().requires_grad(false));
}

Picks largest(const Relaxation& relaxation, const std::vector<torch::Tensor>& rows) {
  std::vector<torch::Tensor> best;
  for (const torch::Tensor& tensor : rows) best.push_back(tensor.detach().argmax(1).to(torch::kCPU));
  Picks picks;
  for (const RelaxedRow& row : relaxation.rows) {
    picks.options.push_back(
        static_cast<int>(best[static_cast<std::size_t>(row.group)].data_ptr<std::int64_t>()[row.index]));
  }
  for (const RelaxedSum& sum : relaxation.sums) {
    std::vector<int> all(sum.edges.size());
    std::iota(all.begin(), all.end(), 0);
    picks.edges.push_back(std::move(all));
  }
  return picks;
}

std::vector<torch::Tensor> one_hot(const Relaxation& relaxation, const Picks& picks,
                                   const std::vector<torch::Tensor>& like) {
  std::vector<torch::Tensor> result;
  for (const torch::Tensor& tensor : like) result.push_back(torch::zeros_like(tensor.detach()));
  for (std::size_t i = 0; i < picks.options.size(); ++i) {
    const RelaxedRow& row = relaxation.rows[i];
    result[static_cast<std::size_t>(row.group)][row.index][picks.options[i]] = 1;
  }
  return result;
}

NamedTensors architecture_state(const Architecture& architecture, const Optimizer& optimizer) {
  NamedTensors state = architecture.named;
  for (auto& [name, tensor] : state) tensor = tensor.detach();
  append_with_prefix(state, optimizer.state(), "optimizer.");
  return state;
}

void restore_architecture(const Architecture& architecture, Optimizer& optimizer, const NamedTensors& state,
                          const std::string& file) {
  NamedTensors parameters;
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with("optimizer.")) parameters.emplace_back(name, tensor);
  }
  copy_tensors(parameters, architecture.named, file);
  optimizer.restore(with_prefix_removed(state, "optimizer."), file);
}

}  // namespace netwright
