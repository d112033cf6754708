// Networks that others trained to the end, with their validation accuracy after every epoch: what a schedule would have
// seen of them is looked up.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "netwright/bench/csv_table.h"
#include "netwright/bench/evaluator.h"

namespace netwright {

struct LearningCurveOptions {
  std::string curve = "v";        // columns v1, v2, …, vE: validation accuracy after each epoch, in percent
  std::string test = "test_acc";  // of the whole training, in percent, never shown to the search; empty: none
  // Seconds of an epoch: the same for all, or this column's seconds of the whole training shared out evenly.
  double epoch_seconds = 1;
  std::string seconds;
};

// The table has a column such as edges_01_02_12 of one digit an edge, for each of which the space has a choice:
// edge_01, edge_02, edge_12.
class LearningCurveEvaluator : public Evaluator {
 public:
  // Throws an invalid Error with file and line for a damaged table or cell, a curve with a gap, no rows.
  explicit LearningCurveEvaluator(const std::string& path, const LearningCurveOptions& options = {});

  const SearchSpace& space() const override { return space_; }
  double full_fidelity() const override { return static_cast<double>(epochs_); }
  // accuracy as a share, after the whole epochs of `to`; before the first one has ended that of the first.
  Measurement evaluate(const Configuration& configuration, double from, double to) const override;

  std::size_t size() const { return epoch_seconds_.size(); }
  // After the last epoch, in percent; the search must not ask.
  double final_validation_accuracy(const Configuration& configuration) const;
  // The same where the table has no test accuracy.
  double test_accuracy(const Configuration& configuration) const;

 private:
  LearningCurveEvaluator(const CsvTable& table, const LearningCurveOptions& options);
  std::size_t row(const Configuration& configuration) const;

  std::string path_;
  std::size_t epochs_ = 0;
  std::vector<double> accuracies_;  // in percent, of each row after each epoch
  std::vector<double> tests_;       // of each row; empty: none
  std::vector<double> epoch_seconds_;
  std::unordered_map<std::string, std::size_t> row_of_;  // by the digits of its edges
  SearchSpace space_;
};

}  // namespace netwright
