#include "netwright/nn/separable.h"

#include <string>

#include "netwright/nn/fused.h"
#include "netwright/nn/weighted_sum.h"

namespace netwright {

Separable::Separable(const LayerContext& context, std::int64_t dilation, int times) {
  const std::int64_t in = context.inputs[0].channels;
  const Norm norm = boolean_of(context.parameters, "affine", true) ? Norm::affine : Norm::plain;
  for (int i = 0; i < times; ++i) {
    const std::string number = times > 1 ? std::to_string(i + 1) : "";
    const std::int64_t out = i + 1 == times ? context.output.channels : in;
    depthwise_.push_back(
        register_module("depthwise" + number, std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                                  .in = in,
                                                  .out = in,
                                                  .kernel = integer_of(context.parameters, "kernel", 3),
                                                  .stride = i == 0 ? integer_of(context.parameters, "stride", 1) : 1,
                                                  .dilation = dilation,
                                                  .groups = in,
                                                  .before = Activation::relu})));
    pointwise_.push_back(register_module("pointwise" + number, std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                                                   .in = in, .out = out, .norm = norm})));
  }
}

torch::Tensor Separable::forward(const std::vector<torch::Tensor>& inputs) {
  torch::Tensor x = inputs[0];
  if (kernels_wanted_ && !PlainExecution::active() && summable(x) && summable(*this)) {
    const ConvolutionOptions& first = depthwise_.front()->options;
    const auto size = [&](std::int64_t in) { return (in - 1) / first.stride + 1; };
    const Shape output{x.size(1), x.dim() == 4 ? size(x.size(2)) : 0, x.dim() == 4 ? size(x.size(3)) : 0};
    // A norm needs several values a channel.
    if (output.is_image() && x.size(0) * output.height * output.width > 1) {
      return weighted_sum({x}, {{.source = 0, .separable = this}}, {}, output, x.scalar_type());
    }
  }
  for (std::size_t i = 0; i < depthwise_.size(); ++i) x = pointwise_[i]->forward(depthwise_[i]->forward(x));
  return x;
}

}  // namespace netwright
