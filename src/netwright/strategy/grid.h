// Every configuration of the space, once, in a fixed order.
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

struct GridOptions {
  int points = 5;  // values tried of a real choice, evenly spaced, ends included
};

// The last choice of the space varies fastest; choices that are not active are left out, so no configuration comes
// twice. `ask` gives nullopt after the last.
std::unique_ptr<Strategy> make_grid_strategy(const StrategyContext& context);

}  // namespace netwright
