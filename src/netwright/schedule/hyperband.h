// Hyperband (Li et al. 2018, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization").
#pragma once

#include <memory>

#include "netwright/schedule/hyperband_plan.h"

namespace netwright {

// Runs the brackets one by one, in order, again and again until the budget ends.
std::unique_ptr<Schedule> make_sequential_brackets(std::vector<BracketPlan> plans, int eta,
                                                   std::vector<Objective> objectives);

// Options: HyperbandOptions.
std::unique_ptr<Schedule> make_hyperband_schedule(const ScheduleContext& context);

}  // namespace netwright
