#include "netwright/data/tabular.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <unordered_map>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/data/checks.h"

namespace netwright {
namespace {

constexpr std::size_t most_texts = 1000;
constexpr double cut_off = 1e6;  // deviations

bool is_missing(std::string_view text) {
  if (text.empty() || text == "?") return true;
  if (text.size() > 4) return false;
  std::string lower(text);
  for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return lower == "na" || lower == "n/a" || lower == "nan" || lower == "null" || lower == "none";
}

std::optional<double> as_number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ptr != text.data() + text.size() || result.ec == std::errc::invalid_argument) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);  // 0 or inf
  return value;
}

Error at_line(const CsvDocument& table, std::size_t row, const std::string& problem, const std::string& remedy) {
  return invalid({table.path, table.lines[row], 0}, problem, remedy);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 60;
  std::size_t end = std::min(most, text.size());
  if (end < text.size()) {
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a UTF-8 character
  }
  std::string quoted = "'";
  quoted += text.substr(0, end);
  quoted += end < text.size() ? "…'" : "'";
  return quoted;
}

double finite_number(const CsvDocument& table, std::size_t row, std::size_t column) {
  const std::string_view text = table.cell(row, column);
  const std::optional<double> value = as_number(text);
  if (value && std::isfinite(*value)) return *value;
  const std::string where = "in the numeric column " + in_quotes(table.header[column]);
  if (value) {
    throw at_line(table, row, "no finite number " + where, "leave the field empty where the value is unknown");
  }
  throw at_line(table, row, in_quotes(text) + " " + where + " is not a number",
                "correct it; an empty field stands for a missing value");
}

std::size_t target_column(const CsvDocument& table, const std::string& name) {
  if (table.columns() < 2) {
    throw invalid({table.path, 1, 0}, "one column only",
                  "a label and at least one feature are needed, separated by a comma, a semicolon or a tab");
  }
  if (name.empty()) return table.columns() - 1;
  const auto at = std::find(table.header.begin(), table.header.end(), name);
  if (at == table.header.end()) {
    throw invalid({table.path, 1, 0}, "no column is called " + in_quotes(name) + ", the target",
                  suggest(name, table.header));
  }
  return static_cast<std::size_t>(at - table.header.begin());
}

}  // namespace

Target read_target(const CsvDocument& table, const std::string& name) {
  Target target;
  target.column = target_column(table, name);
  const std::string column = in_quotes(table.header[target.column]);
  std::map<std::string, std::size_t, std::less<>> seen;  // to the first row
  bool integers = true;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view text = table.cell(row, target.column);
    if (is_missing(text)) throw at_line(table, row, "no label in column " + column, "add it, or remove the row");
    if (seen.find(text) != seen.end()) continue;
    const std::optional<double> value = as_number(text);
    integers = integers && value && *value == std::floor(*value);
    if (value && *value != std::floor(*value)) {
      throw at_line(table, row, "the label " + in_quotes(text) + " in column " + column + " is a fraction",
                    "only classification is supported: name a column of classes as data.target");
    }
    if (seen.size() == most_texts) {
      throw at_line(table, row,
                    "column " + column + " has more than " + std::to_string(most_texts) + " different labels",
                    "only classification is supported: name a column of classes as data.target");
    }
    if (!is_utf8(std::string(text))) {
      throw at_line(table, row, "a label that is not valid UTF-8", "save the file in UTF-8");
    }
    seen.emplace(text, row);
  }
  if (seen.size() < 2) {
    throw invalid({table.path, 0, 0}, "every label in column " + column + " is " + in_quotes(seen.begin()->first),
                  "name a column of two classes or more as data.target");
  }
  for (const auto& entry : seen) target.class_names.push_back(entry.first);
  if (integers) {
    std::stable_sort(target.class_names.begin(), target.class_names.end(),
                     [](const std::string& a, const std::string& b) { return *as_number(a) < *as_number(b); });
  }
  target.labels = read_labels(table, target);
  return target;
}

std::vector<std::int32_t> read_labels(const CsvDocument& table, const Target& target) {
  std::unordered_map<std::string_view, std::int32_t> numbers;
  for (std::size_t i = 0; i < target.class_names.size(); ++i) {
    numbers.emplace(target.class_names[i], static_cast<std::int32_t>(i));
  }
  std::vector<std::int32_t> labels;
  labels.reserve(table.rows());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view text = table.cell(row, target.column);
    const auto at = numbers.find(text);
    if (at == numbers.end()) {
      throw at_line(table, row, "the label " + in_quotes(text) + " is no class of the training data",
                    suggest(text.substr(0, 100), target.class_names));
    }
    labels.push_back(at->second);
  }
  return labels;
}

