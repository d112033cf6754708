#include "netwright/strategy/unit_scale.h"

#include <algorithm>
#include <cmath>

namespace netwright {
namespace {

struct Range {
  double low = 0, high = 0;
  bool log = false;
};

Range range_of(const Choice& choice) {
  if (const auto* domain = std::get_if<Integer>(&choice.domain)) {
    return {static_cast<double>(domain->low), static_cast<double>(domain->high), domain->log};
  }
  const auto& domain = std::get<Real>(choice.domain);
  return {domain.low, domain.high, domain.log};
}

}  // namespace

bool is_numeric(const Choice& choice) {
  return !std::holds_alternative<Categorical>(choice.domain);
}

double to_unit(const Choice& choice, const Value& value) {
  const Range range = range_of(choice);
  if (range.low == range.high) return 0;
  const auto* integer = std::get_if<std::int64_t>(&value);
  const double number = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
  if (range.log) return std::log(number / range.low) / std::log(range.high / range.low);
  return (number - range.low) / (range.high - range.low);
}

Value from_unit(const Choice& choice, double unit) {
  const Range range = range_of(choice);
  unit = std::clamp(unit, 0.0, 1.0);
  const double number =
      range.log ? range.low * std::pow(range.high / range.low, unit) : range.low + unit * (range.high - range.low);
  if (const auto* domain = std::get_if<Integer>(&choice.domain)) {
    const auto steps =
        static_cast<std::int64_t>(std::llround((number - range.low) / static_cast<double>(domain->step)));
    return std::clamp(domain->low + steps * domain->step, domain->low, domain->high);
  }
  return std::clamp(number, range.low, range.high);
}

}  // namespace netwright
