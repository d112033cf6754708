#include "netwright/report/format.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <variant>

#include "netwright/base/text.h"

namespace netwright {
namespace {

std::string print(const char* pattern, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return buffer.data();
}

}  // namespace

Quantity quantity_of(const std::string& metric) {
  if (metric.ends_with("accuracy") || metric.ends_with("top5")) return Quantity::share;
  if (metric == "parameters" || metric == "macs") return Quantity::count;
  if (metric.ends_with("seconds")) return Quantity::seconds;
  return Quantity::number;
}

std::string metric_title(const std::string& metric) {
  if (metric == "macs") return "MACs";
  if (metric.ends_with("_ms")) return metric_title(metric.substr(0, metric.size() - 3)) + " (ms)";
  std::string title = metric;
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

std::string metric_phrase(const std::string& metric) {
  const bool validation = metric == "accuracy" || metric == "loss" || metric == "top5";
  return (validation ? "validation " : "") + metric_title(metric);
}

std::string format_value(double value, Quantity quantity, int decimals) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  switch (quantity) {
    case Quantity::share:
      return fixed_text(100 * value, decimals) + " %";
    case Quantity::count:
      return human_count(value);
    case Quantity::seconds:
      return human_seconds(value);
    case Quantity::number:
      break;
  }
  return print("%.4g", value);
}

std::string format_metric(const std::string& metric, double value) {
  return format_value(value, quantity_of(metric), 2);
}

std::string short_value(const Value& value) {
  const double* real = std::get_if<double>(&value);
  return real != nullptr ? format_value(*real, Quantity::number) : to_string(value);
}

std::string configuration_text(const Configuration& configuration) {
  std::string text;
  for (const auto& [name, value] : configuration.values()) {
    if (!text.empty()) text += "  ";
    text += name + "=" + short_value(value);
  }
  return text;
}

double seconds_of(const Trial& trial) {
  double seconds = 0;
  for (const auto& measurement : trial.measurements) seconds += measurement.seconds;
  return seconds;
}

std::string fixed_text(double value, int decimals) {
  std::array<char, 400> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  const std::string_view text(buffer.data());
  // What rounds to zero has no sign.
  const bool zero = text.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(zero && text.front() == '-' ? text.substr(1) : text);
}

std::string date_text(double unix_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(std::llround(unix_seconds))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02u %02d:%02d UTC", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()));
  return buffer.data();
}

}  // namespace netwright
