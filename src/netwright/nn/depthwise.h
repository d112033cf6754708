// Depthwise convolutions in float64 as an autograd function on top of kernels/depthwise_double.h. Second derivatives
// fall back to LibTorch's convolution and are exact.
#pragma once

#include "netwright/nn/units.h"

namespace netwright {

// An image of float64 on a CPU that the kernels know, a filter a channel without bias; not within PlainExecution.
bool depthwise_wanted(const torch::Tensor& x, const ConvolutionOptions& options);

// x: N x C x H x W, weight: C x 1 x k x k. `padding` on each side, zeros.
torch::Tensor depthwise(const torch::Tensor& x, const torch::Tensor& weight, std::int64_t stride, std::int64_t padding,
                        std::int64_t dilation);

}  // namespace netwright
