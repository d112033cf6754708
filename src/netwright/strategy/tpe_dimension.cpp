#include "netwright/strategy/tpe_dimension.h"

#include <algorithm>
#include <cmath>

namespace netwright {
namespace {

// The index drawn with probability in proportion to `weights`, whose sum is `whole`.
std::size_t draw(const std::vector<double>& weights, double whole, Random& random) {
  const double share = random.uniform() * whole;
  double sum = 0;
  std::size_t drawn = 0;
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {  // without a branch that nothing could predict
    sum += weights[i];
    drawn += share >= sum;
  }
  return drawn;
}

}  // namespace

TpeDimension::TpeDimension(const Choice& choice) : choice_(&choice) {
  if (const auto* categorical = std::get_if<Categorical>(&choice.domain)) {
    options_ = categorical->options.size();
  } else if (const auto* real = std::get_if<Real>(&choice.domain)) {
    log_ = real->log;
    low_ = real->low;
    high_ = real->high;
    support_ = {coordinate(low_), coordinate(high_)};
  } else {
    const auto& integer = std::get<Integer>(choice.domain);
    log_ = integer.log;
    low_ = static_cast<double>(integer.low);
    step_ = static_cast<double>(integer.step);
    steps_ = (integer.high - integer.low) / integer.step;
    high_ = low_ + step_ * static_cast<double>(steps_);
    support_ = {cell(0).low, cell(steps_).high};
  }
}

double TpeDimension::coordinate(double value) const {
  return log_ ? std::log(value) : value;
}

// Half a step to both sides, so that the first and last values have as much room as the others.
Interval TpeDimension::cell(std::int64_t step) const {
  const double value = low_ + step_ * static_cast<double>(step);
  const double from = value - 0.5 * step_;
  return {coordinate(log_ ? std::max(from, 0.5 * value) : from), coordinate(value + 0.5 * step_)};
}

void TpeDimension::add(std::uint32_t trial, const Value& value) {
  trials_.push_back(trial);
  if (options_ > 0) {
    const auto& options = std::get<Categorical>(choice_->domain).options;
    chosen_.push_back(static_cast<std::uint32_t>(std::find(options.begin(), options.end(), value) - options.begin()));
    return;
  }
  const auto* integer = std::get_if<std::int64_t>(&value);
  const Entry entry{coordinate(integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value)), trial};
  const auto place = std::upper_bound(sorted_.begin(), sorted_.end(), entry,
                                      [](const Entry& a, const Entry& b) { return a.coordinate < b.coordinate; });
  sorted_.insert(place, entry);
}

// Of the trials that have the choice, ranked among themselves; good ones have weight 0 and no rank. Indexed by trial,
// or by place in trials_.
std::span<const double> TpeDimension::weights(const TpeSplit& split, TpeScratch& scratch, bool by_trial) const {
  if (trials_.size() == split.is_good.size()) return split.weights;
  const auto others = std::count_if(trials_.begin(), trials_.end(), [&](auto trial) { return !split.is_good[trial]; });
  linear_forgetting_weights(static_cast<std::size_t>(others), scratch.own_ranks);
  scratch.own_weights.resize(split.is_good.size());
  std::size_t rank = 0;
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    const std::uint32_t trial = trials_[i];
    scratch.own_weights[by_trial ? trial : i] = split.is_good[trial] ? 0.0 : scratch.own_ranks[rank++];
  }
  return {scratch.own_weights.data(), by_trial ? split.is_good.size() : trials_.size()};
}

Value TpeDimension::propose(const TpeSplit& split, int candidates, TpeScratch& scratch, Random& random) const {
  if (options_ > 0) {
    const auto& options = std::get<Categorical>(choice_->domain).options;
    return options[propose_option(split, candidates, scratch, random)];
  }
  if (step_ > 0) {
    const auto& integer = std::get<Integer>(choice_->domain);
    if (steps_ == 0) return integer.low;
    fit(split, scratch);
    return integer.low + integer.step * propose_step(candidates, scratch, random);
  }
  if (!(support_.low < support_.high)) return low_;
  fit(split, scratch);
  const double point = propose_point(candidates, scratch, random);
  return std::clamp(log_ ? std::exp(point) : point, low_, high_);
}

