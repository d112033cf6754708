#include "netwright/nn/factorized_reduce.h"

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
  const torch::Tensor x = torch::relu(inputs[0]);
  return norm_->forward(torch::cat({even_->forward(x), odd_->forward(shifted(x))}, 1));
}

torch::Tensor shifted(const torch::Tensor& x) {
  const torch::Tensor rest = x.slice(2, 1).slice(3, 1);
  const std::int64_t below = x.size(2) % 2, right = x.size(3) % 2;
  return below + right > 0 ? torch::constant_pad_nd(rest, {0, right, 0, below}) : rest;
}

}  // namespace netwright
