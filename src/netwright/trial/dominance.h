// Comparing trials by the scores of several objectives, larger being better.
#pragma once

#include <cstddef>
#include <vector>

#include "netwright/trial/objective.h"

namespace netwright {

// By how much constraints are broken, each relative to its bound; 0: feasible. One score an objective.
double violation_of(const std::vector<double>& scores, const std::vector<Objective>& objectives);

// Whether a is no worse in every score and better in one.
bool dominates_scores(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace netwright
