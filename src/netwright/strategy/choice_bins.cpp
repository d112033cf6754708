#include "netwright/strategy/choice_bins.h"

#include <algorithm>
#include <cmath>

namespace netwright {

// An integer's value number n occupies [place(n), place(n + 1)) of the axis.
double ChoiceBins::place(std::int64_t number) const {
  const auto& domain = std::get<Integer>(choice_->domain);
  const auto value = static_cast<double>(domain.low + number * domain.step);
  return domain.log ? std::log(value) : value;
}

ChoiceBins::ChoiceBins(const Choice& choice, int most) : choice_(&choice) {
  if (const auto* categorical = std::get_if<Categorical>(&choice.domain)) {
    shares_.assign(categorical->options.size(), 1.0 / static_cast<double>(categorical->options.size()));
    return;
  }
  if (const auto* real = std::get_if<Real>(&choice.domain)) {
    const int bins = real->low == real->high ? 1 : most;
    const double low = real->log ? std::log(real->low) : real->low;
    const double high = real->log ? std::log(real->high) : real->high;
    shares_.assign(static_cast<std::size_t>(bins), 1.0 / bins);
    for (int i = 0; i <= bins; ++i) edges_.push_back(low + (high - low) * i / bins);
    return;
  }
  const auto count = static_cast<std::int64_t>(*count_values(choice));
  const double low = place(0), high = place(count);
  const std::int64_t bins = std::min<std::int64_t>(count, most);
  first_.push_back(0);
  for (std::int64_t i = 1; i < bins && first_.back() + 1 < count; ++i) {
    std::int64_t end = i;  // each value its own bin
    if (count > most) {    // the first value at or above the bin's end, at least one value a bin
      const double edge = low + (high - low) * static_cast<double>(i) / static_cast<double>(bins);
      std::int64_t from = first_.back() + 1, to = count;
      while (from < to) {
        const std::int64_t middle = from + (to - from) / 2;
        if (place(middle) < edge)
          from = middle + 1;
        else
          to = middle;
      }
      end = from;
    }
    if (end < count) first_.push_back(end);
  }
  first_.push_back(count);
  for (std::size_t i = 0; i + 1 < first_.size(); ++i) {
    shares_.push_back((place(first_[i + 1]) - place(first_[i])) / (high - low));
  }
}

Value ChoiceBins::draw(int action, Random& random) const {
  const auto index = static_cast<std::size_t>(action);
  if (const auto* categorical = std::get_if<Categorical>(&choice_->domain)) return categorical->options[index];
  if (const auto* real = std::get_if<Real>(&choice_->domain)) {
    if (real->low == real->high) return real->low;
    const double drawn = edges_[index] + random.uniform() * (edges_[index + 1] - edges_[index]);
    return std::clamp(real->log ? std::exp(drawn) : drawn, real->low, real->high);
  }
  const auto& domain = std::get<Integer>(choice_->domain);
  const std::int64_t begin = first_[index], end = first_[index + 1];
  std::int64_t number = begin;
  if (end - begin > 1) {
    const double drawn = place(begin) + random.uniform() * (place(end) - place(begin));
    const double value = domain.log ? std::exp(drawn) : drawn;
    number = static_cast<std::int64_t>((value - static_cast<double>(domain.low)) / static_cast<double>(domain.step));
  }
  return domain.low + std::clamp(number, begin, end - 1) * domain.step;
}

int ChoiceBins::action_of(const Value& value) const {
  if (const auto* categorical = std::get_if<Categorical>(&choice_->domain)) {
    const auto found = std::find(categorical->options.begin(), categorical->options.end(), value);
    return static_cast<int>(found - categorical->options.begin());
  }
  const auto bin_in = [this](const auto& bounds, auto at) {
    const auto after = std::upper_bound(bounds.begin(), bounds.end(), at) - bounds.begin();
    return std::clamp(static_cast<int>(after) - 1, 0, size() - 1);
  };
  if (const auto* real = std::get_if<Real>(&choice_->domain)) {
    const double number = std::get<double>(value);
    return bin_in(edges_, real->log ? std::log(number) : number);
  }
  const auto& domain = std::get<Integer>(choice_->domain);
  return bin_in(first_, (std::get<std::int64_t>(value) - domain.low) / domain.step);
}

}  // namespace netwright
