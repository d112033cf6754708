// weighted_sum.h for one width of vectors: included by the translation unit of each (see simd.h).
#include "netwright/nn/kernels/weighted_sum_backward.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {
namespace {

template <class T, class Z>
std::size_t scratch_bytes(const WeightedSum<T, Z>& sum) {
  Carver carver(nullptr);
  const Work<T, Z> work(sum, sum.gradient != nullptr, carver);
  (void)work;
  return carver.used();
}

}  // namespace

template <class T, class Z>
constexpr WeightedSumKernels<T, Z> sum_kernels = {scratch_bytes<T, Z>, forward<T, Z>, backward<T, Z>};

extern const WeightedSumKernels<float> floats;
extern const WeightedSumKernels<float, Bfloat16> short_floats;
extern const WeightedSumKernels<double> doubles;
const WeightedSumKernels<float> floats = sum_kernels<float, float>;
const WeightedSumKernels<float, Bfloat16> short_floats = sum_kernels<float, Bfloat16>;
const WeightedSumKernels<double> doubles = sum_kernels<double, double>;

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
