// The separable convolutions of cell networks: ReLU, depthwise, pointwise, batch norm; once (dil_conv) or twice
// (sep_conv, Liu et al. 2019). In a header of its own for nn/weighted_sum.h, which runs one or many of them.
#pragma once

#include <memory>
#include <vector>

#include "netwright/nn/operations.h"
#include "netwright/nn/units.h"

namespace netwright {

class Separable : public Layer {
 public:
  // `context`: parameters kernel, stride (of the first depthwise convolution), affine.
  Separable(const LayerContext& context, std::int64_t dilation, int times);

  // By the kernels of nn/weighted_sum.h where they apply and are wanted.
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override;
  void want_kernels(bool wanted) { kernels_wanted_ = wanted; }

  int stages() const { return static_cast<int>(depthwise_.size()); }
  ConvolutionBlock& depthwise(int stage) const { return *depthwise_[static_cast<std::size_t>(stage)]; }
  ConvolutionBlock& pointwise(int stage) const { return *pointwise_[static_cast<std::size_t>(stage)]; }

 private:
  std::vector<std::shared_ptr<ConvolutionBlock>> depthwise_, pointwise_;
  bool kernels_wanted_ = true;
};

}  // namespace netwright
