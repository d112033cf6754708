// Dividing examples so that each class keeps its proportion.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace netwright {

// How many of `total` go to each class when `counts` are the classes' sizes: proportional, the units lost to rounding
// going to the largest remainders (the lower class first among equals). Preconditions: total <= sum of counts.
std::vector<std::int64_t> largest_remainder(const std::vector<std::int64_t>& counts, std::int64_t total);

// Picks `total` of `candidates` (indices into `labels`), class-balanced and at random from `seed`. With `keep_one`, at
// least one candidate of each class that has any is not picked, so fewer than `total` may be. Both results ascend.
struct Division {
  std::vector<std::int32_t> picked;
  std::vector<std::int32_t> rest;
};
Division divide(const std::vector<std::int32_t>& labels, const std::vector<std::int32_t>& candidates,
                std::int64_t classes, std::int64_t total, bool keep_one, std::uint64_t seed);

// {0, 1, …, count - 1}
std::vector<std::int32_t> all_indices(std::size_t count);

}  // namespace netwright
