// Independent uniform configurations: the baseline that every other strategy has to beat.
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

// No options. Proposes what SearchSpace::sample draws, repetitions included.
std::unique_ptr<Strategy> make_random_strategy(const StrategyContext& context);

}  // namespace netwright
