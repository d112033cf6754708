// Numbers as people read them; shared by tables, plots and the report.
#pragma once

#include <string>

#include "netwright/space/configuration.h"
#include "netwright/trial/trial.h"

namespace netwright {

enum class Quantity { number, share, count, seconds };

// What a metric measures, from its name: accuracies and top5 are shares, parameters and macs counts, …seconds seconds.
Quantity quantity_of(const std::string& metric);

// "test_accuracy" -> "test accuracy", "macs" -> "MACs", "latency_ms" -> "latency (ms)".
std::string metric_title(const std::string& metric);

// The same where test metrics stand beside it: "accuracy" -> "validation accuracy".
std::string metric_phrase(const std::string& metric);

// 0.9123 as a share -> "91.2 %" (`decimals` after the point), 1234567 as a count -> "1.23 M", else four significant
// digits.
std::string format_value(double value, Quantity quantity, int decimals = 1);
std::string format_metric(const std::string& metric, double value);  // by quantity_of; shares with two decimals

// For reading, not for parsing: reals with four significant digits.
std::string short_value(const Value& value);

// "name=value  name=value", by name, with short values.
std::string configuration_text(const Configuration& configuration);

// Seconds of all the trial's measurements.
double seconds_of(const Trial& trial);

// With so many decimals; what rounds to zero has no sign.
std::string fixed_text(double value, int decimals);

// "2026-03-14 15:09 UTC".
std::string date_text(double unix_seconds);

}  // namespace netwright
