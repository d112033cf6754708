#include "netwright/strategy/neighbourhood.h"

#include <algorithm>
#include <cmath>

#include "netwright/strategy/unit_scale.h"

namespace netwright {
namespace {

// A normal step whose width is one of 1/4, 1/8, … 1/64 of the range, so that climbs can both travel and settle.
Value nearby(const Choice& choice, const Value& present, Random& random) {
  const double width = std::ldexp(1.0, -2 - static_cast<int>(random.below(5)));
  const double moved = to_unit(choice, present) + width * random.normal();
  return from_unit(choice, moved < 0 ? -moved : moved > 1 ? 2 - moved : moved);  // reflected at the ends
}

void add_sampled(std::vector<Step>& steps, std::size_t number, const Choice& choice, const Value& present, int samples,
                 Random& random) {
  std::vector<Value> found = {present};
  for (int attempt = 0; attempt < 4 * samples && static_cast<int>(found.size()) <= samples; ++attempt) {
    const Value value = nearby(choice, present, random);
    if (std::find(found.begin(), found.end(), value) == found.end()) found.push_back(value);
  }
  for (std::size_t i = 1; i < found.size(); ++i) steps.push_back({number, found[i]});
}

}  // namespace

std::vector<Step> neighbourhood(const SearchSpace& space, const Configuration& configuration, int samples,
                                Random& random) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < space.choices().size(); ++i) {
    const Choice& choice = space.choices()[i];
    const Value* present = configuration.find(choice.name);
    if (present == nullptr) continue;
    const auto count = count_values(choice);
    if (!count || (is_numeric(choice) && *count > static_cast<std::uint64_t>(samples) + 1)) {
      add_sampled(steps, i, choice, *present, samples, random);
      continue;
    }
    for (Value& value : grid_values(choice, 1)) {
      if (value != *present) steps.push_back({i, std::move(value)});
    }
  }
  return steps;
}

Configuration stepped(const SearchSpace& space, const Configuration& configuration, const Step& step, Random& random) {
  Configuration result;
  for (std::size_t i = 0; i < space.choices().size(); ++i) {
    const Choice& choice = space.choices()[i];
    if (!space.is_active(choice, result)) continue;
    const Value* present = configuration.find(choice.name);
    if (i == step.choice) {
      result.set(choice.name, step.value);
    } else {
      result.set(choice.name, present != nullptr ? *present : sample(choice, random));
    }
  }
  return result;
}

}  // namespace netwright
