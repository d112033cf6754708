#include "netwright/trial/objective.h"
#include "netwright/trial/dominance.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace netwright {
namespace {

Objective parse_objective(const Yaml& node) {
  MappingReader reader(node, "objective");
  Objective objective;
  objective.metric = reader.text("metric", objective.metric);
  if (objective.metric.empty())
    throw invalid(node.where, "an objective's metric is empty", "name a metric, e.g. accuracy");
  // What a cost is called says which way is better; accuracy and its kin are maximised.
  static const std::set<std::string> costs = {"loss", "train_loss", "parameters", "macs", "latency_ms"};
  const std::string usual = costs.contains(objective.metric) ? "minimize" : "maximize";
  objective.maximize = reader.one_of("goal", usual, {"maximize", "minimize"}) == "maximize";
  if (const Yaml* value = reader.optional("constraint")) objective.constraint = value->as_number("constraint");
  if (const Yaml* value = reader.optional("target")) objective.target = value->as_number("target");
  reader.finish();
  return objective;
}

// The scores of all objectives; nullopt when one of them was not measured.
std::optional<std::vector<double>> scores(const Trial& trial, const std::vector<Objective>& objectives) {
  std::vector<double> values;
  for (const auto& objective : objectives) {
    const auto value = score(trial, objective);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

struct Candidate {
  const Trial* trial;
  std::vector<double> scores;
  std::vector<std::size_t> dominates;  // candidates that this one dominates
  std::size_t dominated_by = 0;        // how many dominate this one, of those without a rank
  std::size_t rank = 0;
  bool feasible = true;
};

// Complete search trials with every metric, without the copies of equal networks, by id.
std::vector<Candidate> candidates(const std::vector<Trial>& trials, const std::vector<Objective>& objectives) {
  std::vector<Candidate> found;
  for (const auto& trial : trials) {
    if (trial.purpose != TrialPurpose::search || trial.state != TrialState::complete || trial.copied_from != 0)
      continue;
    if (auto values = scores(trial, objectives)) {
      found.push_back({&trial, std::move(*values), {}, 0, 0, is_feasible(trial, objectives)});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.trial->id < b.trial->id; });
  return found;
}

// Non-dominated sorting (Deb et al. 2002) among candidates of equal feasibility: rank 0 is the front, rank 1 the front
// of the rest, and so on.
void rank_by_dominance(std::vector<Candidate>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (all[i].feasible != all[j].feasible) continue;
      const bool first = dominates_scores(all[i].scores, all[j].scores);
      if (!first && !dominates_scores(all[j].scores, all[i].scores)) continue;
      Candidate& winner = first ? all[i] : all[j];
      winner.dominates.push_back(first ? j : i);
      ++(first ? all[j] : all[i]).dominated_by;
    }
  }
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].dominated_by == 0) front.push_back(i);
  }
  for (std::size_t rank = 0; !front.empty(); ++rank) {
    std::vector<std::size_t> next;
    for (const std::size_t i : front) {
      all[i].rank = rank;
      for (const std::size_t j : all[i].dominates) {
        if (--all[j].dominated_by == 0) next.push_back(j);
      }
    }
    front = std::move(next);
  }
}

// Best first; the order of `all` before decides ties.
std::vector<const Trial*> sorted(std::vector<Candidate> all, bool by_rank) {
  std::stable_sort(all.begin(), all.end(), [&](const Candidate& a, const Candidate& b) {
    if (a.feasible != b.feasible) return a.feasible;
    if (by_rank && a.rank != b.rank) return a.rank < b.rank;
    return a.scores.front() > b.scores.front();
  });
  std::vector<const Trial*> result;
  for (const auto& candidate : all) result.push_back(candidate.trial);
  return result;
}

}  // namespace

std::vector<Objective> parse_objectives(const Yaml& node) {
  if (node.is_null()) return {Objective{}};
  if (node.is_mapping()) return {parse_objective(node)};
  if (!node.is_sequence() || node.items.empty()) {
    throw invalid(node.where, "objectives is not a list", "write objectives: [{metric: accuracy, goal: maximize}]");
  }
  std::vector<Objective> objectives;
  for (const auto& item : node.items) {
    Objective objective = parse_objective(item);
    for (const auto& earlier : objectives) {
      if (earlier.metric == objective.metric) {
        throw invalid(item.where, "two objectives have the metric '" + objective.metric + "'", "remove one of them");
      }
    }
    objectives.push_back(std::move(objective));
  }
  return objectives;
}

std::optional<double> score(const Trial& trial, const Objective& objective) {
  const auto value = last_metric(trial, objective.metric);
  if (!value || std::isnan(*value)) return std::nullopt;
  return objective.maximize ? *value : -*value;
}

bool is_feasible(const Trial& trial, const std::vector<Objective>& objectives) {
  return std::all_of(objectives.begin(), objectives.end(), [&](const Objective& objective) {
    if (!objective.constraint) return true;
    const auto value = score(trial, objective);
    return value && *value >= (objective.maximize ? *objective.constraint : -*objective.constraint);
  });
}

bool dominates(const Trial& a, const Trial& b, const std::vector<Objective>& objectives) {
  const auto first = scores(a, objectives);
  const auto second = scores(b, objectives);
  return first && second && dominates_scores(*first, *second);
}

std::vector<const Trial*> pareto_front(const std::vector<Trial>& trials, const std::vector<Objective>& objectives) {
  auto all = candidates(trials, objectives);
  std::erase_if(all, [](const Candidate& candidate) { return !candidate.feasible; });
  rank_by_dominance(all);
  std::erase_if(all, [](const Candidate& candidate) { return candidate.rank > 0; });
  return sorted(std::move(all), false);
}

std::vector<const Trial*> ranking(const std::vector<Trial>& trials, const std::vector<Objective>& objectives) {
  auto all = candidates(trials, objectives);
  const bool by_rank = objectives.size() > 1;
  if (by_rank) rank_by_dominance(all);
  return sorted(std::move(all), by_rank);
}

}  // namespace netwright
