// A table of measurements as it comes from others: CSV, plain or gzipped, one header line.
#pragma once

#include <string>
#include <vector>

#include "netwright/base/error.h"

namespace netwright {

class CsvTable {
 public:
  // Throws an invalid Error with the file and line: unreadable, damaged, no header, a row of another length.
  // No quoting: a cell holds neither commas nor quotes.
  static CsvTable load(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& columns() const { return columns_; }
  std::size_t rows() const { return columns_.empty() ? 0 : cells_.size() / columns_.size(); }
  bool has(const std::string& column) const;
  // Throws an invalid Error that suggests the nearest column.
  std::size_t column(const std::string& name) const;
  const std::string& text(std::size_t row, std::size_t column) const { return cells_[row * columns_.size() + column]; }
  // Throws an invalid Error at the cell's line when it is no finite number.
  double number(std::size_t row, std::size_t column) const;
  Location where(std::size_t row) const { return {path_, static_cast<int>(lines_[row]), 1}; }

 private:
  std::string path_;
  std::vector<std::string> columns_;
  std::vector<std::string> cells_;  // row by row
  std::vector<std::size_t> lines_;  // of each row, from 1
};

}  // namespace netwright
