#include "netwright/schedule/rungs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "netwright/base/text.h"
#include "netwright/trial/dominance.h"

namespace netwright {
namespace {

constexpr double slack = 1 + 1e-9;  // shares like 1/27 are written with few digits

bool is_whole(double value) {
  return value == std::floor(value);
}

// The same number for all where there is one objective, or none kept its constraints.
std::vector<std::size_t> pareto_ranks(const std::vector<RungResult>& results) {
  std::vector<std::size_t> ranks(results.size(), results.size());
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].scores.size() > 1 && results[i].violation == 0) left.push_back(i);
  }
  for (std::size_t rank = 0; !left.empty(); ++rank) {
    std::vector<std::size_t> rest;
    for (const std::size_t i : left) {
      const bool beaten = std::any_of(left.begin(), left.end(), [&](std::size_t j) {
        return dominates_scores(results[j].scores, results[i].scores);
      });
      ranks[i] = rank;
      if (beaten) rest.push_back(i);
    }
    left = std::move(rest);
  }
  return ranks;
}

// Apart from the Pareto rank.
bool better(const RungResult& a, const RungResult& b) {
  if (a.usable() != b.usable()) return a.usable();
  if (a.usable() && a.violation != b.violation) return a.violation < b.violation;
  if (a.usable() && a.scores[0] != b.scores[0]) return a.scores[0] > b.scores[0];
  return a.trial < b.trial;
}

void sort_by_pareto_rank(std::vector<RungResult>& results) {
  const std::vector<std::size_t> ranks = pareto_ranks(results);
  std::vector<std::size_t> order(results.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    const RungResult &a = results[i], &b = results[j];
    const bool comparable = a.usable() && b.usable() && a.violation == b.violation;
    if (comparable && ranks[i] != ranks[j]) return ranks[i] < ranks[j];
    return better(a, b);
  });
  std::vector<RungResult> sorted;
  for (const std::size_t i : order) sorted.push_back(std::move(results[i]));
  results = std::move(sorted);
}

}  // namespace

RungOptions read_rung_options(MappingReader& reader, double full_fidelity) {
  constexpr double most = 1e9;
  RungOptions options;
  const Yaml* max_resource = reader.optional("max_resource");
  options.max_resource = max_resource == nullptr ? full_fidelity : max_resource->as_number("max_resource", 0, most);
  if (options.max_resource <= 0) {
    throw invalid(max_resource == nullptr ? reader.node().where : max_resource->where,
                  "the schedule's largest resource is not positive",
                  "write max_resource: the epochs of a full training");
  }
  options.min_resource = std::min(options.min_resource, options.max_resource);
  if (const Yaml* min_resource = reader.optional("min_resource")) {
    options.min_resource = min_resource->as_number("min_resource", 0, options.max_resource);
    if (options.min_resource <= 0) {
      throw invalid(min_resource->where, "min_resource is not positive", "write the epochs of the first rung");
    }
  }
  options.eta = static_cast<int>(reader.integer("eta", options.eta, 2, 1000));
  constexpr int most_trials = 1000000;
  if (std::pow(options.eta, most_promotions(options)) > most_trials) {
    throw invalid(reader.node().where, "the first rung would have more than a million trials",
                  "raise min_resource (now " + number_text(options.min_resource) + ")");
  }
  return options;
}

int most_promotions(const RungOptions& options) {
  int s = 0;
  for (double resource = options.min_resource; resource * options.eta <= options.max_resource * slack; ++s) {
    resource *= options.eta;
  }
  return s;
}

std::vector<double> rung_fidelities(const RungOptions& options, int s) {
  const bool whole = is_whole(options.max_resource) && is_whole(options.min_resource);
  std::vector<double> fidelities(static_cast<std::size_t>(s) + 1);
  double divisor = 1;
  for (std::size_t i = fidelities.size(); i-- > 0; divisor *= options.eta) {
    const double fidelity = options.max_resource / divisor;
    fidelities[i] = whole ? std::round(fidelity) : fidelity;
  }
  return fidelities;
}

RungResult rung_result(const Trial& trial, const std::vector<Objective>& objectives) {
  RungResult result;
  result.trial = trial.id;
  std::vector<double> scores;
  for (const Objective& objective : objectives) {
    const auto value = score(trial, objective);
    if (!value) return result;
    scores.push_back(*value);
  }
  result.violation = violation_of(scores, objectives);
  result.scores = std::move(scores);
  return result;
}

RungResult final_result(const Trial& trial, const std::vector<Objective>& objectives) {
  if (trial.state == TrialState::complete) return rung_result(trial, objectives);
  RungResult result;
  result.trial = trial.id;
  return result;
}

std::size_t RungRanking::add(RungResult result) {
  if (result.scores.size() > 1) {
    sorted_ = false;
    results_.push_back(std::move(result));
    return 0;
  }
  const auto after = std::upper_bound(results_.begin(), results_.end(), result, better);
  const auto place = static_cast<std::size_t>(after - results_.begin());
  results_.insert(after, std::move(result));
  return place;
}

const std::vector<RungResult>& RungRanking::best_first() const {
  if (!sorted_) sort_by_pareto_rank(results_);
  sorted_ = true;
  return results_;
}

std::size_t RungRanking::place(std::int64_t trial) const {
  const auto& results = best_first();
  const auto found =
      std::find_if(results.begin(), results.end(), [&](const RungResult& result) { return result.trial == trial; });
  return static_cast<std::size_t>(found - results.begin());
}

}  // namespace netwright
