// Many searches on a table of measurements, as papers report them: mean and deviation over runs of what the network
// that each search would hand over reaches.
#pragma once

#include <string>
#include <vector>

#include "netwright/bench/sequence.h"
#include "netwright/bench/tabular.h"
#include "netwright/study/simulation.h"

namespace netwright {

struct ReplayOptions {
  Yaml strategy;           // as in an experiment's `search.strategy`
  double seconds = 20000;  // simulated, of every search
  int workers = 1;         // simulated
  std::int64_t runs = 500;
  std::uint64_t seed = 0;
  int threads = 1;  // real; the result does not depend on it
};

struct ReplayRun {
  double search_accuracy = 0;      // percent; by which the network was chosen
  double validation_accuracy = 0;  // percent; of the whole training
  double test_accuracy = 0;        // percent
  std::int64_t architectures = 0;  // evaluated within the seconds, repetitions included
};

// How many trials a strategy needs on each of many landscapes.
struct SampleOptions {
  Yaml strategy;
  SequenceOptions problem;      // its seed is that of the first landscape; each run has another
  std::int64_t random = 10000;  // the value to reach is the best of so many random sequences of the same landscape
  std::int64_t limit = 20000;   // trials after which a run gives up
  std::int64_t runs = 100;
  int threads = 1;
};

// Of each run: trials until the value was reached; `limit` + 1 where it was not.
std::vector<std::int64_t> samples_needed(const SampleOptions& options);

// One run a seed: the architecture of the best search accuracy among those evaluated in time, the earliest of equals.
// A run whose seconds do not suffice for one evaluation is an invalid Error.
std::vector<ReplayRun> replay(const TabularEvaluator& evaluator, const ReplayOptions& options);

}  // namespace netwright
