// Convolutions and what DARTS and NAS-Bench-201 make of them. Padding keeps the size at stride 1.
#include "netwright/nn/factorized_reduce.h"
#include "netwright/nn/layers.h"
#include "netwright/nn/separable.h"
#include "netwright/nn/units.h"

namespace netwright::layers {

namespace {

using Block = std::shared_ptr<ConvolutionBlock>;

std::int64_t stride_of(const LayerContext& context) {
  return integer_of(context.parameters, "stride", 1);
}

Norm norm_of(const LayerContext& context) {
  return boolean_of(context.parameters, "affine", true) ? Norm::affine : Norm::plain;
}

// One block.
class Single : public Layer {
 public:
  explicit Single(const ConvolutionOptions& options) : block_(std::make_shared<ConvolutionBlock>(options)) {
    register_module("block", block_);
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override { return block_->forward(inputs[0]); }

 private:
  Block block_;
};

Made pointwise(const LayerContext& context) {
  return std::make_shared<Single>(ConvolutionOptions{.in = context.inputs[0].channels,
                                                     .out = context.output.channels,
                                                     .norm = norm_of(context),
                                                     .before = Activation::relu});
}

}  // namespace

Made nor_conv(const LayerContext& context) {
  return std::make_shared<Single>(ConvolutionOptions{.in = context.inputs[0].channels,
                                                     .out = context.output.channels,
                                                     .kernel = integer_of(context.parameters, "kernel", 3),
                                                     .stride = stride_of(context),
                                                     .dilation = integer_of(context.parameters, "dilation", 1),
                                                     .norm = norm_of(context),
                                                     .before = Activation::relu});
}

Made conv_bn(const LayerContext& context) {
  return std::make_shared<Single>(
      ConvolutionOptions{.in = context.inputs[0].channels,
                         .out = context.output.channels,
                         .kernel = integer_of(context.parameters, "kernel", 3),
                         .stride = stride_of(context),
                         .dilation = integer_of(context.parameters, "dilation", 1),
                         .groups = integer_of(context.parameters, "groups", 1),
                         .norm = norm_of(context),
                         .after = activation_from_string(text_of(context.parameters, "activation", "none"))});
}

Made conv(const LayerContext& context) {
  return std::make_shared<Single>(ConvolutionOptions{.in = context.inputs[0].channels,
                                                     .out = context.output.channels,
                                                     .kernel = integer_of(context.parameters, "kernel", 3),
                                                     .stride = stride_of(context),
                                                     .dilation = integer_of(context.parameters, "dilation", 1),
                                                     .groups = integer_of(context.parameters, "groups", 1),
                                                     .bias = boolean_of(context.parameters, "bias", true)});
}

Made sep_conv(const LayerContext& context) {
  return std::make_shared<Separable>(context, 1, 2);
}

Made dil_conv(const LayerContext& context) {
  return std::make_shared<Separable>(context, integer_of(context.parameters, "dilation", 2), 1);
}

Made factorized_reduce(const LayerContext& context) {
  return std::make_shared<FactorizedReduce>(context.inputs[0].channels, context.output.channels, norm_of(context));
}

Made skip_connect(const LayerContext& context) {
  return context.inputs[0] == context.output ? identity(context) : factorized_reduce(context);
}

Made align(const LayerContext& context) {
  const Shape &in = context.inputs[0], &out = context.output;
  return in.height == out.height && in.width == out.width ? pointwise(context) : factorized_reduce(context);
}

}  // namespace netwright::layers
