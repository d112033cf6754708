// Begins another strategy with what a cheap score likes best (in the manner of Abdelfattah et al. 2021, "Zero-Cost
// Proxies for Lightweight NAS").
#pragma once

#include <memory>
#include <string>

#include "netwright/strategy/strategy.h"

namespace netwright {

struct WarmStartOptions {
  std::string score = "parameters";  // or macs: known without training; or a metric that the trainer reports
  bool maximize = true;
  int candidates = 1000;  // random configurations that the score chooses from; 100 where it is a metric
  int trials = 20;        // the best so many of them begin the search
};

// The strategy `then` is made from the mapping of that key and handles the search after the beginning.
//
// parameters, macs: the first `trials` proposals are the best of `candidates` random configurations, best first; all of
// them are told to `then`. Candidates that are no network are passed over.
//
// A metric: the first `candidates` proposals are random trials. When one more is asked for, `then` is told the best
// `trials` of those scored so far, by the first measurement that has the metric, in the order in which they were told;
// of the beginning's trials that end later, those that are better than the worst of them. Rungs of a schedule count:
// a trial that was paused there is scored. Of the trials that were not chosen `then` never hears.
std::unique_ptr<Strategy> make_warm_start_strategy(const StrategyContext& context);

}  // namespace netwright
