// Sums over a batch, channel by channel, and the statistics and gradients of a norm that come of them. See simd.h for
// who may include it.
#pragma once

#include "netwright/nn/kernels/simd.h"
#include "netwright/nn/kernels/weighted_sum.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

// Sums of one thread over its share of the batch, from which a norm's statistics are merged. `shift` is the first
// value: sums of differences keep the digits that sums of values lose where a mean is far from zero.
template <class T>
struct PartialMoments {
  std::int64_t count = 0;
  T* shift = nullptr;
  double *first = nullptr, *second = nullptr;
};

template <class T, class Z>
void add_moments(PartialMoments<T>& moments, const Z* z, std::int64_t positions, std::int64_t channels) {
  const bool fresh = moments.count == 0;
  for_channel_pairs<T>(channels, [&]<int Vectors>(std::int64_t c, std::int64_t count) {
    if (fresh) {
      const std::int64_t all = (Vectors - 1) * lane_count<T> + count;
      for (std::int64_t k = 0; k < all; ++k) {
        moments.shift[c + k] = number(z[c + k]);
        moments.first[c + k] = moments.second[c + k] = 0;
      }
    }
    Lanes<T> shift[Vectors], first[2][Vectors] = {}, second[2][Vectors] = {};
    for (int v = 0; v < Vectors; ++v) shift[v] = load(moments.shift + c + v * lane_count<T>, count);
    for (std::int64_t i = 0; i < positions; ++i) {
      const Z* at = z + i * channels + c;
      const auto add = [&](Lanes<T>(&f)[Vectors], Lanes<T>(&s)[Vectors]) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
          const Lanes<T> value = load(at + v * lane_count<T>, count) - shift[v];
          f[v] += value;
          s[v] += value * value;
        }
      };
      add(first[0], second[0]);
      if (++i == positions) break;
      at += channels;
      add(first[1], second[1]);
    }
    for (int v = 0; v < Vectors; ++v) {
      const Lanes<T> f = first[0][v] + first[1][v], s = second[0][v] + second[1][v];
      for (std::int64_t k = 0; k < count; ++k) {
        moments.first[c + v * lane_count<T> + k] += static_cast<double>(f[k]);
        moments.second[c + v * lane_count<T> + k] += static_cast<double>(s[k]);
      }
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
      const PartialMoments<T>& own = part(t);
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
template <class T, class Z>
void add_gradient_sums(const T* g, const Z* z, const T* mean, std::int64_t begin, std::int64_t end,
                       std::int64_t channels, double* total, double* centred) {
  for_channel_pairs<T>(channels, [&]<int Vectors>(std::int64_t c, std::int64_t count) {
    Lanes<T> centre[Vectors] = {}, sums[2][Vectors] = {}, products[2][Vectors] = {};
    for (int v = 0; v < Vectors && mean; ++v) centre[v] = load(mean + c + v * lane_count<T>, count);
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t at = i * channels + c;
      const auto add = [&](Lanes<T>(&s)[Vectors], Lanes<T>(&p)[Vectors]) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
          const Lanes<T> value = load(g + at + v * lane_count<T>, count);
          s[v] += value;
          p[v] += value * (load(z + at + v * lane_count<T>, count) - centre[v]);
        }
      };
      add(sums[0], products[0]);
      if (++i == end) break;
      at += channels;
      add(sums[1], products[1]);
    }
    for (int v = 0; v < Vectors; ++v) {
      const Lanes<T> s = sums[0][v] + sums[1][v], p = products[0][v] + products[1][v];
      for (std::int64_t k = 0; k < count; ++k) {
        total[c + v * lane_count<T> + k] += static_cast<double>(s[k]);
        centred[c + v * lane_count<T> + k] += static_cast<double>(p[k]);
      }
    }
  });
}

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
