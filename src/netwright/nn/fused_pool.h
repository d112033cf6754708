// 3x3 pooling, with the batch norm that follows it in a supernet, as one autograd function on top of kernels/pool.h. It
// keeps its result and, for a maximum, its input; second derivatives fall back to LibTorch's operations and are exact.
#pragma once

#include "netwright/nn/units.h"

namespace netwright {

struct PoolOptions {
  bool average = false;     // of the values within the image; else the maximum
  std::int64_t kernel = 3;  // odd; padding (kernel - 1) / 2
  std::int64_t stride = 1;
};

// An image on a CPU that the kernels know, float32 or float64, kernel 3, stride 1 or 2, more than one position in the
// result; not within PlainExecution.
bool fusible(const torch::Tensor& x, const PoolOptions& options);

// `norm`: null, or one without weights that uses the batch; its running statistics are updated.
torch::Tensor fused_pool(const torch::Tensor& x, const PoolOptions& options, BatchNorm* norm);

// By LibTorch's own operations, without norm.
torch::Tensor plain_pool(const torch::Tensor& x, const PoolOptions& options);

}  // namespace netwright
