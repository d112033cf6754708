// Kernels for 3x3 pooling with padding 1, stride 1 or 2, maximum or average (of the values that are there), followed by
// a batch norm by the batch's statistics without weights, or by nothing.
//
// Why our own: LibTorch keeps a 64-bit index for every maximum and normalises in passes over main memory. Here nothing
// but the result is kept: where a maximum came from is found again in backward, and the norm's gradient follows from
// its own output. Images as in weighted_sum.h; float and double; no LibTorch in here, nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>

#include "netwright/nn/kernels/weighted_sum.h"

namespace netwright::kernels {

template <class T>
struct Pooling {
  std::int64_t samples = 0, height = 0, width = 0, channels = 0;  // of x
  std::int64_t stride = 1;
  bool average = false;
  bool normalize = false;
  int threads = 1;
  const T* x = nullptr;  // backward: read by maxima alone
  T* y = nullptr;        // forward: written; backward: read where normalised
  Statistics<T> norm;    // where normalised
  // Backward: the gradient of y is the sum over k of gradient_weights[k] * gradients[k].
  const T* const* gradients = nullptr;
  const T* gradient_weights = nullptr;
  int gradient_count = 0;
  // Where normalised, by channel, the sums over positions of y's gradient, and of that times y. Null where they are not
  // known: then there is one gradient, of weight 1.
  const double *totals = nullptr, *products = nullptr;
  T* x_gradient = nullptr;
  bool add = false;  // x's gradient is added to what is there

  std::int64_t out_height() const { return (height - 1) / stride + 1; }
  std::int64_t out_width() const { return (width - 1) / stride + 1; }
};

template <class T>
struct PoolingKernels {
  std::size_t (*scratch_bytes)(const Pooling<T>& pooling);
  void (*forward)(const Pooling<T>& pooling, void* scratch);
  void (*backward)(const Pooling<T>& pooling, void* scratch);
};

// Null where the processor has not what weighted_sum_kernels() needs.
template <class T>
const PoolingKernels<T>* pooling_kernels();

}  // namespace netwright::kernels
