#include "netwright/nn/factorized_reduce.h"

#include "netwright/nn/fused.h"
#include "netwright/nn/relu_halves.h"
#include "netwright/nn/weighted_sum.h"

namespace netwright {

FactorizedReduce::FactorizedReduce(std::int64_t in, std::int64_t out, Norm norm) {
  const std::int64_t half = out / 2;
  even_ = register_module("even",
                          std::make_shared<ConvolutionBlock>(ConvolutionOptions{.in = in, .out = half, .stride = 2}));
  odd_ = register_module(
      "odd", std::make_shared<ConvolutionBlock>(ConvolutionOptions{.in = in, .out = out - half, .stride = 2}));
  norm_ = register_module("norm", std::make_shared<BatchNorm>(out, norm == Norm::affine));
}

torch::Tensor FactorizedReduce::forward(const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor& source = inputs[0];
  // In training alone, like every kernel: a network in evaluation may be traced for its export.
  if (kernels_wanted_ && is_training() && !PlainExecution::active() && source.dim() == 4 && summable(source)) {
    const Shape output{source.size(1), (source.size(2) + 1) / 2, (source.size(3) + 1) / 2};
    if (summable(*this) && source.size(0) * output.height * output.width > 1) {
      return weighted_sum({source}, {{.source = 0, .reduce = this}}, {}, output, source.scalar_type());
    }
    const auto [even, odd] = relu_halves(source);
    return norm_->forward(torch::cat({torch::conv2d(even, even_->weight), torch::conv2d(odd, odd_->weight)}, 1));
  }
  const torch::Tensor x = torch::relu(source);
  return norm_->forward(torch::cat({even_->forward(x), odd_->forward(shifted(x))}, 1));
}

torch::Tensor shifted(const torch::Tensor& x) {
  const torch::Tensor rest = x.slice(2, 1).slice(3, 1);
  const std::int64_t below = x.size(2) % 2, right = x.size(3) % 2;
  return below + right > 0 ? torch::constant_pad_nd(rest, {0, right, 0, below}) : rest;
}

}  // namespace netwright