Encoder::Encoder(const CsvDocument& table, std::size_t target, const std::vector<std::int32_t>& training_rows)
    : header_(table.header), columns_(table.columns()) {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    column.skipped = c == target;
    if (column.skipped) continue;
    column.numeric = true;
    for (std::size_t row = 0; row < table.rows() && column.numeric; ++row) {
      const std::string_view text = table.cell(row, c);
      column.numeric = is_missing(text) || as_number(text).has_value();
    }
    if (column.numeric) {
      fit_numeric(table, c, training_rows);
    } else {
      fit_categorical(table, c, training_rows);
    }
    features_ += column.numeric ? 1 : static_cast<std::int64_t>(column.texts.size());
  }
  if (features_ == 0) {
    throw invalid({table.path, 0, 0}, "no column holds anything to learn from", "add features to the file");
  }
  if (table.rows() * static_cast<std::uint64_t>(features_) * sizeof(float) > machine_memory()) {
    throw invalid(
        {table.path, 0, 0},
        std::to_string(table.rows()) + " rows of " + std::to_string(features_) + " features are larger than the memory",
        "they must fit into memory: remove categorical columns of many values, or rows");
  }
}

void Encoder::fit_numeric(const CsvDocument& table, std::size_t c, const std::vector<std::int32_t>& rows) {
  std::vector<double> values;
  for (std::size_t row = 0; row < table.rows(); ++row) {  // every value is checked, whichever rows are used
    if (!is_missing(table.cell(row, c))) finite_number(table, row, c);
  }
  for (const std::int32_t row : rows) {
    const std::string_view text = table.cell(static_cast<std::size_t>(row), c);
    if (!is_missing(text)) values.push_back(*as_number(text));
  }
  if (values.empty()) return;
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - sum) * (value - sum) / count;
  if (!std::isfinite(squares)) {
    throw invalid({table.path, 0, 0},
                  "the numbers in column " + in_quotes(header_[c]) + " are too large to standardise",
                  "give them in another unit");
  }
  columns_[c].mean = sum;
  // A constant column's deviation is rounding alone.
  columns_[c].deviation = std::sqrt(squares) > 1e-12 * std::fabs(sum) ? std::sqrt(squares) : 1;
}

void Encoder::fit_categorical(const CsvDocument& table, std::size_t c, const std::vector<std::int32_t>& rows) {
  std::map<std::string_view, std::int64_t> counts;
  std::int64_t present = 0;
  for (const std::int32_t row : rows) {
    const std::string_view text = table.cell(static_cast<std::size_t>(row), c);
    if (is_missing(text)) continue;
    ++present;
    ++counts[text];
  }
  if (counts.size() > most_texts) {
    std::size_t row = 0;
    while (is_missing(table.cell(row, c)) || as_number(table.cell(row, c))) ++row;  // there is one: it is not numeric
    throw at_line(table, row,
                  "column " + in_quotes(header_[c]) + " is text (" + in_quotes(table.cell(row, c)) + " here) with " +
                      std::to_string(counts.size()) + " different values",
                  "at most " + std::to_string(most_texts) +
                      " are supported: remove the column, or correct this value if the column should be numeric");
  }
  for (const auto& [text, count] : counts) {
    columns_[c].texts.emplace_back(text);
    columns_[c].shares.push_back(static_cast<float>(static_cast<double>(count) / static_cast<double>(present)));
  }
}

void Encoder::check_header(const CsvDocument& table) const {
  if (table.header == header_) return;
  throw invalid({table.path, 1, 0}, "its columns are not those of the training file",
                "both files need the same header: " + join(header_, ", "));
}

std::vector<float> Encoder::encode(const CsvDocument& table, const std::vector<std::int32_t>& rows) const {
  std::vector<float> features;
  features.reserve(rows.size() * static_cast<std::size_t>(features_));
  for (const std::int32_t index : rows) {
    const auto row = static_cast<std::size_t>(index);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const Column& column = columns_[c];
      if (column.skipped) continue;
      const std::string_view text = table.cell(row, c);
      if (column.numeric) {
        const double value = is_missing(text) ? column.mean : finite_number(table, row, c);
        features.push_back(static_cast<float>(std::clamp((value - column.mean) / column.deviation, -cut_off, cut_off)));
        continue;
      }
      const auto at = std::lower_bound(column.texts.begin(), column.texts.end(), text);
      if (at == column.texts.end() || *at != text) {
        features.insert(features.end(), column.shares.begin(), column.shares.end());
        continue;
      }
      const std::size_t before = features.size();
      features.resize(before + column.texts.size(), 0.0F);
      features[before + static_cast<std::size_t>(at - column.texts.begin())] = 1;
    }
  }
  return features;
}

}  // namespace netwright
