// Which of the kernels that are compiled for several widths of vectors this processor runs.
#include "netwright/nn/kernels/pool.h"
#include "netwright/nn/kernels/weighted_sum.h"

namespace netwright::kernels {

namespace vectors_of_32 {
extern const WeightedSumKernels<float> floats;
extern const WeightedSumKernels<float, Bfloat16> short_floats;
extern const WeightedSumKernels<double> doubles;
extern const PoolingKernels<float> pooling_floats;
extern const PoolingKernels<double> pooling_doubles;
}  // namespace vectors_of_32
namespace vectors_of_64 {
extern const WeightedSumKernels<float> floats;
extern const WeightedSumKernels<float, Bfloat16> short_floats;
extern const WeightedSumKernels<double> doubles;
extern const PoolingKernels<float> pooling_floats;
extern const PoolingKernels<double> pooling_doubles;
}  // namespace vectors_of_64

namespace {

template <class Kernels>
const Kernels* choose(const Kernels& narrow, const Kernels& wide) {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  if (avx512) return &wide;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &narrow : nullptr;
#else
  (void)wide;
  return &narrow;
#endif
}

}  // namespace

template <>
const WeightedSumKernels<float>* weighted_sum_kernels<float>() {
  static const auto* chosen = choose(vectors_of_32::floats, vectors_of_64::floats);
  return chosen;
}

template <>
const WeightedSumKernels<float, Bfloat16>* weighted_sum_kernels<float, Bfloat16>() {
  static const auto* chosen = choose(vectors_of_32::short_floats, vectors_of_64::short_floats);
  return chosen;
}

template <>
const WeightedSumKernels<double>* weighted_sum_kernels<double>() {
  static const auto* chosen = choose(vectors_of_32::doubles, vectors_of_64::doubles);
  return chosen;
}

template <>
const PoolingKernels<float>* pooling_kernels<float>() {
  static const auto* chosen = choose(vectors_of_32::pooling_floats, vectors_of_64::pooling_floats);
  return chosen;
}

template <>
const PoolingKernels<double>* pooling_kernels<double>() {
  static const auto* chosen = choose(vectors_of_32::pooling_doubles, vectors_of_64::pooling_doubles);
  return chosen;
}

}  // namespace netwright::kernels
