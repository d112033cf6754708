// The batch of a supernet search, chosen before it starts so that its predicted peak of memory keeps within a limit.
#pragma once

#include <string>

#include "netwright/data/data_set.h"
#include "netwright/oneshot/memory.h"
#include "netwright/study/experiment.h"
#include "netwright/trial/protocol.h"

namespace netwright {

struct SupernetPlan {
  std::int64_t batch = 0;
  std::int64_t parts = 1;
  std::int64_t predicted = 0;  // bytes at the peak; 0: unknown
  std::int64_t limit = 0;      // bytes; 0: unknown
};

Json to_json(const SupernetPlan& plan);

// Nothing that can be changed makes the search fit: what it would take, and what would.
struct TooLarge {
  std::string problem, remedy;
};

// By the experiment's execution.memory, or 80 % of what is free beside what this process has already. In a folder that
// has a plan it is that plan again, whatever is free now; else the new one is stored there. Where not even the least
// part fits, `too_large` says so and the plan is of no use.
SupernetPlan plan_supernet(const Start& start, const Experiment& experiment, const SearchData& data,
                           std::optional<TooLarge>& too_large);

}  // namespace netwright
