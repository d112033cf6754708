#include "netwright/strategy/bohb.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "netwright/strategy/kernel_density.h"

namespace netwright {
namespace {

constexpr double inactive = -1;  // the coordinate of a choice that a configuration does not have

// A choice's values as coordinates: the number of an option, or a place in [0, 1]. Integers have cells of equal size,
// in the logarithm where `log`.
class Scale {
 public:
  explicit Scale(const Choice& choice) : choice_(&choice) {
    if (const auto* categorical = std::get_if<Categorical>(&choice.domain)) {
      options_ = categorical->options.size();
    } else if (const auto* real = std::get_if<Real>(&choice.domain)) {
      log_ = real->log;
      low_ = at(real->low);
      high_ = at(real->high);
    } else {
      const auto& integer = std::get<Integer>(choice.domain);
      log_ = integer.log;
      const double half = 0.5 * static_cast<double>(integer.step);
      const auto first = static_cast<double>(integer.low);
      low_ = at(log_ ? std::max(first - half, 0.5 * first) : first - half);
      high_ = at(static_cast<double>(last(integer)) + half);
    }
  }

  std::size_t options() const { return options_; }

  double coordinate(const Value& value) const {
    if (options_ > 0) {
      const auto& options = std::get<Categorical>(choice_->domain).options;
      return static_cast<double>(std::find(options.begin(), options.end(), value) - options.begin());
    }
    if (!(low_ < high_)) return 0.5;
    const auto* integer = std::get_if<std::int64_t>(&value);
    const double number = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
    return std::clamp((at(number) - low_) / (high_ - low_), 0.0, 1.0);
  }

  Value value(double coordinate) const {
    if (options_ > 0) return std::get<Categorical>(choice_->domain).options[static_cast<std::size_t>(coordinate)];
    const double place = low_ + coordinate * (high_ - low_);
    const double number = log_ ? std::exp(place) : place;
    if (const auto* real = std::get_if<Real>(&choice_->domain)) return std::clamp(number, real->low, real->high);
    const auto& integer = std::get<Integer>(choice_->domain);
    const auto low = static_cast<double>(integer.low);
    const std::int64_t step = std::llround((number - low) / static_cast<double>(integer.step));
    return integer.low + integer.step * std::clamp<std::int64_t>(step, 0, (integer.high - integer.low) / integer.step);
  }

  double sample(Random& random) const {
    return options_ > 0 ? static_cast<double>(random.below(options_)) : random.uniform();
  }

 private:
  double at(double value) const { return log_ ? std::log(value) : value; }
  static std::int64_t last(const Integer& integer) {
    return integer.low + (integer.high - integer.low) / integer.step * integer.step;
  }

  const Choice* choice_;
  std::size_t options_ = 0;  // 0: a number
  bool log_ = false;
  double low_ = 0, high_ = 1;
};

struct Observation {
  std::vector<double> point;
  double score = 0;  // larger is better; −∞: failed
};

class BohbStrategy : public Strategy {
 public:
  BohbStrategy(const SearchSpace& space, Objective objective, const BohbOptions& options)
      : space_(space), objective_(std::move(objective)), options_(options) {
    for (const Choice& choice : space.choices()) {
      scales_.emplace_back(choice);
      kinds_.push_back(scales_.back().options());
    }
  }

  std::optional<Configuration> ask(Random& random) override {
    if (stale_) build();
    if (!good_ || random.uniform() < options_.random_share) return space_.sample(random);
    std::vector<double> best;
    double best_ratio = -1;
    for (int i = 0; i < options_.samples; ++i) {
      std::vector<double> point = good_->sample(random, options_.bandwidth_factor);
      const double ratio = std::max(good_->density(point), least) / std::max(other_->density(point), least);
      if (ratio > best_ratio) {
        best_ratio = ratio;
        best = std::move(point);
      }
    }
    return configuration(best);
  }

  void tell(const Trial& trial) override {
    const auto value = trial.state == TrialState::failed ? std::nullopt : score(trial, objective_);
    Observation observation;
    for (std::size_t d = 0; d < scales_.size(); ++d) {
      const Value* found = trial.configuration.find(space_.choices()[d].name);
      observation.point.push_back(found == nullptr ? inactive : scales_[d].coordinate(*found));
    }
    observation.score = value.value_or(-std::numeric_limits<double>::infinity());
    std::vector<Observation>& ranked = observations_[fidelity_of(trial)];
    const auto place = std::upper_bound(ranked.begin(), ranked.end(), observation.score,
                                        [](double score, const Observation& other) { return score > other.score; });
    ranked.insert(place, std::move(observation));
    stale_ = true;
  }

