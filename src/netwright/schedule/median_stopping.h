// The median stopping rule (Golovin et al. 2017, "Google Vizier: A Service for Black-Box Optimization").
#pragma once

#include <memory>

#include "netwright/schedule/schedule.h"

namespace netwright {

struct MedianStoppingOptions {
  double max_resource = 0;  // what every trial gets unless stopped; default (0) its own recipe's
  double grace = 1;         // fidelity before which nothing is stopped
  int min_trials = 5;       // complete ones before anything is stopped
};

// A trial is stopped at a measurement when its best value so far of the first objective is worse than the median, over
// the complete trials, of their average value up to the same fidelity.
std::unique_ptr<Schedule> make_median_stopping_schedule(const ScheduleContext& context);

}  // namespace netwright
