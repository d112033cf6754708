#include "netwright/nn/accumulated.h"

#include <torch/csrc/autograd/functions/utils.h>

namespace netwright {

GradientSum::Place GradientSum::place(const torch::Tensor& x) {
  const bool add = sum_.defined();
  if (!add) sum_ = torch::empty_like(x);
  return {sum_, add};
}

torch::autograd::variable_list GradientSum::apply(torch::autograd::variable_list&& gradients) {
  if (!sum_.defined()) return {gradients[0]};
  torch::Tensor sum = std::move(sum_);
  sum_.reset();
  if (gradients[0].defined()) sum.add_(gradients[0]);
  return {sum};
}

torch::Tensor accumulated(const torch::Tensor& x) {
  if (!at::GradMode::is_enabled() || !x.requires_grad()) return x;
  torch::Tensor y = x.detach();
  const std::shared_ptr<GradientSum> node(new GradientSum, torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::autograd::set_history(y, node);
  return y;
}

}  // namespace netwright
