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

// Where the trial's spans of training ended, as far as it was paused by its schedule.
struct Pauses {
  std::vector<double> fidelities;
  int resumed = 0;
};

std::map<std::int64_t, Pauses> pauses_of(const std::vector<StudyEvent>& events) {
  std::map<std::int64_t, Pauses> pauses;
  for (const auto& event : events) {
    if (event.kind == EventKind::paused) pauses[event.trial].fidelities.push_back(event.fidelity);
    if (event.kind == EventKind::resumed) ++pauses[event.trial].resumed;
  }
  return pauses;
}

double seconds_between(const Trial& trial, double after, double until) {
  double seconds = 0;
  for (const auto& measurement : trial.measurements) {
    if (measurement.fidelity > after && measurement.fidelity <= until) seconds += measurement.seconds;
  }
  return seconds;
}

Role role_of(const Trial& trial) {
  if (trial.state == TrialState::failed) return Role::failed;
  if (trial.purpose == TrialPurpose::retrain) return Role::retrained;
  if (trial.purpose == TrialPurpose::baseline) return Role::baseline;
  if (trial.state == TrialState::complete) return Role::searched;
  return trial.state == TrialState::pruned ? Role::faint : Role::front;
}

// Spans whose worker is not known, each in the first of the lanes that is free then.
void pack(std::vector<Timeline::Span>& spans, std::size_t first_lane, std::size_t& lanes) {
  std::sort(spans.begin(), spans.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  std::vector<double> free_from;
  for (auto& span : spans) {
    const auto lane = std::find_if(free_from.begin(), free_from.end(), [&](double free) { return free <= span.from; });
    span.lane = first_lane + static_cast<std::size_t>(lane - free_from.begin());
    if (lane == free_from.end()) {
      free_from.push_back(span.to);
    } else {
      *lane = span.to;
    }
  }
  lanes = free_from.size();
}

// The spans of a study's trials, as far as what is stored tells.
struct Spans {
  std::vector<Timeline::Span> placed;   // on a worker's lane, at a known time
  std::vector<Timeline::Span> unowned;  // at a known time; the worker is no longer known
  int unknown = 0;                      // neither
  std::size_t workers = 0;
};

Spans spans_of(const ReportInput& input) {
  const auto pauses = pauses_of(input.events);
  const std::string metric = main_objective(input).metric;
  Spans spans;
  for (const auto& trial : input.trials) {
    if (trial.worker < 0 || trial.copied_from != 0 || trial.purpose == TrialPurpose::imported) continue;
    spans.workers = std::max(spans.workers, static_cast<std::size_t>(trial.worker) + 1);
    const auto found = pauses.find(trial.id);
    const Pauses paused = found != pauses.end() ? found->second : Pauses{};
    const bool ended = is_finished(trial.state),
               paused_last = static_cast<int>(paused.fidelities.size()) > paused.resumed;
    const double all = seconds_of(trial);
    Timeline::Span span{.lane = static_cast<std::size_t>(trial.worker),
                        .from = trial.started,
                        .to = trial.finished,
                        .role = role_of(trial),
                        .title = trial_tooltip(trial, {metric}) + (all > 0 ? ", " + human_seconds(all) : "")};
    if (paused.resumed == 0) {
      if (!ended) span.to = trial.state == TrialState::running ? input.study.elapsed : trial.started + all;
      if (paused_last) span.to = trial.started + all;
      if (span.to > span.from) spans.placed.push_back(std::move(span));
      continue;
    }
    const double first = paused.fidelities.empty() ? 0 : paused.fidelities.front();
    Timeline::Span begin = span;
    begin.to = trial.started + seconds_between(trial, 0, first);
    if (begin.to > begin.from) spans.unowned.push_back(std::move(begin));
    spans.unknown += paused.resumed - 1;
    if (!ended || paused_last) {
      ++spans.unknown;
      continue;
    }
    span.from = trial.finished - seconds_between(trial, paused.fidelities.back(), trial.fidelity);
    if (span.to > span.from) spans.placed.push_back(std::move(span));
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
  Spans spans = spans_of(input);
  if (spans.placed.size() < 2) return {};
  Timeline timeline;
  timeline.title = "What each worker did when";
  double end = 0, busy = 0;
  for (const auto& span : spans.placed) {
    end = std::max(end, span.to);
    busy += span.to - span.from;
  }
  for (std::size_t worker = 0; worker < spans.workers; ++worker) {
    timeline.lanes.push_back("worker " + std::to_string(worker + 1));
  }
  std::size_t extra = 0;
  pack(spans.unowned, spans.workers, extra);
  for (std::size_t i = 0; i < extra; ++i) timeline.lanes.emplace_back("some worker");
  timeline.spans = std::move(spans.placed);
  timeline.spans.insert(timeline.spans.end(), spans.unowned.begin(), spans.unowned.end());
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
  std::string caption = "Each bar is a trial, and a gap is a worker that waited";
  if (spans.unowned.empty() && spans.unknown == 0 && end > 0) {
    const double share = busy / (end * static_cast<double>(spans.workers));
    caption += ": they were busy " + format_value(std::min(1.0, share), Quantity::share, 0) + " of the time";
  } else if (!spans.unowned.empty()) {
    caption +=
        "; of trials that were paused and resumed only the last stretch is on its worker’s lane, the first is "
        "below, where the worker is no longer known";
  }
  if (spans.unknown > 0) {
    caption += ", and " + std::to_string(spans.unknown) +
               (spans.unknown == 1 ? " stretch whose time is" : " stretches whose times are") +
               " not stored, missing from the picture";
  }
  return {draw(timeline), caption + "."};
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
