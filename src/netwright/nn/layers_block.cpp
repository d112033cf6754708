// Blocks with a shortcut of their own, squeeze-and-excite, and DARTS's auxiliary head.
#include "netwright/base/error.h"
#include "netwright/nn/layers.h"
#include "netwright/nn/units.h"

namespace netwright::layers {

namespace {

using Block = std::shared_ptr<ConvolutionBlock>;

// Scales every channel by what two small layers make of its mean (Hu et al. 2018): ReLU between, sigmoid after.
class SqueezeExcite : public Layer {
 public:
  SqueezeExcite(std::int64_t channels, std::int64_t squeezed) {
    reduce_ = register_module("reduce", std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                            .in = channels, .out = squeezed, .bias = true, .after = Activation::relu}));
    expand_ =
        register_module("expand", std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                      .in = squeezed, .out = channels, .bias = true, .after = Activation::sigmoid}));
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    const torch::Tensor& x = inputs[0];
    return x * expand_->forward(reduce_->forward(x.mean({2, 3}, /*keepdim=*/true)));
  }

 private:
  Block reduce_, expand_;
};

// Sandler et al. 2018; with squeeze-and-excite before the projection as in MobileNetV3.
class InvertedResidual : public Layer {
 public:
  explicit InvertedResidual(const LayerContext& context) {
    const Parameters& parameters = context.parameters;
    const std::int64_t in = context.inputs[0].channels, out = context.output.channels;
    const std::int64_t stride = integer_of(parameters, "stride", 1);
    const std::int64_t expansion = integer_of(parameters, "expansion", 6);
    const std::int64_t wide = in * expansion;
    const Activation activation = activation_from_string(text_of(parameters, "activation", "relu6"));
    if (expansion != 1) {
      expand_ = register_module("expand", std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                              .in = in, .out = wide, .norm = Norm::affine, .after = activation}));
    }
    depthwise_ = register_module("depthwise", std::make_shared<ConvolutionBlock>(
                                                  ConvolutionOptions{.in = wide,
                                                                     .out = wide,
                                                                     .kernel = integer_of(parameters, "kernel", 3),
                                                                     .stride = stride,
                                                                     .groups = wide,
                                                                     .norm = Norm::affine,
                                                                     .after = activation}));
    const double ratio = real_of(parameters, "squeeze_excite", 0);
    if (ratio > 0) {
      const auto squeezed = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(in) * ratio));
      excite_ = register_module("squeeze_excite", std::make_shared<SqueezeExcite>(wide, squeezed));
    }
    project_ = register_module("project", std::make_shared<ConvolutionBlock>(
                                              ConvolutionOptions{.in = wide, .out = out, .norm = Norm::affine}));
    residual_ = stride == 1 && in == out;
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    const torch::Tensor& x = inputs[0];
    torch::Tensor y = depthwise_->forward(expand_ ? expand_->forward(x) : x);
    if (excite_) y = excite_->forward({y});
    y = project_->forward(y);
    if (!residual_) return y;
    if (is_training()) y = drop_path(y, drop_path_);
    return y + x;
  }
  void set_drop_path(double probability) override { drop_path_ = probability; }

 private:
  Block expand_, depthwise_, project_;
  std::shared_ptr<SqueezeExcite> excite_;
  bool residual_ = false;
  double drop_path_ = 0;
};

// He et al. 2016: convolution, batch norm, ReLU, convolution, batch norm, plus the shortcut; ReLU.
class ResnetBlock : public Layer {
 public:
  ResnetBlock(const LayerContext& context, std::int64_t kernel, std::int64_t stride) {
    const std::int64_t in = context.inputs[0].channels, out = context.output.channels;
    first_ =
        register_module("first", std::make_shared<ConvolutionBlock>(ConvolutionOptions{.in = in,
                                                                                       .out = out,
                                                                                       .kernel = kernel,
                                                                                       .stride = stride,
                                                                                       .norm = Norm::affine,
                                                                                       .after = Activation::relu}));
    second_ = register_module("second", std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                            .in = out, .out = out, .kernel = kernel, .norm = Norm::affine}));
    if (stride != 1 || in != out) {
      shortcut_ = register_module("shortcut", std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                                  .in = in, .out = out, .stride = stride, .norm = Norm::affine}));
    }
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    const torch::Tensor& x = inputs[0];
    const torch::Tensor y = second_->forward(first_->forward(x));
    return activate_owned(y + (shortcut_ ? shortcut_->forward(x) : x), Activation::relu);
  }

 private:
  Block first_, second_, shortcut_;
};

