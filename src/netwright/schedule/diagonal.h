// Hyperband's brackets side by side. With s_max + 1 brackets, step i has those of s_max … s_max - i together, all at
// the resource R * eta^-(s_max - i).
#pragma once

#include <memory>

#include "netwright/schedule/schedule.h"

namespace netwright {

// Options: as Hyperband's. Work of an earlier step comes first, and within a step that of the bracket with more rungs.
// A slot for which the step has nothing takes work of the following ones, and of the next round of all brackets; it
// waits only when nothing new may start and every promotion depends on a running trial.
std::unique_ptr<Schedule> make_diagonal_schedule(const ScheduleContext& context);

}  // namespace netwright
