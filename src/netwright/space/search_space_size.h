// How many configurations a list of choices has. Internal to SearchSpace.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netwright/space/choice.h"

namespace netwright {

struct SpaceSize {
  double log10 = 0;                        // infinity with a real choice
  std::optional<std::uint64_t> exact = 1;  // where it fits 64 bits
};

// Conditions respected. Choices that have no condition in common are counted apart and multiplied; only choices that
// others depend on are gone through value by value, values with the same consequences together.
SpaceSize count_configurations(const std::vector<Choice>& choices);

}  // namespace netwright
