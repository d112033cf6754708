// The parts operations are made of: convolution block, batch norm, linear layer, layer norm.
//
// Their weights are uninitialised until initialize() is called; the builder does so with a generator of each unit's
// own (see builder.h). Images are N x C x H x W in channels_last memory, rows N x features.
#pragma once

#include <cstdint>
#include <string>

#include "netwright/nn/torch_compat.h"

namespace netwright {

enum class Activation { none, relu, relu6, hard_swish, silu, gelu, sigmoid, tanh };

// Throws an invalid Error that lists the valid names.
Activation activation_from_string(const std::string& name);
torch::Tensor activate(const torch::Tensor& x, Activation activation);
// May overwrite x: only for a tensor that nothing else reads and whose producer's backward does not need it.
torch::Tensor activate_owned(torch::Tensor x, Activation activation);

class Unit : public torch::nn::Module {
 public:
  virtual void initialize(at::Generator& generator) = 0;
};

// Momentum 0.1, epsilon 1e-5 as in PyTorch; running statistics are buffers. For images and rows. A row batch of one
// sample in training is normalised by the running statistics, because it has no variance of its own.
class BatchNorm : public Unit {
 public:
  BatchNorm(std::int64_t channels, bool affine);
  // Followed by an activation.
  torch::Tensor forward(const torch::Tensor& x, Activation after = Activation::none);
  bool uses_batch(const torch::Tensor& x) const;       // rather than the running statistics
  void initialize(at::Generator& generator) override;  // scale 1, shift 0, running mean 0 and variance 1

  // By a batch's statistics, taken over so many positions: mean and (biased) variance of each channel, in the type of
  // the running ones.
  template <class T>
  void update_running(const T* mean, const T* variance, std::int64_t positions);

  static constexpr double momentum = 0.1;
  static constexpr double epsilon = 1e-5;

  torch::Tensor weight, bias;  // undefined unless affine
  torch::Tensor running_mean, running_var;
};

// While one lives, running statistics of this thread's batch norms stay as they are: a pass is run a second time.
class RestingStatistics {
 public:
  RestingStatistics();
  ~RestingStatistics();
  RestingStatistics(const RestingStatistics&) = delete;
  RestingStatistics& operator=(const RestingStatistics&) = delete;

  static bool active();  // in this thread

 private:
  bool before_;
};

enum class Norm { none, plain, affine };

// activation, convolution, batch norm, activation: each but the convolution optional.
struct ConvolutionOptions {
  std::int64_t in = 0, out = 0;
  std::int64_t kernel = 1, stride = 1, dilation = 1, groups = 1;
  std::int64_t padding = -1;  // -1: dilation * (kernel - 1) / 2, which keeps the size of odd kernels at stride 1
  bool bias = false;
  Norm norm = Norm::none;
  Activation before = Activation::none, after = Activation::none;
};

class ConvolutionBlock : public Unit {
 public:
  explicit ConvolutionBlock(const ConvolutionOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  // Weights normal with variance 2 / fan_out (He et al. 2015), fan_out = out * kernel^2 / groups; bias 0.
  void initialize(at::Generator& generator) override;

  const ConvolutionOptions options;
  torch::Tensor weight, bias;       // bias undefined unless asked for
  std::shared_ptr<BatchNorm> norm;  // null for Norm::none
};

// Weights and bias uniform in +-1/sqrt(in), PyTorch's default.
class LinearUnit : public Unit {
 public:
  LinearUnit(std::int64_t in, std::int64_t out, bool with_bias = true);
  torch::Tensor forward(const torch::Tensor& x);
  void initialize(at::Generator& generator) override;

  torch::Tensor weight, bias;
};

// Over the channels (or features) of each position, with scale and shift, epsilon 1e-5.
class LayerNormUnit : public Unit {
 public:
  explicit LayerNormUnit(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);
  void initialize(at::Generator& generator) override;

  torch::Tensor weight, bias;
};

}  // namespace netwright
