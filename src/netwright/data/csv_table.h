// Comma-separated values as RFC 4180 has them: a header line, fields in quotes where they hold commas, quotes (doubled)
// or line ends. The separator is the first of , ; and tab that the header line holds. LF or CRLF; a byte-order mark and
// empty lines are passed over.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// The fields are views into `content`, without their quotes and the blanks around unquoted ones.
struct CsvDocument {
  std::string path;
  std::vector<std::string> header;      // unique, none empty
  std::vector<std::string_view> cells;  // row after row, header.size() each
  std::vector<int> lines;               // of each row, counted from 1
  std::unique_ptr<std::string> content;

  std::size_t columns() const { return header.size(); }
  std::size_t rows() const { return lines.size(); }
  std::string_view cell(std::size_t row, std::size_t column) const { return cells[row * columns() + column]; }
};

// Throws an invalid Error with the line on: no header or no rows, a name twice or empty, a row with more or fewer
// fields than the header, a quote that is not closed or is followed by text, more than 2^31 rows.
CsvDocument read_csv(const std::string& path);

}  // namespace netwright
