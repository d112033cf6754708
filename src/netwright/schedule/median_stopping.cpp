#include "netwright/schedule/median_stopping.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "netwright/base/statistics.h"

namespace netwright {
namespace {

struct Point {
  double fidelity = 0;
  double average = 0;  // of the values up to here
};

// The first objective's values, larger is better, by rising fidelity; NaN counts as the worst.
template <class Visit>
void visit_values(const Trial& trial, const Objective& objective, Visit visit) {
  for (const Measurement& measurement : trial.measurements) {
    const auto found = measurement.metrics.find(objective.metric);
    if (found == measurement.metrics.end()) continue;
    const double value = objective.maximize ? found->second : -found->second;
    visit(measurement.fidelity, std::isnan(value) ? -std::numeric_limits<double>::infinity() : value);
  }
}

class MedianStoppingSchedule : public Schedule {
 public:
  MedianStoppingSchedule(const MedianStoppingOptions& options, Objective objective)
      : options_(options), objective_(std::move(objective)) {}

  Decision next(bool may_start) override {
    return {may_start ? Decision::Kind::start_new : Decision::Kind::finished, 0, options_.max_resource};
  }
  void started(std::int64_t) override {}

  bool measured(const Trial& trial, const Measurement& measurement) override {
    if (measurement.fidelity < options_.grace || measurement.fidelity >= trial.target_fidelity) return true;
    std::vector<double> averages;
    for (const auto& curve : complete_) {
      const auto after =
          std::upper_bound(curve.begin(), curve.end(), measurement.fidelity,
                           [](double fidelity, const Point& point) { return fidelity < point.fidelity; });
      if (after != curve.begin()) averages.push_back(std::prev(after)->average);
    }
    if (averages.size() < static_cast<std::size_t>(options_.min_trials)) return true;
    double best = -std::numeric_limits<double>::infinity();
    bool any = false;
    visit_values(trial, objective_, [&](double fidelity, double value) {
      if (fidelity > measurement.fidelity) return;
      best = std::max(best, value);
      any = true;
    });
    return !any || best >= median(averages);
  }

  bool reached(const Trial&) override { return true; }

  void finished(const Trial& trial) override {
    if (trial.state != TrialState::complete) return;
    std::vector<Point> curve;
    double sum = 0;
    visit_values(trial, objective_, [&](double fidelity, double value) {
      sum += value;
      curve.push_back({fidelity, sum / static_cast<double>(curve.size() + 1)});
    });
    if (!curve.empty()) complete_.push_back(std::move(curve));
  }

 private:
  MedianStoppingOptions options_;
  Objective objective_;
  std::vector<std::vector<Point>> complete_;
};

}  // namespace

std::unique_ptr<Schedule> make_median_stopping_schedule(const ScheduleContext& context) {
  MappingReader reader(context.options, "schedule");
  reader.optional("name");
  MedianStoppingOptions options;
  options.max_resource =
      reader.has("max_resource") ? reader.number("max_resource", 0, 1e-9, 1e9) : context.full_fidelity;
  options.grace = reader.number("grace", options.grace, 0, 1e9);
  options.min_trials = static_cast<int>(reader.integer("min_trials", options.min_trials, 1, 1000000));
  reader.finish();
  return std::make_unique<MedianStoppingSchedule>(options, context.objectives.front());
}

}  // namespace netwright
