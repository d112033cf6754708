#include "netwright/data/csv_table.h"

#include <algorithm>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Reads records off the content. Quoted fields are unescaped in place, which only ever shortens them.
class Scanner {
 public:
  Scanner(const std::string& path, std::string& content) : path_(path), content_(content) {
    if (content_.compare(0, 3, "\xef\xbb\xbf") == 0) position_ = 3;
    const std::string_view first =
        std::string_view(content_).substr(position_, content_.find('\n', position_) - position_);
    for (const char candidate : {'\t', ';', ','}) {
      if (first.find(candidate) != std::string_view::npos) separator_ = candidate;
    }
  }

  // Appends the next record's fields and sets `line` to where it begins; false at the end of the file.
  bool next(std::vector<std::string_view>& fields, int& line) {
    skip_empty_lines();
    if (at_end()) return false;
    line = line_;
    while (true) {
      fields.push_back(!at_end() && content_[position_] == '"' ? quoted_field() : plain_field());
      if (at_end()) return true;
      const char after = content_[position_++];
      if (after == separator_) {
        if (at_end()) {  // the file ends behind a separator: an empty last field
          fields.emplace_back();
          return true;
        }
        continue;
      }
      ++line_;  // after is the line's end
      return true;
    }
  }

 private:
  bool at_end() const { return position_ >= content_.size(); }

  bool at_line_end() const {
    return content_[position_] == '\n' ||
           (content_[position_] == '\r' && position_ + 1 < content_.size() && content_[position_ + 1] == '\n');
  }

  void skip_empty_lines() {
    while (!at_end() && at_line_end()) {
      position_ += content_[position_] == '\r' ? 2 : 1;
      ++line_;
    }
  }

  std::string_view plain_field() {
    const std::size_t begin = position_;
    while (!at_end() && content_[position_] != separator_ && content_[position_] != '\n') ++position_;
    std::size_t end = position_;
    if (end > begin && content_[end - 1] == '\r') --end;
    return without_blanks(std::string_view(content_).substr(begin, end - begin));
  }

  std::string_view quoted_field() {
    const int opened = line_;
    const std::size_t begin = ++position_;
    std::size_t end = begin;
    while (true) {
      if (at_end()) {
        throw invalid({path_, opened, 0}, "a quote that is not closed", "add the closing \", and write \" as \"\"");
      }
      const char letter = content_[position_++];
      if (letter == '"') {
        if (at_end() || content_[position_] != '"') break;
        ++position_;
      }
      if (letter == '\n') ++line_;
      content_[end++] = letter;
    }
    if (!at_end() && content_[position_] == '\r' && at_line_end()) ++position_;
    if (!at_end() && content_[position_] != separator_ && content_[position_] != '\n') {
      throw invalid({path_, line_, 0}, "text after a closing quote", "quote the whole field, and write \" as \"\"");
    }
    return std::string_view(content_).substr(begin, end - begin);
  }

  const std::string& path_;
  std::string& content_;
  std::size_t position_ = 0;
  int line_ = 1;
  char separator_ = ',';
};

void check_header(const CsvDocument& table, int line) {
  for (std::size_t i = 0; i < table.columns(); ++i) {
    const std::string& name = table.header[i];
    if (name.empty()) {
      throw invalid({table.path, line, 0}, "column " + std::to_string(i + 1) + " has no name",
                    "name it in the header; an index column, as pandas writes it, is best left out");
    }
    if (std::find(table.header.begin(), table.header.begin() + static_cast<std::ptrdiff_t>(i), name) !=
        table.header.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw invalid({table.path, line, 0}, "two columns are called '" + name + "'", "rename or remove one of them");
    }
  }
}

}  // namespace

CsvDocument read_csv(const std::string& path) {
  CsvDocument table;
  table.path = path;
  table.content = std::make_unique<std::string>(read_file(path));
  Scanner scanner(path, *table.content);
  std::vector<std::string_view> fields;
  int line = 1;
  if (!scanner.next(fields, line)) {
    throw invalid({path, 0, 0}, "an empty file", "give a CSV file: a header line, then a line an example");
  }
  table.header.assign(fields.begin(), fields.end());
  check_header(table, line);
  while (true) {
    const std::size_t before = table.cells.size();
    if (!scanner.next(table.cells, line)) break;
    const std::size_t got = table.cells.size() - before;
    if (got != table.columns()) {
      throw invalid({path, line, 0},
                    "a row of " + std::to_string(got) + (got == 1 ? " field" : " fields") + ", and the header has " +
                        std::to_string(table.columns()),
                    "add or remove fields; a field that holds a comma must be in quotes");
    }
    table.lines.push_back(line);
    if (table.lines.size() >= std::numeric_limits<std::int32_t>::max()) {
      throw invalid({path, line, 0}, "more than 2^31 rows", "use fewer");
    }
  }
  if (table.lines.empty()) throw invalid({path, line, 0}, "a header and no rows", "add the examples, a line each");
  return table;
}

}  // namespace netwright
