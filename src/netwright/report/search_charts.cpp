// How a search went: its results, its workers, its rungs.
#include "netwright/report/search_charts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "netwright/base/statistics.h"
#include "netwright/base/text.h"
#include "netwright/report/charts.h"
#include "netwright/report/figures.h"

namespace netwright {
namespace {

constexpr std::size_t fewest_results = 5;  // fewer are seen better one by one
constexpr std::size_t most_rungs = 12;
constexpr std::size_t most_lines = 300;

// A stretch of a trial's training, from when it was proposed or resumed until it was paused or over.
struct Stretch {
  int worker = -1;
  double from = 0, to = 0;
  double fidelity = 0;  // that it came to
};

// By trial; what a worker is still at ends now.
std::map<std::int64_t, std::vector<Stretch>> stretches_of(const ReportInput& input) {
  std::map<std::int64_t, std::vector<Stretch>> stretches;
  std::map<std::int64_t, double> begun;
  for (const auto& event : input.events) {
    if (event.kind == EventKind::proposed || event.kind == EventKind::resumed) begun[event.trial] = event.time;
    if (event.kind != EventKind::paused && event.kind != EventKind::finished) continue;
    const auto found = begun.find(event.trial);
    if (found == begun.end()) continue;
    stretches[event.trial].push_back({event.worker, found->second, event.time, event.fidelity});
    begun.erase(found);
  }
  for (const auto& trial : input.trials) {
    if (trial.state != TrialState::running || !begun.contains(trial.id)) continue;
    stretches[trial.id].push_back({trial.worker, begun.at(trial.id), input.study.elapsed, trial.fidelity});
  }
  return stretches;
}

Role role_of(const Trial& trial) {
  if (trial.state == TrialState::failed) return Role::failed;
  if (trial.purpose == TrialPurpose::retrain) return Role::retrained;
  if (trial.purpose == TrialPurpose::baseline) return Role::baseline;
  if (trial.state == TrialState::complete) return Role::searched;
  return trial.state == TrialState::pruned ? Role::faint : Role::front;
}

// What the workers did, and how many there were.
std::vector<Timeline::Span> spans_of(const ReportInput& input, std::size_t& workers) {
  const auto stretches = stretches_of(input);
  const std::string metric = main_objective(input).metric;
  std::vector<Timeline::Span> spans;
  workers = 0;
  for (const auto& trial : input.trials) {
    if (trial.purpose == TrialPurpose::imported) continue;
    std::vector<Stretch> parts;
    if (const auto found = stretches.find(trial.id); found != stretches.end()) {
      parts = found->second;
    } else if (trial.copied_from == 0) {  // what follows the search has no events
      const bool over = is_finished(trial.state);
      const double now = trial.state == TrialState::running ? input.study.elapsed : trial.started + seconds_of(trial);
      parts.push_back({trial.worker, trial.started, over ? trial.finished : now, trial.fidelity});
    }
    for (const auto& part : parts) {
      if (part.worker < 0 || part.to <= part.from) continue;
      workers = std::max(workers, static_cast<std::size_t>(part.worker) + 1);
      std::string title = trial_tooltip(trial, {metric});
      if (parts.size() > 1) title += ", to " + number_text(part.fidelity) + " " + input.fidelity_unit;
      title += ", " + human_seconds(part.to - part.from);
      spans.push_back({.lane = static_cast<std::size_t>(part.worker),
                       .from = part.from,
                       .to = part.to,
                       .role = role_of(trial),
                       .title = std::move(title)});
    }
  }
  return spans;
}

double value_at(const Trial& trial, const std::string& metric, double after, double until) {
  double value = std::nan("");
  for (const auto& measurement : trial.measurements) {
    if (measurement.fidelity <= after || measurement.fidelity > until * (1 + 1e-9)) continue;
    const auto found = measurement.metrics.find(metric);
    if (found != measurement.metrics.end()) value = found->second;
  }
  return value;
}

}  // namespace

Chart results_chart(const ReportInput& input) {
  const Objective objective = main_objective(input);
  Histogram histogram;
  histogram.title = "Histogram of " + metric_phrase(objective.metric);
  histogram.axis = value_axis(objective);
  Histogram::Group retrained{"best, retrained", Role::retrained, Mark::diamond};
  Histogram::Group baseline{"random, retrained", Role::baseline, Mark::square};
  for (const auto& trial : input.trials) {
    const auto value = last_metric(trial, objective.metric);
    if (trial.state != TrialState::complete || !value || !std::isfinite(*value)) continue;
    const std::string title = trial_tooltip(trial, {objective.metric});
    if (trial.purpose == TrialPurpose::search) histogram.values.push_back(*value);
    if (trial.purpose == TrialPurpose::retrain) retrained.values.emplace_back(*value, title);
    if (trial.purpose == TrialPurpose::baseline) baseline.values.emplace_back(*value, title);
  }
  if (histogram.values.size() < fewest_results) return {};
  const bool marked = !retrained.values.empty() || !baseline.values.empty();
  histogram.groups = {std::move(retrained), std::move(baseline)};
  return {draw(histogram), std::string("How many complete trials came out how well") +
                               (marked ? "; retrained networks, above, had the full recipe."
                                       : ": a long tail towards better values means that searching pays.")};
}

Chart timeline_chart(const ReportInput& input) {
  Timeline timeline;
  std::size_t workers = 0;
  timeline.spans = spans_of(input, workers);
  if (timeline.spans.size() < 2) return {};
  timeline.title = "What each worker did when";
  double end = 0, busy = 0;
  for (const auto& span : timeline.spans) {
    end = std::max(end, span.to);
    busy += span.to - span.from;
  }
  for (std::size_t worker = 0; worker < workers; ++worker) {
    timeline.lanes.push_back("worker " + std::to_string(worker + 1));
  }
  for (const auto& [role, words] : std::vector<std::pair<Role, std::string>>{{Role::searched, "complete"},
                                                                             {Role::faint, "pruned"},
                                                                             {Role::failed, "failed"},
                                                                             {Role::front, "running or paused"},
                                                                             {Role::retrained, "best, retrained"},
                                                                             {Role::baseline, "random, retrained"}}) {
    const bool occurs = std::any_of(timeline.spans.begin(), timeline.spans.end(),
                                    [wanted = role](const auto& span) { return span.role == wanted; });
    if (occurs) timeline.legend.emplace_back(role, words);
  }
  const bool resumed = std::any_of(input.events.begin(), input.events.end(),
                                   [](const auto& event) { return event.kind == EventKind::resumed; });
  std::string caption =
      resumed ? "Each bar is a trial until its schedule paused it or it was over" : "Each bar is a trial";
  const double share = busy / (end * static_cast<double>(workers));
  caption += ", and a gap is a worker that waited: they were busy " +
             format_value(std::min(1.0, share), Quantity::share, 0) + " of the time.";
  return {draw(timeline), caption};
}

std::vector<Rung> rungs(const ReportInput& input) {
  if (input.schedule.empty() || input.schedule == "full") return {};
  const std::string metric = main_objective(input).metric;
  std::set<double> levels;
  for (const auto& trial : input.trials) {
    const bool decided = trial.state == TrialState::complete || trial.state == TrialState::paused ||
                         (trial.state == TrialState::pruned && trial.reason != "constraint");
    if (trial.purpose == TrialPurpose::search && decided && trial.fidelity > 0) levels.insert(trial.fidelity);
  }
  if (levels.size() < 2) return {};
  const std::vector<double> all(levels.begin(), levels.end());
  const std::size_t shown = std::min(all.size(), most_rungs);
  std::vector<Rung> rungs;
  double below = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    Rung rung{all[i * (all.size() - 1) / (shown - 1)], {}};
    for (const auto& trial : input.trials) {
      if (trial.purpose != TrialPurpose::search || trial.fidelity < rung.fidelity) continue;
      const double value = value_at(trial, metric, below, rung.fidelity);
      if (std::isfinite(value)) rung.values.emplace_back(&trial, value);
    }
    below = rung.fidelity;
    rungs.push_back(std::move(rung));
  }
  return rungs;
}

