// What a schedule is worth: searches on recorded learning curves, and how busy it keeps simulated workers.
#pragma once

#include <string>
#include <vector>

#include "netwright/bench/learning_curves.h"
#include "netwright/study/simulation.h"

namespace netwright {

// Busy worker seconds / (workers x the time at which the last of them stops): 1 where no worker ever waits.
double busy_share(const Simulation& simulation, int workers);

// The network that a search hands over: of the trials with the most epochs the one with the best accuracy, the earliest
// of equals. Null where nothing was measured.
const Trial* handed_over(const Simulation& simulation);

struct CurveReplayOptions {
  std::string schedule = "{name: full}";    // as in an experiment's `search.schedule`
  std::string strategy = "{name: random}";  // as in an experiment's `search.strategy`
  double epochs = 1000;                     // all trials of a search together
  int workers = 1;                          // simulated
  std::int64_t runs = 200;
  std::uint64_t seed = 0;
};

struct CurveReplay {
  std::vector<double> test_accuracies;  // of each run's network, in percent, after its whole training
  double trials = 0;                    // started, mean
  double seconds = 0;                   // simulated, mean
};

// One run a seed. Throws an invalid Error where the epochs do not suffice for one measurement.
CurveReplay replay_curves(const LearningCurveEvaluator& evaluator, const CurveReplayOptions& options);

}  // namespace netwright
