// The kernels of a weighted sum for vectors of 64 bytes, compiled for a processor of 32-byte ones (vectors/), against
// those of 32 bytes: lanes, tails and packing are right whether or not there is a processor with AVX-512 at hand.
#define NETWRIGHT_VECTOR_BYTES 16
#define NETWRIGHT_VECTOR_NAMESPACE vectors_of_16
#include "netwright/nn/kernels/simd.h"
#undef NETWRIGHT_VECTOR_BYTES
#undef NETWRIGHT_VECTOR_NAMESPACE

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

namespace netwright::kernels {
namespace vectors_of_32 {
extern const WeightedSumKernels<float> floats;
extern const WeightedSumKernels<float, Bfloat16> short_floats;
extern const WeightedSumKernels<double> doubles;
}  // namespace vectors_of_32
namespace vectors_of_64_in_halves {
extern const WeightedSumKernels<float> floats;
extern const WeightedSumKernels<float, Bfloat16> short_floats;
extern const WeightedSumKernels<double> doubles;
}  // namespace vectors_of_64_in_halves
}  // namespace netwright::kernels

namespace netwright::vectors_test {
namespace {

namespace wide = kernels::vectors_of_64_in_halves;
namespace short_vectors = kernels::vectors_of_16;

template <class T>
class Numbers {
 public:
  explicit Numbers(std::size_t count, std::uint64_t seed) : values_(count) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal;
    for (T& value : values_) value = static_cast<T>(normal(engine));
  }
  T* data() { return values_.data(); }
  const std::vector<T>& values() const { return values_; }

