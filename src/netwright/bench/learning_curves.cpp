#include "netwright/bench/learning_curves.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "netwright/base/text.h"
#include "netwright/bench/csv_table.h"

namespace netwright {
namespace {

// The names of the choices, from those of the column: edges_01_02 → edge_01, edge_02.
std::vector<std::string> choices_of(const std::string& column) {
  std::vector<std::string> parts = split(column, '_');
  parts.erase(parts.begin());
  for (std::string& part : parts) part.insert(0, "edge_");
  return parts;
}

std::string edges_column(const CsvTable& table) {
  for (const std::string& column : table.columns()) {
    if (column.starts_with("edges_")) return column;
  }
  throw invalid({table.path(), 1, 1}, "there is no column edges_…",
                "name the edges in a column such as edges_01_02_12");
}

// Every edge chooses among the digits that the table has for it. The network itself is never trained.
SearchSpace space_of(const CsvTable& table) {
  const std::string column = edges_column(table);
  const std::vector<std::string> names = choices_of(column);
  const std::size_t index = table.column(column);
  std::vector<std::set<char>> digits(names.size());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string& cell = table.text(row, index);
    const bool numeric = std::all_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (cell.size() != names.size() || !numeric) {
      throw invalid(table.where(row), "'" + cell + "' in column '" + column + "' is not one digit an edge",
                    "write " + std::to_string(names.size()) + " digits");
    }
    for (std::size_t i = 0; i < names.size(); ++i) digits[i].insert(cell[i]);
  }
  std::string text = "name: learning-curves\ninput: [1]\nclasses: 2\nchoices:\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::vector<std::string> values;
    for (const char digit : digits[i]) values.emplace_back(1, digit);
    text += "  " + names[i] + ": [" + join(values, ", ") + "]\n";
  }
  text += "network:\n";  // something that has all choices
  for (const std::string& name : names) text += "  - {name: " + name + ", op: dense, features: 1 + $" + name + "}\n";
  text += "  - {name: head, op: classifier}\n";
  return SearchSpace::parse(parse_yaml(text, table.path()), Yaml(), std::nullopt, std::nullopt);
}

// v1, v2, … as far as they go.
std::vector<std::size_t> curve_columns(const CsvTable& table, const std::string& prefix) {
  std::vector<std::size_t> columns{table.column(prefix + "1")};
  for (int epoch = 2; table.has(prefix + std::to_string(epoch)); ++epoch) {
    columns.push_back(table.column(prefix + std::to_string(epoch)));
  }
  return columns;
}

SearchSpace checked_space(const CsvTable& table) {
  if (table.rows() == 0) throw invalid({table.path(), 1, 1}, "the table has no rows", "give one row a network");
  return space_of(table);
}

double percent(const CsvTable& table, std::size_t row, std::size_t column) {
  const double value = table.number(row, column);
  if (value >= 0 && value <= 100) return value;
  throw invalid(table.where(row), number_text(value) + " in column '" + table.columns()[column] + "' is no percentage",
                "give accuracies from 0 to 100");
}

}  // namespace

LearningCurveEvaluator::LearningCurveEvaluator(const std::string& path, const LearningCurveOptions& options)
    : LearningCurveEvaluator(CsvTable::load(path), options) {}

LearningCurveEvaluator::LearningCurveEvaluator(const CsvTable& table, const LearningCurveOptions& options)
    : path_(table.path()), space_(checked_space(table)) {
  const std::vector<std::size_t> curve = curve_columns(table, options.curve);
  epochs_ = curve.size();
  const std::size_t edges = table.column(edges_column(table));
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const auto [known, added] = row_of_.emplace(table.text(i, edges), i);
    if (!added) {
      throw invalid(table.where(i),
                    "the network has come before, in line " + std::to_string(table.where(known->second).line),
                    "keep one row a network");
    }
    for (const std::size_t column : curve) accuracies_.push_back(percent(table, i, column));
    if (!options.test.empty()) tests_.push_back(percent(table, i, table.column(options.test)));
    double seconds = options.epoch_seconds;
    if (!options.seconds.empty()) {
      seconds = table.number(i, table.column(options.seconds)) / static_cast<double>(epochs_);
    }
    if (seconds < 0) throw invalid(table.where(i), "negative seconds", "give the seconds of the whole training");
    epoch_seconds_.push_back(seconds);
  }
}

std::size_t LearningCurveEvaluator::row(const Configuration& configuration) const {
  std::string edges;
  for (const Choice& choice : space_.choices()) {
    const Value* value = configuration.find(choice.name);
    if (value != nullptr) edges += to_string(*value);
  }
  const auto found = row_of_.find(edges);
  if (found == row_of_.end()) {
    throw invalid({path_, 0, 0}, "the table has no row for " + configuration.canonical_text(),
                  "give the whole table of the space");
  }
  return found->second;
}

Measurement LearningCurveEvaluator::evaluate(const Configuration& configuration, double from, double to) const {
  const std::size_t network = row(configuration);
  const double epoch = std::clamp(std::floor(to), 1.0, static_cast<double>(epochs_));
  Measurement measurement;
  measurement.fidelity = to;
  measurement.seconds = (to - from) * epoch_seconds_[network];
  measurement.metrics.emplace("accuracy", accuracies_[network * epochs_ + static_cast<std::size_t>(epoch) - 1] / 100);
  return measurement;
}

double LearningCurveEvaluator::final_validation_accuracy(const Configuration& configuration) const {
  return accuracies_[(row(configuration) + 1) * epochs_ - 1];
}

double LearningCurveEvaluator::test_accuracy(const Configuration& configuration) const {
  const std::size_t network = row(configuration);
  return tests_.empty() ? final_validation_accuracy(configuration) : tests_[network];
}

}  // namespace netwright
