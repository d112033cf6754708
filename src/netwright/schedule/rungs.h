// What the schedules with rungs share: the fidelities of the rungs, and the order of the trials at one.
#pragma once

#include <cstddef>
#include <vector>

#include "netwright/schedule/schedule.h"

namespace netwright {

struct RungOptions {
  double max_resource = 0;  // fidelity of the last rung; default the recipe's
  double min_resource = 1;  // no rung has less
  int eta = 3;              // one in so many goes on, with so many times the fidelity
};

// Reads max_resource, min_resource and eta; throws an invalid Error where they do not fit.
RungOptions read_rung_options(MappingReader& reader, double full_fidelity);

// The largest s with min_resource * eta^s <= max_resource, by integer powers: logarithms in floating point put
// log3(243) and log10(1000) below the integer.
int most_promotions(const RungOptions& options);

// max_resource * eta^-(s - i) for i = 0 … s: the fidelities of s + 1 rungs. Where the smallest and the largest resource
// are whole numbers each is rounded to the nearest whole number, for trainers count whole epochs.
std::vector<double> rung_fidelities(const RungOptions& options, int s);

// How a trial did at a rung.
struct RungResult {
  std::int64_t trial = 0;
  std::vector<double> scores;  // of each objective, larger is better; empty: failed, pruned or without a metric
  double violation = 0;        // by how much constraints are broken, each relative to its bound; 0: feasible

  bool usable() const { return !scores.empty(); }
};

// By the trial's last measurement, whatever its state. Not usable when it lacks an objective's metric or has NaN for
// it.
RungResult rung_result(const Trial& trial, const std::vector<Objective>& objectives);
// The same for a trial that is over: unusable unless it is complete.
RungResult final_result(const Trial& trial, const std::vector<Objective>& objectives);

// The results of a rung, best first: feasible ones, then those that break constraints less, unusable ones last; among
// feasible ones with several objectives the lower Pareto rank comes first. Then the first objective decides, then the
// smaller id.
class RungRanking {
 public:
  // The first place whose result may be another now.
  std::size_t add(RungResult result);
  std::size_t size() const { return results_.size(); }
  const std::vector<RungResult>& best_first() const;
  std::size_t place(std::int64_t trial) const;  // 0: the best. Precondition: it has been added
  void clear() { results_.clear(); }

 private:
  mutable std::vector<RungResult> results_;
  mutable bool sorted_ = true;
};

}  // namespace netwright
