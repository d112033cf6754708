// Tabular data for classification: columns of a CSV table as standardised features, one column as the label.
//
// A column is numeric when every value of it in the main file is a number; any other is categorical. Missing values are
// empty fields, NA, N/A, NaN, null, none and ?, in any case.
// - numeric: (value - mean) / deviation of the training rows; a missing value is the mean, so 0. A constant column is
//   0. Beyond a million deviations values are cut off.
// - categorical: one feature (0 or 1) for each text among the training rows, in the order of their bytes. A missing
//   value, or a text that no training row has, is the mean: each feature's share among the training rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/data/csv_table.h"
#include "netwright/data/data_set.h"

namespace netwright {

struct Target {
  std::size_t column = 0;
  std::vector<std::string> class_names;  // by value when all are integers, else by their bytes
  std::vector<std::int32_t> labels;      // of each row
};

// The labels. `name` empty: the last column. Throws an invalid Error (with the line where there is one) on an unknown
// name, a missing label, a target that looks like a regression's (fractions, or more than 1000 classes), one class.
Target read_target(const CsvDocument& table, const std::string& name);
// The labels of another file with the same columns; an unknown class is an error with its line.
std::vector<std::int32_t> read_labels(const CsvDocument& table, const Target& target);

// What was learnt of the columns from the training rows. Throws on a number that is infinite, a categorical column of
// more than 1000 texts, a table without features.
class Encoder {
 public:
  Encoder(const CsvDocument& table, std::size_t target, const std::vector<std::int32_t>& training_rows);

  std::int64_t features() const { return features_; }
  // Throws an invalid Error unless the table has the columns that this was made from, in their order.
  void check_header(const CsvDocument& table) const;
  // Those rows as features, one row after another. Text in a numeric column is an error with its line. Precondition:
  // the header passes check_header.
  std::vector<float> encode(const CsvDocument& table, const std::vector<std::int32_t>& rows) const;

 private:
  struct Column {
    bool skipped = false;  // the target
    bool numeric = false;
    double mean = 0;
    double deviation = 1;
    std::vector<std::string> texts;  // categorical: sorted
    std::vector<float> shares;
  };

  void fit_numeric(const CsvDocument& table, std::size_t column, const std::vector<std::int32_t>& rows);
  void fit_categorical(const CsvDocument& table, std::size_t column, const std::vector<std::int32_t>& rows);

  std::vector<std::string> header_;
  std::vector<Column> columns_;
  std::int64_t features_ = 0;
};

}  // namespace netwright