// Dong & Yang 2020: two ReLU-convolution-norms; a shortcut that reduces is an average pool and a bare convolution.
class NasBench201Block : public Layer {
 public:
  NasBench201Block(const LayerContext& context, std::int64_t kernel, std::int64_t stride) : stride_(stride) {
    const std::int64_t in = context.inputs[0].channels, out = context.output.channels;
    ConvolutionOptions options{
        .in = in, .out = out, .kernel = kernel, .stride = stride, .norm = Norm::affine, .before = Activation::relu};
    first_ = register_module("first", std::make_shared<ConvolutionBlock>(options));
    options.in = out;
    options.stride = 1;
    second_ = register_module("second", std::make_shared<ConvolutionBlock>(options));
    if (stride != 1 || in != out) {
      shortcut_ =
          register_module("shortcut", std::make_shared<ConvolutionBlock>(ConvolutionOptions{.in = in, .out = out}));
    }
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    torch::Tensor x = inputs[0];
    const torch::Tensor y = second_->forward(first_->forward(x));
    if (stride_ != 1) x = torch::avg_pool2d(x, stride_, stride_);
    return y + (shortcut_ ? shortcut_->forward(x) : x);
  }

 private:
  std::int64_t stride_;
  Block first_, second_, shortcut_;
};

// The head that DARTS hangs on the second reduction for CIFAR: pool to 2x2, 1x1 to 128, 2x2 to 768, linear.
class AuxiliaryClassifier : public Layer {
 public:
  AuxiliaryClassifier(const Shape& input, std::int64_t classes) {
    squeeze_ = register_module("squeeze",
                               std::make_shared<ConvolutionBlock>(ConvolutionOptions{
                                   .in = input.channels, .out = 128, .norm = Norm::affine, .after = Activation::relu}));
    spread_ = register_module(
        "spread",
        std::make_shared<ConvolutionBlock>(ConvolutionOptions{
            .in = 128, .out = 768, .kernel = 2, .padding = 0, .norm = Norm::affine, .after = Activation::relu}));
    classifier_ = register_module("classifier", std::make_shared<LinearUnit>(768, classes));
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    torch::Tensor x = torch::relu(inputs[0]);
    // 8x8 images as DARTS has them are pooled in overlapping windows of 5; other sizes in as even ones as fit.
    const bool cifar = x.size(2) == 8 && x.size(3) == 8;
    x = cifar ? torch::avg_pool2d(x, 5, 3, 0, false, /*count_include_pad=*/false)
              : torch::adaptive_avg_pool2d(x, {2, 2});
    return classifier_->forward(spread_->forward(squeeze_->forward(x)).flatten(1));
  }

 private:
  Block squeeze_, spread_;
  std::shared_ptr<LinearUnit> classifier_;
};

}  // namespace

Made squeeze_excite(const LayerContext& context) {
  const std::int64_t channels = context.inputs[0].channels;
  const double ratio = real_of(context.parameters, "ratio", 0.25);
  const auto squeezed = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(channels) * ratio));
  return std::make_shared<SqueezeExcite>(channels, squeezed);
}

Made inverted_residual(const LayerContext& context) {
  return std::make_shared<InvertedResidual>(context);
}

Made residual_block(const LayerContext& context) {
  const std::string style = text_of(context.parameters, "style", "resnet");
  const std::int64_t kernel = integer_of(context.parameters, "kernel", 3);
  const std::int64_t stride = integer_of(context.parameters, "stride", 1);
  if (style == "resnet") return std::make_shared<ResnetBlock>(context, kernel, stride);
  if (style == "nas_bench_201") return std::make_shared<NasBench201Block>(context, kernel, stride);
  throw invalid({}, "unknown style '" + style + "' of a residual_block", "use resnet or nas_bench_201");
}

Made auxiliary_classifier(const LayerContext& context) {
  return std::make_shared<AuxiliaryClassifier>(context.inputs[0], context.output.channels);
}

}  // namespace netwright::layers
