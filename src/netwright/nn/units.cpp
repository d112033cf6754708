#include "netwright/nn/units.h"

#include <array>
#include <cmath>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/nn/depthwise.h"
#include "netwright/nn/fused.h"

namespace netwright {

namespace {

struct ActivationName {
  const char* name;
  Activation activation;
};

constexpr std::array<ActivationName, 8> activation_names = {{{"none", Activation::none},
                                                             {"relu", Activation::relu},
                                                             {"relu6", Activation::relu6},
                                                             {"hard_swish", Activation::hard_swish},
                                                             {"silu", Activation::silu},
                                                             {"gelu", Activation::gelu},
                                                             {"sigmoid", Activation::sigmoid},
                                                             {"tanh", Activation::tanh}}};

torch::Tensor add_parameter(torch::nn::Module& module, const char* name, at::IntArrayRef sizes) {
  return module.register_parameter(name, torch::empty(sizes));
}

}  // namespace

Activation activation_from_string(const std::string& name) {
  std::vector<std::string> names;
  for (const ActivationName& row : activation_names) {
    if (name == row.name) return row.activation;
    names.emplace_back(row.name);
  }
  throw invalid({}, "unknown activation '" + name + "'", suggest(name, names));
}

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return torch::relu(x);
    case Activation::relu6:
      return torch::clamp(x, 0, 6);
    case Activation::hard_swish:
      return torch::hardswish(x);
    case Activation::silu:
      return torch::silu(x);
    case Activation::gelu:
      return torch::gelu(x);
    case Activation::sigmoid:
      return torch::sigmoid(x);
    case Activation::tanh:
      return torch::tanh(x);
  }
  return x;
}

torch::Tensor activate_owned(torch::Tensor x, Activation activation) {
  return activation == Activation::relu ? torch::relu_(x) : activate(x, activation);
}

namespace {
thread_local bool resting_statistics = false;
}  // namespace

RestingStatistics::RestingStatistics() : before_(resting_statistics) {
  resting_statistics = true;
}
RestingStatistics::~RestingStatistics() {
  resting_statistics = before_;
}
bool RestingStatistics::active() {
  return resting_statistics;
}

BatchNorm::BatchNorm(std::int64_t channels, bool affine) {
  if (affine) {
    weight = add_parameter(*this, "weight", {channels});
    bias = add_parameter(*this, "bias", {channels});
  }
  running_mean = register_buffer("running_mean", torch::zeros({channels}));
  running_var = register_buffer("running_var", torch::ones({channels}));
}

bool BatchNorm::uses_batch(const torch::Tensor& x) const {
  return is_training() && x.numel() > x.size(1);
}

torch::Tensor BatchNorm::forward(const torch::Tensor& x, Activation after) {
  const bool by_batch = uses_batch(x);
  if (by_batch && fusible(x) && fusible(after)) return fused_norm(x, *this, after);
  const bool rests = by_batch && RestingStatistics::active();
  return activate_owned(
      torch::batch_norm(x, weight, bias, rests ? torch::Tensor() : running_mean, rests ? torch::Tensor() : running_var,
                        by_batch, momentum, epsilon, /*cudnn_enabled=*/true),
      after);
}

namespace {

template <class T>
void move_towards(const torch::Tensor& running, const T* from, double scale) {
  T* to = running.data_ptr<T>();
  for (std::int64_t c = 0; c < running.numel(); ++c) {
    const auto value = static_cast<T>(static_cast<double>(from[c]) * scale);
    to[c] += static_cast<T>(BatchNorm::momentum) * (value - to[c]);
  }
}

}  // namespace

template <class T>
void BatchNorm::update_running(const T* mean, const T* variance, std::int64_t positions) {
  if (RestingStatistics::active()) return;
  move_towards(running_mean, mean, 1);
  move_towards(running_var, variance, static_cast<double>(positions) / static_cast<double>(positions - 1));
}

template void BatchNorm::update_running(const float* mean, const float* variance, std::int64_t positions);
template void BatchNorm::update_running(const double* mean, const double* variance, std::int64_t positions);