 private:
  static constexpr double least = 1e-32;  // of a density, so that ratios stay finite

  // Where a failed trial was on its way to, if it measured nothing.
  static double fidelity_of(const Trial& trial) {
    if (trial.state != TrialState::failed && !trial.measurements.empty()) return trial.measurements.back().fidelity;
    return trial.target_fidelity > 0 ? trial.target_fidelity : trial.fidelity;
  }

  // The pair of densities of the largest fidelity that has enough trials.
  void build() {
    stale_ = false;
    const std::size_t fewest = scales_.size() + 1;
    for (auto at = observations_.rbegin(); at != observations_.rend(); ++at) {
      const std::vector<Observation>& all = at->second;
      const auto share = static_cast<std::size_t>(options_.good_share * static_cast<double>(all.size()));
      const std::size_t good = std::max(fewest, share);
      if (all.size() < good + fewest) continue;
      std::vector<std::vector<double>> points[2] = {spread(all, 0, good), spread(all, good, all.size())};
      Random random(derive_seed(all.size(), "bohb: values of inactive choices"));
      for (auto& set : points) complete(set, random);
      good_.emplace(std::move(points[0]), kinds_, options_.least_bandwidth);
      other_.emplace(std::move(points[1]), kinds_, options_.least_bandwidth);
      return;
    }
  }

  // The points of the ranks from `first` to before `end`, or as many of them as a density may have, evenly spread.
  std::vector<std::vector<double>> spread(const std::vector<Observation>& ranked, std::size_t first,
                                          std::size_t end) const {
    const std::size_t all = end - first, taken = std::min(all, static_cast<std::size_t>(options_.points));
    std::vector<std::vector<double>> points;
    points.reserve(taken);
    for (std::size_t i = 0; i < taken; ++i) points.push_back(ranked[first + i * all / taken].point);
    return points;
  }

  // A choice that a trial does not have takes the value of a trial of the set that has it, or any.
  void complete(std::vector<std::vector<double>>& points, Random& random) const {
    for (std::size_t d = 0; d < scales_.size(); ++d) {
      std::vector<double> known;
      for (const auto& point : points) {
        if (point[d] != inactive) known.push_back(point[d]);
      }
      for (auto& point : points) {
        if (point[d] != inactive) continue;
        point[d] = known.empty() ? scales_[d].sample(random) : known[random.below(known.size())];
      }
    }
  }

  Configuration configuration(const std::vector<double>& point) const {
    Configuration result;
    for (std::size_t d = 0; d < scales_.size(); ++d) {
      const Choice& choice = space_.choices()[d];
      if (space_.is_active(choice, result)) result.set(choice.name, scales_[d].value(point[d]));
    }
    return result;
  }

  const SearchSpace& space_;
  Objective objective_;
  BohbOptions options_;
  std::vector<Scale> scales_;  // of each choice
  std::vector<std::size_t> kinds_;
  std::map<double, std::vector<Observation>> observations_;  // by fidelity; best first, of equals the first told
  std::optional<KernelDensity> good_, other_;
  bool stale_ = false;
};

}  // namespace

std::unique_ptr<Strategy> make_bohb_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  BohbOptions options;
  reader.optional("name");
  options.random_share = reader.number("random_share", options.random_share, 0, 1);
  options.good_share = reader.number("good_share", options.good_share, 0, 1);
  options.samples = static_cast<int>(reader.integer("samples", options.samples, 1, 100000));
  options.bandwidth_factor = reader.number("bandwidth_factor", options.bandwidth_factor, 1e-3, 1000);
  options.least_bandwidth = reader.number("least_bandwidth", options.least_bandwidth, 1e-9, 1);
  options.points = static_cast<int>(reader.integer("points", options.points, 10, 1000000));
  reader.finish();
  return std::make_unique<BohbStrategy>(context.space, only_objective(context, "bohb"), options);
}

}  // namespace netwright
