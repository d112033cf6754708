#include "netwright/trial/dominance.h"

#include <cmath>

namespace netwright {

double violation_of(const std::vector<double>& scores, const std::vector<Objective>& objectives) {
  double sum = 0;
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    if (!objectives[i].constraint) continue;
    const double bound = objectives[i].maximize ? *objectives[i].constraint : -*objectives[i].constraint;
    if (scores[i] < bound) sum += (bound - scores[i]) / (bound == 0 ? 1.0 : std::abs(bound));
  }
  return sum;
}

bool dominates_scores(const std::vector<double>& a, const std::vector<double>& b) {
  bool better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] < b[i]) return false;
    better = better || a[i] > b[i];
  }
  return better;
}

}  // namespace netwright
