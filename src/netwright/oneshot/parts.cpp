#include "netwright/oneshot/parts.h"

#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <memory>

namespace netwright {
namespace {

using torch::autograd::variable_list;

PartsLoss loss_of(Supernet& net, const torch::Tensor& inputs, const torch::Tensor& labels, const Mixture& mixture,
                  double label_smoothing) {
  const auto entropy = torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(label_smoothing);
  const torch::Tensor logits = net.forward(inputs, mixture);
  return {torch::nn::functional::cross_entropy(logits, labels, entropy),
          logits.detach().argmax(1).eq(labels).sum().item<std::int64_t>()};
}

// Of a number whose gradients are known already.
class KnownBackward : public torch::autograd::Node {
 public:
  explicit KnownBackward(variable_list known) : known_(std::move(known)) {}

  variable_list apply(variable_list&& gradients) override {
    TORCH_CHECK(!at::GradMode::is_enabled(), "a loss in parts has no second derivatives");
    variable_list found;
    for (const torch::Tensor& known : known_) found.push_back(gradients[0].defined() ? known * gradients[0] : known);
    return found;
  }
  std::string name() const override { return "KnownBackward"; }

 private:
  variable_list known_;
};

bool learns(const torch::Tensor& tensor) {
  return tensor.defined() && tensor.requires_grad();
}

// The mixture with leaves of its own in place of what has a gradient; these, and what they stand for, are appended.
Mixture cut(const Mixture& mixture, variable_list& originals, variable_list& leaves) {
  Mixture own = mixture;
  for (auto* list : {&own.weights, &own.edges}) {
    for (torch::Tensor& tensor : *list) {
      if (!learns(tensor)) continue;
      originals.push_back(tensor);
      tensor = tensor.detach().requires_grad_();
      leaves.push_back(tensor);
    }
  }
  return own;
}

void add_to(variable_list& sums, const variable_list& gradients) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (gradients[i].defined()) sums[i] = sums[i].defined() ? sums[i] + gradients[i] : gradients[i];
  }
}

}  // namespace

PartsLoss loss_in_parts(Supernet& net, const Batch& batch, const Mixture& mixture, const PartsOptions& options) {
  const torch::TensorOptions like = net.options();
  const std::int64_t parts = std::clamp<std::int64_t>(options.parts, 1, std::max<std::int64_t>(batch.size() / 2, 1));
  if (parts == 1) {
    return loss_of(net, batch.inputs.to(like), batch.labels.to(like.device()), mixture, options.label_smoothing);
  }
  variable_list originals, leaves;
  const Mixture own = cut(mixture, originals, leaves);
  if (options.by_weights) {
    for (const torch::Tensor& weight : net.parameters()) {
      originals.push_back(weight);
      leaves.push_back(weight);
    }
  }
  const bool differentiated = at::GradMode::is_enabled() && !leaves.empty();
  const auto inputs = batch.inputs.tensor_split(parts), labels = batch.labels.tensor_split(parts);
  PartsLoss whole;
  variable_list sums(leaves.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const at::AutoGradMode mode(differentiated);
    PartsLoss part = loss_of(net, inputs[i].to(like), labels[i].to(like.device()), own, options.label_smoothing);
    const double share = static_cast<double>(inputs[i].size(0)) / static_cast<double>(batch.size());
    const torch::Tensor loss = part.loss * share;
    whole.loss = whole.loss.defined() ? whole.loss + loss.detach() : loss.detach();
    whole.correct += part.correct;
    if (!differentiated) continue;
    add_to(sums, torch::autograd::grad({loss}, leaves, {}, /*retain_graph=*/false, /*create_graph=*/false,
                                       /*allow_unused=*/true));
  }
  if (!differentiated) return whole;
  variable_list by, known;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (!sums[i].defined()) continue;
    by.push_back(originals[i]);
    known.push_back(sums[i]);
  }
  if (known.empty()) return whole;
  const std::shared_ptr<KnownBackward> node(new KnownBackward(std::move(known)), torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(by));
  torch::autograd::set_history(whole.loss, node);
  return whole;
}

}  // namespace netwright
