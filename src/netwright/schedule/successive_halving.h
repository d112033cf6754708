// Successive halving (Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
// Optimization").
#pragma once

#include <memory>

#include "netwright/schedule/schedule.h"

namespace netwright {

// Options: trials (of the first rung; default eta^s_max), resource, skip_last and those of rungs.h. One bracket after
// the other until the budget ends.
std::unique_ptr<Schedule> make_successive_halving_schedule(const ScheduleContext& context);

}  // namespace netwright
