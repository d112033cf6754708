// Asynchronous successive halving (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning").
#pragma once

#include <memory>

#include "netwright/schedule/schedule.h"

namespace netwright {

// Options: mode (promotion | stopping) and those of rungs.h.
//
// promotion: every trial pauses at every rung. A free slot resumes a trial that is in the top 1/eta of its rung and has
// not been promoted from it, highest rung first, the best first; where there is none a new trial starts.
// stopping: a trial runs on to the full resource unless, at its first measurement at or past a rung, it is not in the
// top 1/eta of those that came there before and itself, rounded down, at least one.
std::unique_ptr<Schedule> make_asha_schedule(const ScheduleContext& context);

}  // namespace netwright
