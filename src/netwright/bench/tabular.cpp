#include "netwright/bench/tabular.h"

#include <algorithm>

#include "netwright/base/text.h"
#include "netwright/bench/csv_table.h"
#include "netwright/space/nas_bench_201.h"

namespace netwright {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);  // no such column

// A cell read as the value of a choice: one of the domain's values whose text it is.
Value value_of(const Choice& choice, const std::string& cell, const Location& where) {
  Yaml node;
  node.kind = Yaml::Kind::scalar;
  node.text = cell;
  node.where = where;
  const auto value = converted(choice, value_from_yaml(node));
  if (value) return *value;
  const auto text = converted(choice, Value(cell));
  if (text) return *text;
  throw invalid(where, "'" + cell + "' is no value of choice '" + choice.name + "'", "use " + domain_text(choice));
}

Configuration from_canonical(const SearchSpace& space, const std::string& text, const Location& where) {
  Configuration configuration;
  for (std::string part : split(text, ';')) {
    part.erase(0, part.find_first_not_of(' '));
    const std::size_t equals = part.find('=');
    const Choice* choice = space.find(part.substr(0, equals));
    if (equals == std::string::npos || choice == nullptr) {
      throw invalid(where, "'" + part + "' sets no choice of the space '" + space.name() + "'",
                    "write choice=value; choice=value");
    }
    configuration.set(choice->name, value_of(*choice, part.substr(equals + 1), where));
  }
  return configuration;
}

// Reads the configuration of a row, whichever way the table writes it.
class RowReader {
 public:
  RowReader(const SearchSpace& space, const CsvTable& table, const TabularOptions& options)
      : space_(space), table_(table), has_architecture_(table.has(options.architecture)) {
    if (has_architecture_) {
      architecture_ = table.column(options.architecture);
    } else {
      for (const Choice& choice : space.choices()) columns_.push_back(table.column(choice.name));
    }
  }

  Configuration read(std::size_t row) const {
    Configuration configuration;
    try {
      if (has_architecture_) {
        const std::string& text = table_.text(row, architecture_);
        configuration =
            text.starts_with('|') ? nas_bench_201_configuration(text) : from_canonical(space_, text, table_.where(row));
      } else {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
          const Choice& choice = space_.choices()[i];
          if (!space_.is_active(choice, configuration)) continue;
          configuration.set(choice.name, value_of(choice, table_.text(row, columns_[i]), table_.where(row)));
        }
      }
      space_.validate(configuration);
    } catch (const Error& error) {
      if (error.where().line > 0) throw;
      throw invalid(table_.where(row), error.what(), "give the table of the space '" + space_.name() + "'");
    }
    return configuration;
  }

 private:
  const SearchSpace& space_;
  const CsvTable& table_;
  bool has_architecture_;
  std::size_t architecture_ = 0;
  std::vector<std::size_t> columns_;  // of each choice
};

}  // namespace

TabularEvaluator::TabularEvaluator(SearchSpace space, const std::string& path, const TabularOptions& options)
    : space_(std::move(space)), options_(options), path_(path) {
  const CsvTable table = CsvTable::load(path);
  const RowReader reader(space_, table, options_);
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
    const auto [known, added] = row_of_.emplace(reader.read(i).canonical_text(), rows_.size());
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