 private:
  std::vector<T> values_;
};

// Two stages of a 5x5 and one of a dilated 3x3 on a first source, at stride 2 where it is twice as large; a factorized
// reduction of it there; a scaled 3x3 and the identity of a second source; a value.
template <class T, class Z>
std::vector<std::vector<T>> run(const kernels::WeightedSumKernels<T, Z>& table, std::int64_t channels, int stride) {
  const std::int64_t samples = 2, height = 5, width = 6, in_height = height * stride, in_width = width * stride;
  const auto image = static_cast<std::size_t>(samples * height * width * channels);
  std::vector<Numbers<T>> kept;
  kept.reserve(100);  // pointers stay
  std::uint64_t seed = 0;
  const auto make = [&](std::size_t count) { return kept.emplace_back(count, ++seed).data(); };
  std::vector<std::vector<Z>> zs;
  zs.reserve(20);
  kernels::SumSource<T> sources[2] = {
      {make(image * static_cast<std::size_t>(stride * stride)), in_height, in_width, {}},
      {make(image), height, width, {}}};
  for (auto& source : sources) {
    source.gradient = make(static_cast<std::size_t>(samples * source.height * source.width * channels));
  }
  std::vector<kernels::Term<T, Z>> terms;
  const auto c = static_cast<std::size_t>(channels);
  const auto stage = [&](bool reduction, int kernel, int dilation, int own_stride, bool scaled) {
    kernels::Stage<T, Z> made;
    made.reduction = reduction;
    made.kernel = kernel;
    made.dilation = dilation;
    made.stride = own_stride;
    const std::size_t first = reduction ? c / 2 * c : c * static_cast<std::size_t>(kernel * kernel);
    const std::size_t second = reduction ? (c - c / 2) * c : c * c;
    made.depthwise = make(first);
    made.pointwise = make(second);
    made.z = zs.emplace_back(image).data();
    made.norm = {make(c), make(c), make(c)};
    made.depthwise_gradient = make(first);
    made.pointwise_gradient = make(second);
    if (scaled) {
      made.gamma = make(c);
      made.beta = make(c);
      made.gamma_gradient = make(c);
      made.beta_gradient = make(c);
    }
    return made;
  };
  const auto separable = [&](int source, const kernels::Stage<T, Z>& first, int stages = 1) {
    kernels::Term<T, Z> term;
    term.kind = kernels::Term<T, Z>::Kind::separable;
    term.weight = static_cast<T>(0.3 + 0.1 * static_cast<double>(terms.size()));
    term.source = source;
    term.stages = stages;
    term.stage[0] = first;
    terms.push_back(term);
  };
  separable(0, stage(false, 5, 1, stride, false), 2);
  terms.back().stage[1] = stage(false, 5, 1, 1, false);
  separable(0, stage(false, 3, 2, stride, false));
  if (stride == 2 && channels > 1) separable(0, stage(true, 1, 1, 2, true));
  separable(1, stage(false, 3, 1, 1, true), 2);
  terms.back().stage[1] = stage(false, 3, 1, 1, true);
  terms.emplace_back().source = 1;
  terms.emplace_back().kind = kernels::Term<T, Z>::Kind::value;
  terms.back().y = make(image);
  terms.back().y_gradient = make(image);

  kernels::WeightedSum<T, Z> sum;
  sum.samples = samples;
  sum.height = height;
  sum.width = width;
  sum.channels = channels;
  sum.threads = 2;
  sum.sources = sources;
  sum.source_count = 2;
  sum.terms = terms.data();
  sum.term_count = static_cast<int>(terms.size());
  sum.out = make(image);
  const auto call = [&](auto&& function) {
    void* scratch = std::aligned_alloc(64, (table.scratch_bytes(sum) + 63) / 64 * 64);
    function(sum, scratch);
    std::free(scratch);
  };
  call(table.forward);
  sum.gradient = make(image);
  call(table.backward);
  std::vector<std::vector<T>> all;
  for (const Numbers<T>& numbers : kept) all.push_back(numbers.values());
  for (const kernels::Term<T, Z>& term : terms) all.push_back({static_cast<T>(term.weight_gradient)});
  return all;
}

template <class T, class Z>
void expect_same(const kernels::WeightedSumKernels<T, Z>& narrow, const kernels::WeightedSumKernels<T, Z>& broad,
                 double tolerance) {
  for (const std::int64_t channels : {1, 3, 8, 16, 20, 36}) {
    for (const int stride : {1, 2}) {
      const auto expected = run(narrow, channels, stride), actual = run(broad, channels, stride);
      ASSERT_EQ(actual.size(), expected.size());
      double scale = 1;
      for (const auto& numbers : expected) {
        for (const T number : numbers) scale = std::max(scale, std::abs(static_cast<double>(number)));
      }
      for (std::size_t i = 0; i < expected.size(); ++i) {
        double worst = 0;
        for (std::size_t k = 0; k < expected[i].size(); ++k) {
          const double difference = std::abs(static_cast<double>(actual[i][k]) - static_cast<double>(expected[i][k]));
          worst = std::isnan(difference) ? 1e30 : std::max(worst, difference);
        }
        EXPECT_LT(worst / scale, tolerance) << "array " << i << ", " << channels << " channels, stride " << stride;
      }
    }
  }
}

TEST(Vectors, OfSixtyFourBytesGiveWhatThoseOfThirtyTwoDo) {
  if (kernels::weighted_sum_kernels<float>() == nullptr) GTEST_SKIP() << "this processor has no kernels";
  expect_same(kernels::vectors_of_32::floats, wide::floats, 1e-5);
  expect_same(kernels::vectors_of_32::doubles, wide::doubles, 1e-12);
  expect_same(kernels::vectors_of_32::short_floats, wide::short_floats, 1e-2);
}

// Bfloat16 numbers themselves: to nearest, ties to even, infinities and NaN.
TEST(Vectors, Bfloat16RoundsToNearest) {
  const std::vector<std::pair<float, float>> cases = {{1, 1},
                                                      {1 + 0x1p-8F, 1},                    // a tie: to even
                                                      {1 + 3 * 0x1p-8F, 1 + 2 * 0x1p-7F},  // likewise
                                                      {1 + 0x1.8p-8F, 1 + 0x1p-7F},
                                                      {-1 - 0x1.8p-8F, -1 - 0x1p-7F},
                                                      {INFINITY, INFINITY},
                                                      {3.4e38F, INFINITY},  // beyond the largest
                                                      {-0.0F, -0.0F}};
  for (const auto& [value, expected] : cases) {
    kernels::Bfloat16 stored[4];
    short_vectors::store(stored, short_vectors::spread(value), 4);
    EXPECT_EQ(short_vectors::load(stored)[3], expected) << value;
    EXPECT_EQ(short_vectors::number(stored[2]), expected);
  }
  kernels::Bfloat16 stored[4];
  short_vectors::store(stored, short_vectors::spread(std::nanf("")), 4);
  EXPECT_TRUE(std::isnan(short_vectors::load(stored, 3)[2]));
}

}  // namespace
}  // namespace netwright::vectors_test
