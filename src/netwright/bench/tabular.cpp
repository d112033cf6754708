#include "netwright/bench/tabular.h"

#include <algorithm>

#include "netwright/base/text.h"
#include "netwright/bench/configuration_columns.h"

namespace netwright {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);  // no such column

}  // namespace

TabularEvaluator::TabularEvaluator(SearchSpace space, const std::string& path, const TabularOptions& options)
    : space_(std::move(space)), options_(options), path_(path) {
  const CsvTable table = CsvTable::load(path);
  const ConfigurationColumns configurations(space_, table, options_.architecture);
  const std::size_t accuracy = table.column(options_.accuracy);
  const std::size_t seconds = table.column(options_.seconds);
  const auto optional_column = [&](const std::string& name) { return name.empty() ? none : table.column(name); };
  const std::size_t validation = optional_column(options_.final_validation);
  const std::size_t test = optional_column(options_.test);
  rows_.reserve(table.rows());
  row_of_.reserve(table.rows());
  for (std::size_t i = 0; i < table.rows(); ++i) {
    Row row;
    row.accuracy = table.number(i, accuracy);
    row.seconds = table.number(i, seconds);
    if (validation != none) row.validation = table.number(i, validation);
    if (test != none) row.test = table.number(i, test);
    if (row.seconds < 0) throw invalid(table.where(i), "negative seconds", "give the seconds of a training epoch");
    const auto [known, added] = row_of_.emplace(configurations.read(i).canonical_text(), rows_.size());
    if (!added) {
      throw invalid(table.where(i),
                    "the architecture has come before, in line " + std::to_string(table.where(known->second).line),
                    "keep one row an architecture");
    }
    rows_.push_back(row);
  }
  if (rows_.empty()) throw invalid({path, 1, 1}, "the table has no rows", "give one row an architecture");
}

const TabularEvaluator::Row& TabularEvaluator::row(const Configuration& configuration) const {
  const auto found = row_of_.find(configuration.canonical_text());
  if (found == row_of_.end()) {
    throw invalid({path_, 0, 0}, "the table has no row for " + configuration.canonical_text(),
                  "give the whole table of the space '" + space_.name() + "'");
  }
  return rows_[found->second];
}

Measurement TabularEvaluator::evaluate(const Configuration& configuration, double from, double to) const {
  if (from != 0 || to != options_.epochs) {
    throw invalid({path_, 0, 0},
                  "the table knows what " + number_text(options_.epochs) + " epochs give, not " + number_text(to),
                  "use schedule: full");
  }
  const Row& found = row(configuration);
  Measurement measurement;
  measurement.fidelity = to;
  measurement.seconds =
      options_.epochs * found.seconds + options_.validation_factor * found.seconds + options_.validation_constant;
  measurement.metrics.emplace("accuracy", found.accuracy / 100);
  return measurement;
}

double TabularEvaluator::best_test_accuracy() const {
  return std::max_element(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.test < b.test; })->test;
}

}  // namespace netwright
