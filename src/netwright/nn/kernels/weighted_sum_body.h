// weighted_sum.h for one width of vectors: included by the translation unit of each (see simd.h).
#include "netwright/nn/kernels/weighted_sum_backward.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {
namespace {

template <class T>
std::size_t scratch_bytes(const WeightedSum<T>& sum) {
  Carver carver(nullptr);
  const Work<T> work(sum, sum.gradient != nullptr, carver);
  (void)work;
  return carver.used();
}

}  // namespace

extern const WeightedSumKernels<float> floats;
extern const WeightedSumKernels<double> doubles;
const WeightedSumKernels<float> floats = {scratch_bytes<float>, forward<float>, backward<float>};
const WeightedSumKernels<double> doubles = {scratch_bytes<double>, forward<double>, backward<double>};

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
