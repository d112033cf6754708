// The configurations one step from a given one.
#pragma once

#include <vector>

#include "netwright/space/search_space.h"

namespace netwright {

// A step: the choice (its number in the space) and its new value.
struct Step {
  std::size_t choice = 0;
  Value value;
};

// Every other value of every active choice with at most `samples` + 1 values or categorical; for other choices
// `samples` different values near the present one. Ordered by choice.
std::vector<Step> neighbourhood(const SearchSpace& space, const Configuration& configuration, int samples,
                                Random& random);

// The configuration with the step done: choices that become active are sampled, inactive ones dropped.
Configuration stepped(const SearchSpace& space, const Configuration& configuration, const Step& step, Random& random);

}  // namespace netwright
