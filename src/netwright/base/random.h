// Seeded random streams. Every random decision takes a Random&; nothing reads the clock or a global generator.
//
// xoshiro256** (Blackman & Vigna 2018), seeded by splitmix64. The same seed gives the same numbers on every machine,
// which std::uniform_int_distribution and its kin do not promise.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace netwright {

class Random {
 public:
  using result_type = std::uint64_t;  // satisfies UniformRandomBitGenerator

  explicit Random(std::uint64_t seed);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() { return next(); }

  std::uint64_t next();
  double uniform();                          // [0, 1), 53 bits
  std::uint64_t below(std::uint64_t bound);  // [0, bound), unbiased; bound > 0
  double normal();                           // mean 0, standard deviation 1

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_[4];
};

// A seed for an independent stream, from a parent seed and what the stream is for. Changing one stream's use never
// shifts another's.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0);

}  // namespace netwright
