// Kernels for the sum that a supernet's node is: weight * norm(term), over depthwise-separable convolutions of several
// sources, over values from elsewhere and over the sources themselves; forward, and backward to everything.
//
// Why our own: LibTorch runs a depthwise convolution's backward at a tenth of its forward's speed, and ReLU, batch
// norm, weight and sum each as a pass over main memory. Here a sample of a source is copied once, with its ReLU and its
// border, into a buffer that the second-level cache holds; every separable term of that source works from it, depthwise
// and pointwise in bands of rows that the first-level cache holds. Batch norm, architecture weight and sum are one pass
// over what the pointwise convolutions gave. Only that (z) is kept for the backward pass: the normalised values and the
// depthwise results are computed again from it where they are needed.
//
// - Images are channels_last: samples x height x width x channels, dense. All terms have the sum's channels.
// - A term of one stage: z = pointwise(depthwise(relu(source))); of two: z2 = pointwise(depthwise(relu(norm(z1)))).
//   Or a factorized reduction: the first half of z's channels are a matrix times relu(source) at even rows and columns,
//   the others one times that at odd ones (zero where they lie outside).
//   The norm is a batch norm by the batch's statistics, with scale and shift or without. Padding keeps the size at
//   stride 1.
// - float and double; of float z may be kept in half the memory, as Bfloat16. Sums over the batch are carried in
// double. Results depend on the number of threads only in the
//   order of sums; on one thread they repeat bit for bit.
// - No LibTorch in here: nn/weighted_sum.h makes an autograd function of it. Nothing is allocated: the caller hands in
//   the scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netwright::kernels {

constexpr double norm_epsilon = 1e-5;

// The upper half of a float: its exponent and 7 bits of its fraction.
struct Bfloat16 {
  std::uint16_t bits;
};

// Of a norm, each as long as there are channels.
template <class T>
struct Statistics {
  T* mean = nullptr;
  T* variance = nullptr;  // biased
  T* inverse = nullptr;   // 1 / sqrt(variance + norm_epsilon)
};

template <class T>
struct SumSource {
  const T* x = nullptr;
  std::int64_t height = 0, width = 0;
  T* gradient = nullptr;  // backward: null where it is not wanted
  bool add = false;       // backward: the gradient is added to what is there
};

// Depthwise convolution (kernel 3 or 5, dilation 1 or 2, stride 1 or 2), then a pointwise one. Of a factorized
// reduction `depthwise` is the matrix of even positions (channels / 2 x channels), `pointwise` that of odd ones.
template <class T, class Z = T>
struct Stage {
  bool reduction = false;
  int kernel = 3, dilation = 1, stride = 1;
  const T* depthwise = nullptr;  // channels x kernel x kernel
  const T* pointwise = nullptr;  // output channels x input channels
  Z* z = nullptr;
  Statistics<T> norm;                         // of z
  const T *gamma = nullptr, *beta = nullptr;  // the norm's scale and shift; both null where it has none
  T* depthwise_gradient = nullptr;            // backward: both null where they are not wanted
  T* pointwise_gradient = nullptr;
  T *gamma_gradient = nullptr, *beta_gradient = nullptr;  // backward: null where they are not wanted
};

template <class T, class Z = T>
struct Term {
  enum class Kind { separable, value, identity };
  Kind kind = Kind::identity;
  T weight = 1;
  double weight_gradient = 0;  // backward
  int source = 0;              // separable, identity
  int stages = 0;              // separable: 1 or 2; only the first may have a stride
  Stage<T, Z> stage[2];
  const T* y = nullptr;     // value
  T* y_gradient = nullptr;  // backward: null where it is not wanted
  // Backward, of a value: by channel, the sums over positions of out's gradient, and of that times the value. Null
  // where they are not wanted.
  double *value_totals = nullptr, *value_products = nullptr;
};

template <class T, class Z = T>
struct WeightedSum {
  std::int64_t samples = 0, height = 0, width = 0, channels = 0;  // of the output
  int threads = 1;
  SumSource<T>* sources = nullptr;
  int source_count = 0;
  Term<T, Z>* terms = nullptr;
  int term_count = 0;
  T* out = nullptr;             // forward
  const T* gradient = nullptr;  // backward: of out

  std::int64_t positions() const { return samples * height * width; }
};

// What a processor can run. `scratch` is as large as scratch_bytes says, aligned to 64 bytes, with any content.
template <class T, class Z = T>
struct WeightedSumKernels {
  std::size_t (*scratch_bytes)(const WeightedSum<T, Z>& sum);
  // Writes out, z and statistics.
  void (*forward)(const WeightedSum<T, Z>& sum, void* scratch);
  // Reads what forward wrote; writes every gradient that is wanted.
  void (*backward)(WeightedSum<T, Z>& sum, void* scratch);
};

// Of 32-byte vectors (AVX2 on x86), or 64-byte ones where the processor has AVX-512; null where it has neither.
template <class T, class Z = T>
const WeightedSumKernels<T, Z>* weighted_sum_kernels();

// Whether a stage may have these.
constexpr bool has_stage(std::int64_t kernel, std::int64_t dilation, std::int64_t stride) {
  return (kernel == 3 || kernel == 5) && (dilation == 1 || dilation == 2) && (stride == 1 || stride == 2);
}

}  // namespace netwright::kernels