void BatchNorm::initialize(at::Generator&) {
  torch::NoGradGuard guard;
  if (weight.defined()) {
    weight.fill_(1);
    bias.zero_();
  }
  running_mean.zero_();
  running_var.fill_(1);
}

ConvolutionBlock::ConvolutionBlock(const ConvolutionOptions& given) : options(given) {
  // Made in channels_last rather than converted: with one input channel a conversion leaves the strides as they are,
  // and LibTorch would then take both image and weight for the other layout.
  weight = register_parameter("weight",
                              torch::empty({options.out, options.in / options.groups, options.kernel, options.kernel},
                                           torch::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast)));
  if (options.bias) bias = add_parameter(*this, "bias", {options.out});
  if (options.norm != Norm::none) {
    norm = register_module("norm", std::make_shared<BatchNorm>(options.out, options.norm == Norm::affine));
  }
}

torch::Tensor ConvolutionBlock::forward(const torch::Tensor& x) {
  if (norm && fusible(options) && norm->uses_batch(x) && fusible(x)) return fused_block(x, *this);
  const std::int64_t padding = options.padding >= 0 ? options.padding : options.dilation * (options.kernel - 1) / 2;
  torch::Tensor rows = activate(x, options.before);
  std::int64_t stride = options.stride;
  if (options.kernel == 1 && stride > 1 && padding == 0) {
    // A strided 1x1 convolution reads every stride-th pixel: picked first, the rest is a plain one. oneDNN 2.x does the
    // same inside, but writes beyond its buffer when the channels are few and no multiple of 8 (6 to 5 channels corrupt
    // the heap).
    const at::MemoryFormat layout = rows.suggest_memory_format();
    rows = rows.slice(2, 0, rows.size(2), stride).slice(3, 0, rows.size(3), stride).contiguous(layout);
    stride = 1;
  }
  torch::Tensor y = is_training() && depthwise_wanted(rows, options)
                        ? depthwise(rows, weight, stride, padding, options.dilation)
                        : torch::conv2d(rows, weight, bias, stride, padding, options.dilation, options.groups);
  return norm ? norm->forward(y, options.after) : activate_owned(std::move(y), options.after);
}

void ConvolutionBlock::initialize(at::Generator& generator) {
  torch::NoGradGuard guard;
  const double fan_out = static_cast<double>(options.out * options.kernel * options.kernel / options.groups);
  weight.normal_(0, std::sqrt(2 / fan_out), generator);
  if (bias.defined()) bias.zero_();
}

LinearUnit::LinearUnit(std::int64_t in, std::int64_t out, bool with_bias) {
  weight = add_parameter(*this, "weight", {out, in});
  if (with_bias) bias = add_parameter(*this, "bias", {out});
}

torch::Tensor LinearUnit::forward(const torch::Tensor& x) {
  return torch::linear(x, weight, bias);
}

void LinearUnit::initialize(at::Generator& generator) {
  torch::NoGradGuard guard;
  const double bound = 1 / std::sqrt(static_cast<double>(weight.size(1)));
  weight.uniform_(-bound, bound, generator);
  if (bias.defined()) bias.uniform_(-bound, bound, generator);
}

LayerNormUnit::LayerNormUnit(std::int64_t channels) {
  weight = add_parameter(*this, "weight", {channels});
  bias = add_parameter(*this, "bias", {channels});
}

torch::Tensor LayerNormUnit::forward(const torch::Tensor& x) {
  if (x.dim() == 2) return torch::layer_norm(x, {x.size(1)}, weight, bias, BatchNorm::epsilon);
  // A channels_last image is contiguous with its channels last, so neither permutation copies.
  return torch::layer_norm(x.permute({0, 2, 3, 1}), {x.size(1)}, weight, bias, BatchNorm::epsilon)
      .permute({0, 3, 1, 2});
}

void LayerNormUnit::initialize(at::Generator&) {
  torch::NoGradGuard guard;
  weight.fill_(1);
  bias.zero_();
}

}  // namespace netwright
