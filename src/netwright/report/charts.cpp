#include "netwright/report/charts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "netwright/report/plot.h"

namespace netwright {
namespace {

constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_curves = 300;  // beyond that lines are only a smear, and the page heavy

std::vector<const Trial*> trials_for(const ReportInput& input, TrialPurpose purpose) {
  std::vector<const Trial*> found;
  for (const auto& trial : input.trials) {
    if (trial.purpose == purpose) found.push_back(&trial);
  }
  return found;
}

double value_of(const Trial& trial, const std::string& metric) {
  const auto value = last_metric(trial, metric);
  return value && std::isfinite(*value) ? *value : not_measured;
}

std::vector<Point> curve(const Trial& trial, const std::string& metric) {
  std::vector<Point> points;
  for (const auto& measurement : trial.measurements) {
    const auto found = measurement.metrics.find(metric);
    if (found != measurement.metrics.end()) points.push_back({measurement.fidelity, found->second, {}});
  }
  return points;
}

Series curve_series(const Trial& trial, const Objective& objective, Role role, const std::string& name) {
  Series series;
  series.name = name;
  series.role = role;
  series.mark = Mark::none;
  series.line = Line::straight;
  series.title = trial_tooltip(trial, {objective.metric});
  series.points = curve(trial, objective.metric);
  return series;
}

Plot curves_plot(const ReportInput& input, const Objective& objective) {
  Plot plot;
  plot.x = {.title = input.fidelity_unit, .whole = true};
  plot.y = value_axis(objective);
  return plot;
}

bool has_lines(const Plot& plot) {
  return std::any_of(plot.series.begin(), plot.series.end(), [](const Series& s) { return s.points.size() > 1; });
}

// When each trial was last trained. The end of the search also ends those that had long been paused.
std::map<const Trial*, double> ends_of(const ReportInput& input) {
  std::map<std::int64_t, double> paused;
  for (const auto& event : input.events) {
    if (event.kind == EventKind::paused) paused[event.trial] = event.time;
    if (event.kind == EventKind::finished || event.kind == EventKind::resumed) paused.erase(event.trial);
  }
  std::map<const Trial*, double> ends;
  for (const auto& trial : input.trials) {
    const auto found = paused.find(trial.id);
    ends[&trial] = found != paused.end() ? found->second : trial.finished;
  }
  return ends;
}

}  // namespace

Objective main_objective(const ReportInput& input) {
  return input.objectives.empty() ? Objective{} : input.objectives.front();
}

Axis value_axis(const Objective& objective) {
  Axis axis;
  axis.title = metric_phrase(objective.metric);
  axis.quantity = quantity_of(objective.metric);
  axis.outliers = objective.maximize ? Outliers::edge_low : Outliers::edge_high;
  return axis;
}

std::string trial_tooltip(const Trial& trial, const std::vector<std::string>& metrics) {
  std::string text = "#" + std::to_string(trial.id) + " (" + std::string(to_string(trial.state)) +
                     (trial.reason.empty() ? "" : ": " + trial.reason) + ")";
  const char* separator = ": ";
  for (const auto& metric : metrics) {
    const auto value = last_metric(trial, metric);
    if (!value) continue;
    text += separator + metric_title(metric) + " " + format_metric(metric, *value);
    separator = ", ";
  }
  if (trial.copied_from != 0) text += " (same network as #" + std::to_string(trial.copied_from) + ")";
  return text;
}

std::string progress_chart(const ReportInput& input, bool over_seconds) {
  const Objective objective = main_objective(input);
  Series complete{.name = "trial", .role = Role::searched};
  const bool constrained = std::any_of(input.objectives.begin(), input.objectives.end(),
                                       [](const Objective& given) { return given.constraint.has_value(); });
  Series other{.name = constrained ? "pruned or outside the constraint" : "pruned", .role = Role::faint};
  Series failed{.name = "failed", .role = Role::failed, .mark = Mark::cross};
  Series best{.name = "best so far", .role = Role::best, .mark = Mark::none, .line = Line::steps};
  auto trials = trials_for(input, TrialPurpose::search);
  std::erase_if(trials, [](const Trial* trial) { return !is_finished(trial->state); });
  const auto ends = ends_of(input);
  if (over_seconds) {
    std::stable_sort(trials.begin(), trials.end(), [&](auto* a, auto* b) { return ends.at(a) < ends.at(b); });
  }
  std::optional<double> record;
  double end = 0;
  for (const Trial* trial : trials) {
    const double x = over_seconds ? ends.at(trial) : static_cast<double>(trial->id);
    const double y = value_of(*trial, objective.metric);
    const Point point{x, y, trial_tooltip(*trial, {objective.metric, "parameters"})};
    end = std::max(end, x);
    if (trial->state == TrialState::failed) {
      failed.points.push_back({x, not_measured, point.title});
    } else if (trial->state == TrialState::complete && !std::isnan(y) && is_feasible(*trial, input.objectives)) {
      complete.points.push_back(point);
      if (record && (objective.maximize ? y <= *record : y >= *record)) continue;
      record = y;
      best.points.push_back({x, y, {}});
    } else {
      other.points.push_back(point);
    }
  }
  if (record) best.points.push_back({end, *record, {}});
  Plot plot;
  plot.title = "Best " + metric_title(objective.metric) + " so far over " + (over_seconds ? "time" : "trials");
  plot.x = {.title = over_seconds ? "time of search" : "trial",
            .quantity = over_seconds ? Quantity::seconds : Quantity::number,
            .whole = !over_seconds,
            .low = 0.0};
  plot.y = value_axis(objective);
  plot.series = {std::move(complete), std::move(other), std::move(failed), std::move(best)};
  return draw(plot);
}

std::vector<std::string> cost_metrics(const ReportInput& input, std::size_t most) {
  std::vector<std::string> metrics;
  const std::string main = main_objective(input).metric;
  const auto consider = [&](const std::string& metric) {
    const bool measured = std::any_of(input.trials.begin(), input.trials.end(), [&](const Trial& trial) {
      return !std::isnan(value_of(trial, metric)) && !std::isnan(value_of(trial, main));
    });
    if (metrics.size() < most && measured && metric != main &&
        std::find(metrics.begin(), metrics.end(), metric) == metrics.end()) {
      metrics.push_back(metric);
    }
  };
  for (const auto& objective : input.objectives) consider(objective.metric);
  consider("parameters");
  consider("macs");
  return metrics;
}

std::string cost_chart(const ReportInput& input, const std::string& cost) {
  const Objective objective = main_objective(input);
  Objective cost_objective{.metric = cost, .maximize = false, .constraint = {}, .target = {}};
  for (const auto& given : input.objectives) {
    if (given.metric == cost) cost_objective = given;
  }
  Series searched{.name = "searched", .role = Role::searched};
  Series baseline{.name = "random, retrained", .role = Role::baseline, .mark = Mark::square};
  Series retrained{.name = "best, retrained", .role = Role::retrained, .mark = Mark::diamond};
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;
  for (const auto& trial : input.trials) {
    const double x = value_of(trial, cost), y = value_of(trial, objective.metric);
    if (trial.state != TrialState::complete || std::isnan(x) || std::isnan(y)) continue;
    smallest = std::min(smallest, x);
    largest = std::max(largest, x);
    Series& series = trial.purpose == TrialPurpose::search    ? searched
                     : trial.purpose == TrialPurpose::retrain ? retrained
                                                              : baseline;
    series.points.push_back({x, y, trial_tooltip(trial, {objective.metric, cost})});
  }
  Plot plot;
  Series front{.name = "Pareto front", .role = Role::front, .mark = Mark::ring, .line = Line::straight};
  auto members = pareto_front(input.trials, {objective, cost_objective});
  std::erase_if(members, [&](const Trial* trial) { return !is_feasible(*trial, input.objectives); });
  std::sort(members.begin(), members.end(), [&](auto* a, auto* b) { return value_of(*a, cost) < value_of(*b, cost); });
  for (const Trial* trial : members) {
    const double x = value_of(*trial, cost), y = value_of(*trial, objective.metric);
    front.points.push_back({x, y, trial_tooltip(*trial, {objective.metric, cost})});
    plot.labels.push_back({x, y, "#" + std::to_string(trial->id)});
  }
  plot.title = metric_title(objective.metric) + " against " + metric_title(cost);
  plot.x = {.title = metric_title(cost), .quantity = quantity_of(cost), .log = largest > 3 * smallest};
  if (plot.x.log) plot.x.title += ", logarithmic";
  plot.y = value_axis(objective);
  plot.series = {std::move(searched), std::move(baseline), std::move(retrained), std::move(front)};
  return draw(plot);
}

std::string search_curves_chart(const ReportInput& input) {
  const Objective objective = main_objective(input);
  Plot plot = curves_plot(input, objective);
  plot.title = "Learning curves of the search's trials";
  auto trials = trials_for(input, TrialPurpose::search);
  std::erase_if(trials, [](const Trial* trial) { return trial->copied_from != 0; });
  const std::size_t stride = trials.size() / most_curves + 1;
  std::string name = "trials";
  for (std::size_t i = 0; i < trials.size(); i += stride) {
    Series series = curve_series(*trials[i], objective, Role::faint, name);
    if (series.points.empty()) continue;
    name.clear();
    plot.series.push_back(std::move(series));
  }
  const auto ranked = ranking(input.trials, input.objectives);
  if (!ranked.empty()) {
    plot.series.push_back(
        curve_series(*ranked.front(), objective, Role::best, "best (#" + std::to_string(ranked.front()->id) + ")"));
  }
  return has_lines(plot) ? draw(plot) : "";
}

std::string retrain_curves_chart(const ReportInput& input) {
  const Objective objective = main_objective(input);
  Plot plot = curves_plot(input, objective);
  plot.title = "Learning curves of the retrained networks";
  for (const auto& [purpose, role, label] :
       {std::tuple{TrialPurpose::baseline, Role::baseline, "random"},
        std::tuple{TrialPurpose::retrain, Role::retrained, "best of the search"}}) {
    std::string name = label;
    for (const Trial* trial : trials_for(input, purpose)) {
      Series series = curve_series(*trial, objective, role, name);
      if (series.points.empty()) continue;
      name.clear();
      plot.series.push_back(std::move(series));
    }
  }
  return has_lines(plot) ? draw(plot) : "";
}

std::string comparison_chart(const ReportInput& input) {
  const Comparison& comparison = *input.comparison;
  const Quantity quantity = input.words.percent ? Quantity::share : quantity_of(input.comparison_metric);
  const auto group = [&](const std::string& name, Role role, const std::vector<double>& values) {
    StripGroup result{name, role, {}};
    for (const double value : values) result.values.emplace_back(value, format_value(value, quantity, 2));
    return result;
  };
  const auto told = [&](double value) {
    return input.words.percent ? fixed_text(100 * value, 2) : format_value(value, Quantity::number);
  };
  Strip strip;
  strip.title = "Searched and random networks: " + metric_title(input.comparison_metric);
  strip.axis.title = metric_title(input.comparison_metric);
  strip.axis.quantity = quantity;
  strip.first = group("Searched", Role::retrained, comparison.a);
  strip.second = group("Random", Role::baseline, comparison.b);
  strip.difference =
      (comparison.difference > 0 ? "+" : "") + told(comparison.difference) + (input.words.percent ? " points" : "");
  if (comparison.interval) {
    strip.interval = {comparison.interval->low, comparison.interval->high};
    strip.difference += " (" + told(comparison.interval->low) + " to " + told(comparison.interval->high) + ")";
  }
  return draw(strip);
}

}  // namespace netwright
