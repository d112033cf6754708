// Depthwise convolutions in float64, of any kernel, stride, dilation and padding.
//
// Why our own: LibTorch runs a grouped convolution in float64 channel by channel, each a matrix product of a few
// numbers, forty times as slow as reading the image. A supernet's eigenvalue is found in float64 (oneshot/health.h).
//
// Images are channels_last (N, H, W, C), weights (kernel, kernel, C). No LibTorch in here: nn/depthwise.h makes an
// autograd function of it. Each function does a share of the work, and no sum is split between shares: results do not
// depend on how many there are.
#pragma once

#include <cstdint>

namespace netwright::kernels {

struct DepthwiseShape {
  std::int64_t samples = 0, channels = 0;
  std::int64_t height = 0, width = 0;  // of the input
  std::int64_t rows = 0, columns = 0;  // of the output
  std::int64_t kernel = 3, stride = 1, dilation = 1, padding = 1;
};

// y of rows [first, last) of samples * rows.
void depthwise(const DepthwiseShape& shape, const double* x, const double* weight, double* y, std::int64_t first,
               std::int64_t last);

// dx of rows [first, last) of samples * height.
void depthwise_input_gradient(const DepthwiseShape& shape, const double* dy, const double* weight, double* dx,
                              std::int64_t first, std::int64_t last);

// dweight of taps [first, last) of kernel * kernel.
void depthwise_weight_gradient(const DepthwiseShape& shape, const double* x, const double* dy, double* dweight,
                               std::int64_t first, std::int64_t last);

}  // namespace netwright::kernels
