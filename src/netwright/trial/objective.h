// What a study optimises.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/trial/trial.h"

namespace netwright {

struct Objective {
  std::string metric = "accuracy";  // see Measurement
  bool maximize = true;
  std::optional<double> constraint;  // a trial that is worse than this is infeasible
  std::optional<double> target;      // the study ends when a trial reaches it
};

// A list, or one mapping; default for null: maximize accuracy. Never empty, which the functions below rely on. Without
// a `goal`, costs (loss, train_loss, parameters, macs, latency_ms) are minimized and everything else maximized.
std::vector<Objective> parse_objectives(const Yaml& node);

// The objective's value signed so that larger is better; nullopt when the trial has not measured it or
// measured NaN.
std::optional<double> score(const Trial& trial, const Objective& objective);

bool is_feasible(const Trial& trial, const std::vector<Objective>& objectives);

// Whether a is no worse than b in every objective and better in one. Both must have all metrics.
bool dominates(const Trial& a, const Trial& b, const std::vector<Objective>& objectives);

// Complete, feasible search trials that no other dominates, best first objective first; equal networks once.
std::vector<const Trial*> pareto_front(const std::vector<Trial>& trials, const std::vector<Objective>& objectives);

// Complete search trials best first: by the first objective where there is one; by Pareto rank, then the first
// objective, where there are several; infeasible ones last. Copies of equal networks are left out. Ties go to the
// earlier trial.
std::vector<const Trial*> ranking(const std::vector<Trial>& trials, const std::vector<Objective>& objectives);

}  // namespace netwright