std::size_t TpeDimension::propose_option(const TpeSplit& split, int candidates, TpeScratch& scratch,
                                         Random& random) const {
  scratch.good_options.clear();
  for (const std::uint32_t trial : split.good) {
    const auto place = std::lower_bound(trials_.begin(), trials_.end(), trial);
    if (place == trials_.end() || *place != trial) continue;
    scratch.good_options.push_back(chosen_[static_cast<std::size_t>(place - trials_.begin())]);
  }
  scratch.weights[0].assign(scratch.good_options.size(), 1.0);  // at most 25: none is forgotten
  categorical_density(scratch.good_options, scratch.weights[0], options_, scratch.counts[0]);
  categorical_density(chosen_, weights(split, scratch, false), options_, scratch.counts[1]);
  double sum = 0;
  for (const double count : scratch.counts[0]) sum += count;
  const auto ratio = [&](std::size_t option) { return scratch.counts[0][option] / scratch.counts[1][option]; };
  std::size_t best = draw(scratch.counts[0], sum, random);
  for (int i = 1; i < candidates; ++i) {
    const std::size_t rival = draw(scratch.counts[0], sum, random);
    if (ratio(rival) > ratio(best)) best = rival;
  }
  return best;
}

void TpeDimension::fit(const TpeSplit& split, TpeScratch& scratch) const {
  const std::span<const double> weight = weights(split, scratch, true);
  std::size_t counts[2] = {0, 0};
  for (int other = 0; other < 2; ++other) {
    scratch.means[other].resize(sorted_.size());
    scratch.weights[other].resize(sorted_.size());
  }
  for (const Entry& entry : sorted_) {
    const int other = split.is_good[entry.trial] ? 0 : 1;
    scratch.means[other][counts[other]] = entry.coordinate;
    scratch.weights[other][counts[other]++] = weight[entry.trial];
  }
  for (int other = 0; other < 2; ++other) {
    scratch.means[other].resize(counts[other]);
    scratch.weights[other].resize(counts[other]);
  }
  scratch.weights[0].assign(counts[0], 1.0);  // at most 25: none is forgotten
  for (int other = 0; other < 2; ++other) {
    scratch.mixtures[other].fit(scratch.means[other], scratch.weights[other], support_);
  }
}

double TpeDimension::propose_point(int candidates, TpeScratch& scratch, Random& random) const {
  const auto count = static_cast<std::size_t>(candidates);
  scratch.points.resize(count);
  for (double& point : scratch.points) point = scratch.mixtures[0].sample(random);
  scratch.densities[0].resize(count);
  scratch.mixtures[0].relative_densities(scratch.points, scratch.densities[0]);
  return scratch.points[scratch.mixtures[1].largest_ratio(scratch.points, scratch.densities[0], scratch.densities[1])];
}

std::int64_t TpeDimension::propose_step(int candidates, TpeScratch& scratch, Random& random) const {
  scratch.ratios.clear();
  for (int i = 0; i < candidates; ++i) {
    const double point = scratch.mixtures[0].sample(random);
    const double share = ((log_ ? std::exp(point) : point) - low_) / step_;
    const std::int64_t step = std::clamp<std::int64_t>(std::llround(share), 0, steps_);
    const bool known = std::any_of(scratch.ratios.begin(), scratch.ratios.end(),
                                   [step](const auto& looked_at) { return looked_at.first == step; });
    if (known) continue;
    const Interval values = cell(step);
    scratch.ratios.emplace_back(step, scratch.mixtures[0].log_mass(values) - scratch.mixtures[1].log_mass(values));
  }
  return std::max_element(scratch.ratios.begin(), scratch.ratios.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace netwright