Chart rungs_chart(const ReportInput& input) {
  const auto all = rungs(input);
  if (all.empty()) return {};
  const Objective objective = main_objective(input);
  Plot plot;
  plot.title = metric_phrase(objective.metric) + " from rung to rung";
  plot.x = {.title = input.fidelity_unit, .log = all.back().fidelity > 3 * all.front().fidelity};
  plot.y = value_axis(objective);
  std::map<std::int64_t, Series> lines;
  Series best{.name = "best at the rung", .role = Role::best, .mark = Mark::dot, .line = Line::straight};
  Series middle{.name = "median", .role = Role::front, .mark = Mark::diamond, .line = Line::straight};
  for (const auto& rung : all) {
    plot.x.ticks.push_back(rung.fidelity);
    std::vector<double> values;
    for (const auto& [trial, value] : rung.values) {
      Series& line = lines[trial->id];
      if (line.points.empty()) {
        line = {.role = Role::faint, .line = Line::straight, .title = trial_tooltip(*trial, {objective.metric})};
      }
      line.points.push_back({rung.fidelity, value, line.title});
      values.push_back(value);
    }
    if (values.empty()) continue;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    best.points.push_back({rung.fidelity, objective.maximize ? *high : *low, {}});
    middle.points.push_back({rung.fidelity, median(values), {}});
  }
  const std::size_t stride = (lines.size() + most_lines - 1) / most_lines;
  std::size_t number = 0;
  for (auto& [id, line] : lines) {
    // Those that went up are few, and what the picture is about.
    if (number++ % stride != 0 && line.points.size() < 2) continue;
    line.name = plot.series.empty() ? "trial" : "";
    plot.series.push_back(std::move(line));
  }
  plot.series.push_back(std::move(middle));
  plot.series.push_back(std::move(best));
  std::string caption =
      "Each line is a trial as it went up; where lines end, the schedule stopped it, and where they "
      "cross, a low rung misjudged the order";
  if (stride > 1) caption += " (of trials that ended on the first rung one in " + std::to_string(stride) + " is drawn)";
  return {draw(plot), caption + "."};
}

}  // namespace netwright
