// Local search (White, Nolen & Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021).
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

enum class LocalMove { first, best };

struct LocalSearchOptions {
  LocalMove move = LocalMove::first;  // to the first better neighbour, or to the best when all have been evaluated
  int starts = 10;                    // random configurations evaluated before a climb; the best is where it starts
  int samples = 8;                    // neighbours along a real choice, or an integer one with more values than that
};

// A neighbour has exactly one choice changed. When no neighbour of the current configuration is better the climb is
// over and another begins at random. No configuration is proposed twice while there are others; one that is remembered
// from an earlier climb is used without evaluation. Where running trials leave no neighbour to propose, random ones are
// proposed: they are starts of the next climb. Failed and pruned trials are worse than any other. Under a schedule with
// rungs a paused trial is compared with another at the largest fidelity at which both were measured.
std::unique_ptr<Strategy> make_local_search_strategy(const StrategyContext& context);

}  // namespace netwright
