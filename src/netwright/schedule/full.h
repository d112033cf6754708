// No schedule: every trial gets the full fidelity at once.
#pragma once

#include <memory>

#include "netwright/schedule/schedule.h"

namespace netwright {

// No options.
std::unique_ptr<Schedule> make_full_schedule(const ScheduleContext& context);

}  // namespace netwright
