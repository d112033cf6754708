// A search against an evaluator on a simulated clock: the same strategies and schedules as in a real study, many
// workers, no processes, nothing stored. Discrete events: a worker is busy for the seconds that the evaluator states.
#pragma once

#include <deque>
#include <limits>

#include "netwright/bench/evaluator.h"
#include "netwright/schedule/schedule.h"
#include "netwright/strategy/strategy.h"

namespace netwright {

struct SimulationOptions {
  int workers = 1;
  double seconds = std::numeric_limits<double>::infinity();  // nothing starts after; what then runs does not count
  double epochs = std::numeric_limits<double>::infinity();   // all trials together; likewise
  std::int64_t trials = std::numeric_limits<std::int64_t>::max();  // started at most
  double report_every = 0;  // epochs between measurements within a trial; 0: only where the schedule decides
};

// When a worker had a trial.
struct SimulatedSpan {
  int worker = 0;
  std::int64_t trial = 0;
  double from = 0, to = 0;  // simulated seconds
};

struct Simulation {
  std::deque<Trial> trials;                // by id; those still running at the end are in the state running
  std::vector<std::int64_t> finish_order;  // ids, as they ended
  std::vector<SimulatedSpan> spans;        // in order of starting
  double seconds = 0;                      // when the last worker ended
  double epochs = 0;                       // all trials together
};

// Runs until the budget is used or the strategy and the schedule have nothing left. A repeated configuration is
// evaluated again, as the replay protocol of NAS-Bench-201 asks. Deterministic in `random`.
Simulation simulate(Strategy& strategy, Schedule& schedule, const Evaluator& evaluator,
                    const SimulationOptions& options, Random& random);

}  // namespace netwright
