#include "netwright/bench/csv_table.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>

#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr std::size_t size_limit = std::size_t{1} << 31;

std::string inflated(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw invalid({path, 0, 0}, std::string("cannot be read: ") + std::strerror(errno), "give a CSV file");
  gzbuffer(file.get(), 1 << 18);
  std::string text;
  std::vector<char> buffer(1 << 18);
  while (true) {
    const int count = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    if (count < 0) {
      int code = 0;
      throw invalid({path, 0, 0}, std::string("is damaged: ") + gzerror(file.get(), &code), "fetch the file again");
    }
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > size_limit) throw invalid({path, 0, 0}, "is larger than 2 GiB", "give a smaller table");
  }
  // A stream cut short reads as far as it goes; only the closing tells.
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code != Z_OK) throw invalid({path, 0, 0}, "is damaged: it ends too early", "fetch the file again");
  return text;
}

}  // namespace

CsvTable CsvTable::load(const std::string& path) {
  CsvTable table;
  table.path_ = path;
  const std::string text = inflated(path);
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::size_t last = end;
    if (last > begin && text[last - 1] == '\r') --last;
    ++line;
    if (last > begin) {
      const std::size_t before = table.cells_.size();
      for (std::size_t at = begin;;) {
        const std::size_t comma = std::min(text.find(',', at), last);
        table.cells_.emplace_back(text, at, comma - at);
        if (comma == last) break;
        at = comma + 1;
      }
      if (table.columns_.empty()) {
        table.columns_ = std::move(table.cells_);
        table.cells_.clear();
      } else if (table.cells_.size() - before != table.columns_.size()) {
        throw invalid({path, static_cast<int>(line), 1},
                      std::to_string(table.cells_.size() - before) + " cells in a table of " +
                          std::to_string(table.columns_.size()) + " columns",
                      "give every row one cell a column");
      } else {
        table.lines_.push_back(line);
      }
    }
    begin = end + 1;
  }
  if (table.columns_.empty()) throw invalid({path, 1, 1}, "there is no header line", "name the columns in line 1");
  return table;
}

bool CsvTable::has(const std::string& column) const {
  return std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

std::size_t CsvTable::column(const std::string& name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) {
    throw invalid({path_, 1, 1}, "there is no column '" + name + "'", suggest(name, columns_));
  }
  return static_cast<std::size_t>(found - columns_.begin());
}

double CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string& cell = text(row, column);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value)) {
    throw invalid(where(row), "'" + cell + "' in column '" + columns_[column] + "' is no finite number",
                  "write a decimal number");
  }
  return value;
}

}  // namespace netwright
