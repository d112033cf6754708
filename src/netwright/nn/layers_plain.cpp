// Layers without convolutions: sums, pools, norms, activations, and layers for rows.
#include <algorithm>

#include "netwright/nn/fused_pool.h"
#include "netwright/nn/layers.h"
#include "netwright/nn/units.h"

namespace netwright::layers {

namespace {

// A layer of one input that is a function of the input alone.
class Function : public Layer {
 public:
  using Call = torch::Tensor (*)(const torch::Tensor&);
  explicit Function(Call call) : call_(call) {}
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override { return call_(inputs[0]); }

 private:
  Call call_;
};

torch::Tensor global_average(const torch::Tensor& x) {
  return x.mean({2, 3});
}

class Zero : public Layer {
 public:
  explicit Zero(const Shape& output) : output_(output) {}
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    // Not torch::zeros of so many samples: traced, their number would become a constant.
    const torch::Tensor zeros = torch::zeros_like(inputs[0].flatten(1).narrow(1, 0, 1));
    if (!output_.is_image()) return zeros.expand({-1, output_.channels}).contiguous();
    return zeros.unsqueeze(2)
        .unsqueeze(3)
        .expand({-1, output_.channels, output_.height, output_.width})
        .contiguous(at::MemoryFormat::ChannelsLast);
  }

 private:
  Shape output_;
};

class Add : public Layer {
 public:
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    if (inputs.size() == 1) return inputs[0];
    // The first sum is a tensor of our own, so the others are added in place: addition's backward needs no values.
    torch::Tensor sum = inputs[0] + inputs[1];
    for (std::size_t i = 2; i < inputs.size(); ++i) sum.add_(inputs[i]);
    return sum;
  }
};

class Concat : public Layer {
 public:
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override { return torch::cat(inputs, 1); }
};

// With a batch norm that has no weights where `norm` is set, as DARTS pools in its search network.
class Pool : public Layer {
 public:
  Pool(const LayerContext& context, bool average)
      : options_{average, integer_of(context.parameters, "kernel", 3), integer_of(context.parameters, "stride", 1)} {
    if (boolean_of(context.parameters, "norm", false)) {
      norm_ = register_module("norm", std::make_shared<BatchNorm>(context.output.channels, false));
    }
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    const torch::Tensor& x = inputs[0];
    if (is_training() && fusible(x, options_)) return fused_pool(x, options_, norm_.get());
    const torch::Tensor y = plain_pool(x, options_);
    return norm_ ? norm_->forward(y) : y;
  }

 private:
  PoolOptions options_;
  std::shared_ptr<BatchNorm> norm_;
};

class NormLayer : public Layer {
 public:
  NormLayer(std::int64_t channels, bool affine, Activation activation) : activation_(activation) {
    norm_ = register_module("norm", std::make_shared<BatchNorm>(channels, affine));
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    return norm_->forward(inputs[0], activation_);
  }

 private:
  std::shared_ptr<BatchNorm> norm_;
  Activation activation_;
};

class LayerNormLayer : public Layer {
 public:
  explicit LayerNormLayer(std::int64_t channels)
      : norm_(register_module("norm", std::make_shared<LayerNormUnit>(channels))) {}
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override { return norm_->forward(inputs[0]); }

 private:
  std::shared_ptr<LayerNormUnit> norm_;
};

class ActivationLayer : public Layer {
 public:
  explicit ActivationLayer(Activation activation) : activation_(activation) {}
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override { return activate(inputs[0], activation_); }

 private:
  Activation activation_;
};

class Dropout : public Layer {
 public:
  explicit Dropout(double probability) : probability_(probability) {}
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    return torch::dropout(inputs[0], probability_, is_training());
  }

 private:
  double probability_;
};

// Linear, batch norm, activation, dropout; images are averaged over their positions first where `pool` says so.
class Dense : public Layer {
 public:
  struct Options {
    std::int64_t in = 0, out = 0;
    bool bias = true, norm = false, pool = false;
    Activation activation = Activation::none;
    double dropout_before = 0, dropout_after = 0;
  };
  explicit Dense(const Options& options) : options_(options) {
    linear_ = register_module("linear", std::make_shared<LinearUnit>(options.in, options.out, options.bias));
    if (options.norm) norm_ = register_module("norm", std::make_shared<BatchNorm>(options.out, true));
  }
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override {
    torch::Tensor x = options_.pool ? global_average(inputs[0]) : inputs[0];
    if (options_.dropout_before > 0) x = torch::dropout(x, options_.dropout_before, is_training());
    x = linear_->forward(x);
    x = norm_ ? norm_->forward(x, options_.activation) : activate_owned(x, options_.activation);
    return options_.dropout_after > 0 ? torch::dropout(x, options_.dropout_after, is_training()) : x;
  }

 private:
  Options options_;
  std::shared_ptr<LinearUnit> linear_;
  std::shared_ptr<BatchNorm> norm_;
};

}  // namespace

Made none(const LayerContext& context) {
  return std::make_shared<Zero>(context.output);
}

Made identity(const LayerContext&) {
  return std::make_shared<Function>([](const torch::Tensor& x) { return x; });
}

Made add(const LayerContext&) {
  return std::make_shared<Add>();
}

Made concat(const LayerContext&) {
  return std::make_shared<Concat>();
}

Made max_pool(const LayerContext& context) {
  return std::make_shared<Pool>(context, false);
}

Made avg_pool(const LayerContext& context) {
  return std::make_shared<Pool>(context, true);
}

Made batch_norm(const LayerContext& context) {
  return std::make_shared<NormLayer>(context.output.channels, boolean_of(context.parameters, "affine", true),
                                     Activation::none);
}

Made layer_norm(const LayerContext& context) {
  return std::make_shared<LayerNormLayer>(context.output.channels);
}

Made bn_relu(const LayerContext& context) {
  return std::make_shared<NormLayer>(context.output.channels, boolean_of(context.parameters, "affine", true),
                                     Activation::relu);
}

Made relu(const LayerContext&) {
  return std::make_shared<ActivationLayer>(Activation::relu);
}

Made activation(const LayerContext& context) {
  return std::make_shared<ActivationLayer>(activation_from_string(text_of(context.parameters, "function", "relu")));
}

Made dropout(const LayerContext& context) {
  return std::make_shared<Dropout>(real_of(context.parameters, "probability", 0.5));
}

Made global_pool(const LayerContext&) {
  return std::make_shared<Function>(global_average);
}

Made flatten(const LayerContext&) {
  // In channels, rows, columns order whatever the memory order, so that exported weights mean the same everywhere.
  return std::make_shared<Function>([](const torch::Tensor& x) { return x.flatten(1); });
}

Made linear(const LayerContext& context) {
  return std::make_shared<Dense>(Dense::Options{.in = context.inputs[0].channels,
                                                .out = context.output.channels,
                                                .bias = boolean_of(context.parameters, "bias", true)});
}

Made dense(const LayerContext& context) {
  return std::make_shared<Dense>(
      Dense::Options{.in = context.inputs[0].channels,
                     .out = context.output.channels,
                     .norm = boolean_of(context.parameters, "norm", false),
                     .activation = activation_from_string(text_of(context.parameters, "activation", "relu")),
                     .dropout_after = real_of(context.parameters, "dropout", 0)});
}

Made classifier(const LayerContext& context) {
  return std::make_shared<Dense>(Dense::Options{.in = context.inputs[0].channels,
                                                .out = context.output.channels,
                                                .pool = context.inputs[0].is_image(),
                                                .dropout_before = real_of(context.parameters, "dropout", 0)});
}

}  // namespace netwright::layers
