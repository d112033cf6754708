// What the kernels share: buffers, shares of work, the clamp after a norm, moments of channels.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "netwright/nn/kernels/convolution.h"
#include "netwright/nn/kernels/vector.h"

namespace netwright::kernels {

inline std::size_t index(std::int64_t value) {
  return static_cast<std::size_t>(value);
}

struct Free {
  void operator()(void* pointer) const { std::free(pointer); }
};
using Buffer = std::unique_ptr<float[], Free>;

inline Buffer make_zeros(std::int64_t floats) {
  const std::size_t bytes = (index(floats) * sizeof(float) + 63) / 64 * 64;
  Buffer buffer(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!buffer) throw std::bad_alloc();
  std::memset(buffer.get(), 0, bytes);
  return buffer;
}

// The share [first, last) of `units` that falls to the calling thread.
struct Share {
  explicit Share(std::int64_t units) {
    const std::int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    first = units * thread / threads;
    last = units * (thread + 1) / threads;
  }
  std::int64_t first, last;
};

inline Vector limit(Clamp clamp, Vector y) {
  if (clamp == Clamp::none) return y;
  y = at_least(y, 0);
  return clamp == Clamp::relu6 ? at_most(y, 6) : y;
}

// The gradient dy where the clamp of z * scale + shift let pass, else 0.
inline Vector pass(Clamp clamp, Vector dy, Vector z, Vector scale, Vector shift) {
  if (clamp == Clamp::none) return dy;
  const Vector y = multiply_add(z, scale, shift);
  dy = y > Vector{} ? dy : Vector{};
  return clamp == Clamp::relu6 ? (y < spread(6) ? dy : Vector{}) : dy;
}

// Calls body(channel, count) for vectors of `count` channels, 8 but for the last.
template <class Body>
void for_channels(std::int64_t channels, Body body) {
  std::int64_t channel = 0;
  for (; channel + lanes <= channels; channel += lanes) body(channel, lanes);
  if (channel < channels) body(channel, channels - channel);
}

// Calls body(i, k) for i in [begin, end), k = 0 .. 3 telling apart sums that the processor can work on at once.
template <class Body>
void for_quads(std::int64_t begin, std::int64_t end, Body body) {
  std::int64_t i = begin;
  for (; i + 4 <= end; i += 4) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) body(i + k, k);
  }
  for (; i < end; ++i) body(i, 0);
}

inline Vector total(const Vector (&sums)[4]) {
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Count, means and sums of squared deviations of channels, merged pairwise (Chan, Golub & LeVeque 1979).
class Moments {
 public:
  explicit Moments(std::int64_t channels) : mean_(index(channels)), squares_(index(channels)) {}

  void merge(double count, const std::vector<double>& mean, const std::vector<double>& squares);
  void merge(const Moments& other) { merge(other.count_, other.mean_, other.squares_); }
  double mean(std::int64_t channel) const { return mean_[index(channel)]; }
  double variance(std::int64_t channel) const { return squares_[index(channel)] / count_; }

 private:
  double count_ = 0;
  std::vector<double> mean_, squares_;
};

// The moments of one thread's share of z, added in blocks that the cache still holds.
class BlockMoments {
 public:
  explicit BlockMoments(std::int64_t channels)
      : channels_(channels), whole_(channels), mean_(index(channels)), squares_(index(channels)) {}
  void add(const float* z, std::int64_t positions);
  Moments whole() { return std::move(whole_); }

 private:
  std::int64_t channels_;
  Moments whole_;
  std::vector<double> mean_, squares_;  // of the block
};

// What each thread found, merged in the threads' order.
class ThreadMoments {
 public:
  explicit ThreadMoments(const BlockShape& shape) : channels_(shape.out), found_(index(shape.threads)) {}
  void put(Moments moments) { found_[index(omp_get_thread_num())].emplace(std::move(moments)); }
  void finish(float* mean, float* variance) const;

 private:
  std::int64_t channels_;
  std::vector<std::optional<Moments>> found_;
};

}  // namespace netwright::kernels
