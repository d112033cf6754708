// The model of BOHB (Falkner et al. 2018, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale"). With
// `schedule: hyperband` it is BOHB.
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

struct BohbOptions {
  double random_share = 1.0 / 3;  // of the proposals, however much is known
  double good_share = 0.15;       // of a fidelity's trials are good ones, but never fewer than choices + 1
  int samples = 64;               // drawn around good trials; the best ratio of the two densities is proposed
  double bandwidth_factor = 3;    // kernels are so much wider when drawn from than in the densities
  double least_bandwidth = 1e-3;  // of every kernel; choices are scaled to [0, 1]
  int points = 500;  // a density is made of at most, so that thousands of trials do not slow proposals down
};

// One pair of kernel density estimates over all choices together, of the good and of the other trials of one fidelity:
// the largest that has at least choices + 1 trials of either kind. Learns from complete, pruned and paused trials, each
// at the fidelity of its last measurement; a failed one, or one without the metric, is worse than every score.
// Where a kind has more trials than `points`, as many of them, evenly spread over its ranks, stand for all. Running
// trials change nothing. One objective.
std::unique_ptr<Strategy> make_bohb_strategy(const StrategyContext& context);

}  // namespace netwright
