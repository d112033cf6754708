// DARTS's factorized reduction: ReLU, two 1x1 convolutions of stride 2, the second one pixel further down and right,
// concatenated; batch norm. In a header of its own for nn/weighted_sum.h, which runs it in a node's sum.
#pragma once

#include <memory>
#include <vector>

#include "netwright/nn/operations.h"
#include "netwright/nn/units.h"

namespace netwright {

class FactorizedReduce : public Layer {
 public:
  FactorizedReduce(std::int64_t in, std::int64_t out, Norm norm);

  // By the kernels of nn/weighted_sum.h where they apply and are wanted.
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override;
  void want_kernels(bool wanted) { kernels_wanted_ = wanted; }

  ConvolutionBlock& even() const { return *even_; }
  ConvolutionBlock& odd() const { return *odd_; }
  BatchNorm& norm() const { return *norm_; }

 private:
  std::shared_ptr<ConvolutionBlock> even_, odd_;
  std::shared_ptr<BatchNorm> norm_;
  bool kernels_wanted_ = true;
};

// relu(x) one pixel further down and right. Where a side is odd the last position lies outside the image: zero, as
// padding is.
torch::Tensor shifted(const torch::Tensor& x);

}  // namespace netwright
