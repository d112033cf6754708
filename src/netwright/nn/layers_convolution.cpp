// Convolutions and what DARTS and NAS-Bench-201 make of them. Padding keeps the size at stride 1.
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

// ReLU, two 1x1 convolutions of stride 2, the second one pixel further down and right, concatenated; batch norm.
class FactorizedReduce : public Layer {
 public:
  FactorizedReduce(std::int64_t in, std::int64_t out, Norm norm) {
    const std::int64_t half = out / 2;
    even_ = register_module("even",
                            std::make_shared<ConvolutionBlock>(ConvolutionOptions{.in = in, .out = half, .stride = 2}));
    odd_ = register_module(
        "odd", std::make_shared<ConvolutionBlock>(ConvolutionOptions{.in = in, .out = out - half, .stride = 2}));
    norm_ = register_module("norm", std::make_shared<BatchNorm>(out, norm == Norm::affine));
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    torch::Tensor x = torch::relu(inputs[0]);
    torch::Tensor shifted = x.slice(2, 1).slice(3, 1);
    // Where a side is odd the last position of the shifted half lies outside the image: zero, as padding is.
    const std::int64_t below = x.size(2) % 2, right = x.size(3) % 2;
    if (below + right > 0) shifted = torch::constant_pad_nd(shifted, {0, right, 0, below});
    return norm_->forward(torch::cat({even_->forward(x), odd_->forward(shifted)}, 1));
  }

 private:
  Block even_, odd_;
  std::shared_ptr<BatchNorm> norm_;
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
