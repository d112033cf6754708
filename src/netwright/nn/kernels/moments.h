// Sums over a batch, channel by channel, and the statistics and gradients of a norm that come of them. See simd.h for
// who may include it.
#pragma once

#include "netwright/nn/kernels/simd.h"
#include "netwright/nn/kernels/weighted_sum.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

// Sums of one thread over its share of the batch, from which a norm's statistics are merged. `shift` is the first
// value: sums of differences keep the digits that sums of values lose where a mean is far from zero.
template <class T>
struct Moments {
  std::int64_t count = 0;
  T* shift = nullptr;
  double *first = nullptr, *second = nullptr;
};

template <class T>
void add_moments(Moments<T>& moments, const T* z, std::int64_t positions, std::int64_t channels) {
  const bool fresh = moments.count == 0;
  for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
    if (fresh) {
      store(moments.shift + c, load(z + c, count));
      for (std::int64_t k = 0; k < count; ++k) moments.first[c + k] = moments.second[c + k] = 0;
    }
    const Lanes<T> shift = load(moments.shift + c);
    Lanes<T> first[4] = {}, second[4] = {};
    std::int64_t i = 0;
    for (; i + 4 <= positions; i += 4) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const Lanes<T> value = load(z + (i + k) * channels + c, count) - shift;
        first[k] += value;
        second[k] += value * value;
      }
    }
    for (; i < positions; ++i) {
      const Lanes<T> value = load(z + i * channels + c, count) - shift;
      first[0] += value;
      second[0] += value * value;
    }
    const Lanes<T> f = (first[0] + first[1]) + (first[2] + first[3]);
    const Lanes<T> s = (second[0] + second[1]) + (second[2] + second[3]);
    for (std::int64_t k = 0; k < count; ++k) {
      moments.first[c + k] += static_cast<double>(f[k]);
      moments.second[c + k] += static_cast<double>(s[k]);
    }
  });
  moments.count += positions;
}

// The threads' moments, `part(t)` for t < threads, merged pairwise (Chan, Golub & LeVeque 1979).
template <class T, class Part>
void merge_moments(const Statistics<T>& norm, int threads, std::int64_t channels, Part part) {
  for (std::int64_t c = 0; c < channels; ++c) {
    double count = 0, mean = 0, squares = 0;
    for (int t = 0; t < threads; ++t) {
      const Moments<T>& own = part(t);
      if (own.count == 0) continue;
      const auto n = static_cast<double>(own.count);
      const double shifted = own.first[c] / n;
      const double deviation = own.second[c] - own.first[c] * shifted;
      const double difference = static_cast<double>(own.shift[c]) + shifted - mean, whole = count + n;
      mean += difference * n / whole;
      squares += (deviation < 0 ? 0 : deviation) + difference * difference * count * n / whole;
      count = whole;
    }
    const double variance = squares / count;
    norm.mean[c] = static_cast<T>(mean);
    norm.variance[c] = static_cast<T>(variance);
    norm.inverse[c] = static_cast<T>(1 / __builtin_sqrt(variance + norm_epsilon));
  }
}

// total += g and centred += g * (z - mean), by channel, over positions [begin, end); a mean of 0 where there is none.
template <class T>
void add_gradient_sums(const T* g, const T* z, const T* mean, std::int64_t begin, std::int64_t end,
                       std::int64_t channels, double* total, double* centred) {
  for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
    const Lanes<T> centre = mean ? load(mean + c, count) : Lanes<T>{};
    Lanes<T> sums[4] = {}, products[4] = {};
    std::int64_t i = begin;
    for (; i + 4 <= end; i += 4) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const Lanes<T> value = load(g + (i + k) * channels + c, count);
        sums[k] += value;
        products[k] += value * (load(z + (i + k) * channels + c, count) - centre);
      }
    }
    for (; i < end; ++i) {
      const Lanes<T> value = load(g + i * channels + c, count);
      sums[0] += value;
      products[0] += value * (load(z + i * channels + c, count) - centre);
    }
    const Lanes<T> s = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    const Lanes<T> p = (products[0] + products[1]) + (products[2] + products[3]);
    for (std::int64_t k = 0; k < count; ++k) {
      total[c + k] += static_cast<double>(s[k]);
      centred[c + k] += static_cast<double>(p[k]);
    }
  });
}

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
