// The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization") with the
// arithmetic of Hyperopt (Bergstra et al. 2013, "Making a Science of Model Search").
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

struct TpeOptions {
  int startup = 20;     // proposals at random before the densities are used
  double gamma = 0.25;  // the best min(⌈gamma·√n⌉, 25) of n trials make the density of good ones
  int candidates = 24;  // drawn from it for each choice; the best ratio of the two densities is taken
};

// Each active choice on its own: a density of its values in the good trials, one of those in all others (parzen.h;
// for categorical choices, weighted counts plus one each), from the trials in which the choice was active. Trials keep
// the order in which they were proposed. Running and failed trials count among the others, as do pruned and paused
// ones unless too few are complete: they come after every complete trial, by fidelity, then by score. One objective.
std::unique_ptr<Strategy> make_tpe_strategy(const StrategyContext& context);

}  // namespace netwright
