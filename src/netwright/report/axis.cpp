#include "netwright/report/axis.h"

#include <algorithm>
#include <cmath>

#include "netwright/base/statistics.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

// Whatever is beyond this many interquartile ranges from the quartiles is far outside.
constexpr double fence = 3;

// Seconds are shown in the unit that gives handy numbers.
struct TimeUnit {
  const char* name;
  double seconds;
};

TimeUnit time_unit(double longest) {
  if (longest >= 3 * 86400) return {"days", 86400};
  if (longest >= 3 * 3600) return {"hours", 3600};
  if (longest >= 180) return {"minutes", 60};
  return {"seconds", 1};
}

int decimals_for(double step) {
  return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
}

std::string tick_text(double value, Quantity quantity, double step) {
  switch (quantity) {
    case Quantity::share:
      return fixed_text(100 * value, decimals_for(100 * step)) + " %";
    case Quantity::count:
      return human_count(value);
    default:
      break;
  }
  if (value != 0 && (std::fabs(value) >= 1e6 || step < 1e-4)) return format_value(value, Quantity::number);
  return fixed_text(value, decimals_for(step));
}

}  // namespace

std::vector<double> linear_ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power * 1.001) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  // Multiples, not sums, so that no rounding piles up and zero is zero.
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) ticks.push_back(i * step);
  return ticks;
}

std::vector<double> log_ticks(double low, double high, int count) {
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = static_cast<int>(std::ceil(std::log10(high) - 1e-9));
  const double decades = std::log10(high / low);
  // Less than a decade may hold too few of 1, 2, 5: then linear ticks read better.
  if (decades < 0.7) return linear_ticks(low, high, count);
  const std::vector<double> factors = decades * 3 <= count + 2 ? std::vector<double>{1, 2, 5} : std::vector<double>{1};
  const int stride = std::max(1, static_cast<int>(std::lround(decades / std::max(1, count))));
  std::vector<double> ticks;
  for (int power = first; power <= last; ++power) {
    if (factors.size() == 1 && (power - first) % stride != 0) continue;
    for (const double factor : factors) {
      const double value = factor * std::pow(10, power);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push_back(value);
    }
  }
  return ticks;
}

Scale::Scale(const Axis& axis, const std::vector<double>& values, int tick_count) : title_(axis.title) {
  find_range(axis, values);
  make_ticks(axis, tick_count);
}

void Scale::find_range(const Axis& axis, std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  log_ = axis.log && !values.empty() && std::all_of(values.begin(), values.end(), [](double v) { return v > 0; });
  if (!values.empty()) {
    const double q1 = quantile(values, 0.25), q3 = quantile(values, 0.75);
    const double reach = fence * (q3 - q1);
    if (reach > 0 && axis.outliers == Outliers::edge_low)
      std::erase_if(values, [&](double v) { return v < q1 - reach; });
    if (reach > 0 && axis.outliers == Outliers::edge_high)
      std::erase_if(values, [&](double v) { return v > q3 + reach; });
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    low_ = *low;
    high_ = *high;
  }
  if (log_) {
    const double margin = low_ == high_ ? 1.5 : std::pow(high_ / low_, 0.06);
    low_ /= margin;
    high_ *= margin;
  } else {
    const double margin =
        low_ == high_ ? std::max(std::fabs(low_) * 0.05, axis.whole ? 1 : 1e-6) : (high_ - low_) * 0.06;
    const double low = low_ - margin, high = high_ + margin;
    // A margin must not carry a quantity where it cannot be.
    low_ = low_ >= 0 ? std::max(0.0, low) : low;
    high_ = axis.quantity == Quantity::share && high_ <= 1 ? std::min(1.0, high) : high;
  }
  if (axis.low) low_ = *axis.low;
  if (axis.high) high_ = *axis.high;
  if (!(low_ < high_)) high_ = low_ + 1;
}

void Scale::make_ticks(const Axis& axis, int count) {
  double unit = 1;
  if (axis.quantity == Quantity::seconds && !log_) {
    const TimeUnit time = time_unit(high_);
    unit = time.seconds;
    title_ += std::string(title_.empty() ? "" : " ") + "(" + time.name + ")";
  }
  auto values = log_ ? log_ticks(low_, high_, count) : linear_ticks(low_ / unit, high_ / unit, count);
  if (!axis.ticks.empty()) {
    for (const double value : axis.ticks) ticks_.push_back({value, format_value(value, axis.quantity)});
    return;
  }
  if (axis.whole) std::erase_if(values, [](double value) { return std::fabs(value - std::round(value)) > 1e-9; });
  // On a logarithmic axis steps differ; each number then shows what it needs.
  const double step = values.size() > 1 ? values[1] - values[0] : 1;
  for (const double value : values) {
    if (axis.quantity == Quantity::seconds && log_) {
      ticks_.push_back({value, human_seconds(value)});
    } else if (axis.quantity == Quantity::number && log_) {
      ticks_.push_back({value, format_value(value, axis.quantity)});
    } else {
      ticks_.push_back({value * unit, tick_text(value, axis.quantity, log_ ? std::min(step, value) : step)});
    }
  }
}

void Scale::place(double from, double to) {
  from_ = from;
  to_ = to;
}

double Scale::operator()(double value) const {
  return from_ + (to_ - from_) * (position(value) - position(low_)) / (position(high_) - position(low_));
}

double Scale::position(double value) const {
  return log_ ? std::log(value) : value;
}

}  // namespace netwright
