// What choices the trials made, and which of them mattered.
#include <algorithm>
#include <cmath>

#include "netwright/report/charts.h"
#include "netwright/report/figures.h"
#include "netwright/report/search_charts.h"

namespace netwright {
namespace {

constexpr std::size_t enough_trials = 20;  // at a rung, to speak for the space
constexpr std::size_t fewest_paths = 5;
constexpr std::size_t most_rows = 20;
constexpr std::size_t most_paths = 200;  // beside the best
constexpr std::size_t most_best = 10;
constexpr double room_for_best = 0.3;  // share of an option's width, so that they can be told apart
constexpr std::size_t most_bars = 12;
constexpr std::size_t longest_pair = 31;  // characters of both names
constexpr std::uint64_t most_named = 12;  // integers with so many values are shown like options
constexpr double least_explained = 0.05;  // of the variance; below, the forest knows nothing

std::vector<const Choice*> open_choices(const ReportInput& input) {
  std::vector<const Choice*> open;
  for (const auto& choice : input.choices) {
    if (count_values(choice) != 1) open.push_back(&choice);
  }
  return open;
}

// The choices to draw, in the space's order: the most important where there are too many.
std::vector<const Choice*> drawn_choices(const ReportInput& input, const std::optional<Importance>& importance) {
  auto open = open_choices(input);
  if (open.size() <= most_rows) return open;
  if (importance) {
    std::vector<std::string> names;
    for (const auto& entry : importance->choices) names.push_back(entry.choices.front());
    names.resize(std::min(names.size(), most_rows));
    std::erase_if(open, [&](const Choice* c) { return std::find(names.begin(), names.end(), c->name) == names.end(); });
  }
  if (open.size() > most_rows) open.resize(most_rows);
  return open;
}

Parallel::Row row_of(const Choice& choice) {
  Parallel::Row row;
  row.name = choice.name;
  row.optional = !choice.conditions.empty();
  const auto number = count_values(choice);
  const auto* integer = std::get_if<Integer>(&choice.domain);
  if (const auto* categorical = std::get_if<Categorical>(&choice.domain)) {
    for (const auto& option : categorical->options) row.options.push_back(short_value(option));
  } else if (integer != nullptr && *number <= most_named) {
    for (auto value = integer->low; value <= integer->high; value += integer->step)
      row.options.push_back(std::to_string(value));
  } else if (integer != nullptr) {
    row.axis = {.log = integer->log,
                .whole = true,
                .low = static_cast<double>(integer->low),
                .high = static_cast<double>(integer->high)};
  } else {
    const Real& real = std::get<Real>(choice.domain);
    row.axis = {.log = real.log, .low = real.low, .high = real.high};
  }
  return row;
}

std::optional<double> place_of(const Choice& choice, const Parallel::Row& row, const Configuration& configuration) {
  const Value* value = configuration.find(choice.name);
  if (value == nullptr) return std::nullopt;
  if (!row.options.empty()) {
    const auto found = std::find(row.options.begin(), row.options.end(), short_value(*value));
    if (found == row.options.end()) return std::nullopt;
    return static_cast<double>(found - row.options.begin());
  }
  if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
  const auto* real = std::get_if<double>(value);
  return real != nullptr ? std::optional(*real) : std::nullopt;
}

// Where it would be long, without the first parts of "recipe.optimizer.learning_rate" and the like.
std::string pair_name(std::string first, std::string second) {
  while (first.size() + second.size() > longest_pair) {
    std::string& longer = first.size() >= second.size() ? first : second;
    const auto dot = longer.find('.');
    if (dot == std::string::npos) break;
    longer.erase(0, dot + 1);
  }
  return first + " × " + second;
}

}  // namespace

std::string fidelity_phrase(const ReportInput& input, double fidelity) {
  if (fidelity <= 0) return {};
  std::string unit = input.fidelity_unit;
  if (fidelity == 1 && unit.ends_with('s')) unit.pop_back();
  return "at " + format_value(fidelity, Quantity::number) + " " + unit;
}

Results compared_results(const ReportInput& input) {
  const std::string metric = main_objective(input).metric;
  Results complete;
  for (const auto& trial : input.trials) {
    if (trial.purpose != TrialPurpose::search || trial.state != TrialState::complete) continue;
    const auto value = last_metric(trial, metric);
    if (!value || !std::isfinite(*value)) continue;
    complete.trials.push_back(&trial);
    complete.values.push_back(*value);
  }
  if (complete.trials.size() >= enough_trials) return complete;
  const auto all = rungs(input);
  for (auto rung = all.rbegin(); rung != all.rend(); ++rung) {
    if (rung->values.size() < enough_trials) continue;
    Results results;
    results.fidelity = rung->fidelity;
    for (const auto& [trial, value] : rung->values) {
      results.trials.push_back(trial);
      results.values.push_back(value);
    }
    return results;
  }
  return complete;
}

std::optional<Importance> importance(const ReportInput& input) {
  const Results results = compared_results(input);
  std::vector<const Configuration*> configurations;
  for (const Trial* trial : results.trials) configurations.push_back(&trial->configuration);
  auto found = importance_of(input.choices, configurations, results.values, input.study.seed);
  if (found && found->explained < least_explained) return std::nullopt;
  return found;
}

Chart importance_chart(const ReportInput& input, const Importance& importance) {
  Bars bars;
  bars.title = "Importance of each choice";
  bars.axis = {.title = "share of the variance", .quantity = Quantity::share};
  for (const auto& entry : importance.choices) {
    if (bars.bars.size() < most_bars) bars.bars.push_back({entry.choices.front(), entry.share, entry.interval});
  }
  for (const auto& entry : importance.pairs) {
    bars.bars.push_back({pair_name(entry.choices[0], entry.choices[1]), entry.share, entry.interval, Role::front});
  }
  const bool cut = importance.choices.size() > most_bars;
  return {draw(bars), std::string("The longer the bar, the more of the differences in ") +
                          metric_phrase(main_objective(input).metric) + " that choice explains by itself" +
                          (importance.pairs.empty() ? "" : " (green: a pair, beyond its two choices)") +
                          (cut ? ", the first " + std::to_string(most_bars) + " choices being shown" : "") +
                          "; whiskers hold nine in ten of the forest’s trees."};
}

Chart choices_chart(const ReportInput& input, const std::optional<Importance>& importance) {
  const Objective objective = main_objective(input);
  const Results results = compared_results(input);
  const auto choices = drawn_choices(input, importance);
  if (choices.empty() || results.trials.size() < fewest_paths) return {};
  Parallel parallel;
  parallel.title = "Choices of the search’s trials";
  for (const Choice* choice : choices) parallel.rows.push_back(row_of(*choice));
  parallel.rows.push_back({.name = metric_phrase(objective.metric), .axis = value_axis(objective)});
  parallel.rows.back().axis.title.clear();

  std::vector<std::size_t> order(results.trials.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return objective.maximize ? results.values[a] < results.values[b] : results.values[a] > results.values[b];
  });
  const std::size_t best = std::clamp<std::size_t>(order.size() / 5, 1, most_best), rest = order.size() - best;
  const std::size_t stride = (rest + most_paths - 1) / most_paths;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i < rest && i % stride != 0) continue;
    const Trial& trial = *results.trials[order[i]];
    Parallel::Path path;
    for (std::size_t c = 0; c < choices.size(); ++c) {
      path.places.push_back(place_of(*choices[c], parallel.rows[c], trial.configuration));
    }
    path.places.push_back(results.values[order[i]]);
    path.best = i >= rest;
    path.order = path.best ? 1 - room_for_best * static_cast<double>(order.size() - 1 - i) / static_cast<double>(best)
                           : (1 - room_for_best) * static_cast<double>(i) / static_cast<double>(rest);
    path.title = trial_tooltip(trial, {objective.metric});
    parallel.paths.push_back(std::move(path));
  }
  std::string caption = "Each line is a trial, from top to bottom through its choices; follow the " +
                        (best == 1 ? std::string("best") : std::to_string(best) + " best") + ", drawn strong, of " +
                        std::to_string(order.size());
  const std::string at = fidelity_phrase(input, results.fidelity);
  if (!at.empty()) caption += " measured " + at;
  caption += stride > 1
                 ? " (of the others, paler where worse, one in " + std::to_string(stride) + " is drawn, evenly by rank)"
                 : " (paler: worse)";
  const auto open = open_choices(input).size();
  if (open > choices.size()) {
    caption += importance ? "; of " + std::to_string(open) + " choices the most important are shown"
                          : "; of " + std::to_string(open) + " choices the first are shown";
  }
  return {draw(parallel), caption + "."};
}

}  // namespace netwright
