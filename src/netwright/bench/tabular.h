// A table in which every architecture of a space has already been trained: what a search would have measured is looked
// up, and its clock simulated. Any CSV with an architecture column serves; the defaults are the replay protocol of
// NAS-Bench-201 (Dong & Yang, ICLR 2020).
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "netwright/bench/evaluator.h"

namespace netwright {

struct TabularOptions {
  // The column that names the architecture, as |op~0|+… of NAS-Bench-201 or as a configuration's canonical text
  // ("a=1; b=relu"). Where the table has no such column, each choice of the space needs a column of its name.
  std::string architecture = "arch";
  std::string accuracy = "valid_accuracy_e12";           // what the search sees, in percent
  std::string final_validation = "valid_accuracy_e200";  // reported of the chosen one, in percent; empty: none
  std::string test = "test_accuracy_e200";               // likewise, never shown to the search
  std::string seconds = "train_seconds_per_epoch";
  double epochs = 12;  // trained before `accuracy` is measured
  // Seconds of one validation as a linear function of those of a training epoch.
  double validation_factor = 0.2117;
  double validation_constant = 1.2406;
};

class TabularEvaluator : public Evaluator {
 public:
  // Throws an invalid Error with file and line for a damaged table, an architecture that is not in the space, or one
  // that comes twice.
  TabularEvaluator(SearchSpace space, const std::string& path, const TabularOptions& options = {});

  const SearchSpace& space() const override { return space_; }
  double full_fidelity() const override { return options_.epochs; }
  // accuracy as a share. The table knows one fidelity: `from` must be 0 and `to` full_fidelity().
  Measurement evaluate(const Configuration& configuration, double from, double to) const override;

  std::size_t size() const { return rows_.size(); }
  // Of the chosen architecture, in percent; the search must not ask.
  double final_validation_accuracy(const Configuration& configuration) const { return row(configuration).validation; }
  double test_accuracy(const Configuration& configuration) const { return row(configuration).test; }
  double best_test_accuracy() const;  // of the whole table

 private:
  struct Row {
    double accuracy = 0, validation = 0, test = 0, seconds = 0;
  };
  const Row& row(const Configuration& configuration) const;

  SearchSpace space_;
  TabularOptions options_;
  std::string path_;
  std::vector<Row> rows_;
  std::unordered_map<std::string, std::size_t> row_of_;  // by canonical text
};

}  // namespace netwright
