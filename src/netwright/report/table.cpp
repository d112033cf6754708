#include "netwright/report/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

#include "netwright/base/text.h"
#include "netwright/report/format.h"

namespace netwright {
namespace {

constexpr int gap = 2;        // between columns
constexpr int narrowest = 8;  // to which a shrinking column may be cut

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

// The code point at the text's beginning; a byte that begins none stands for itself.
CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 1;
  if (length == 1 || length > text.size()) return {first, 1};
  char32_t value = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) return {first, 1};
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  return {value, length};
}

int width_of(char32_t c) {
  const auto within = [c](char32_t low, char32_t high) { return low <= c && c <= high; };
  if (within(0x300, 0x36F) || within(0x200B, 0x200F) || within(0xFE00, 0xFE0F)) return 0;
  if (within(0x1100, 0x115F) || within(0x2E80, 0xA4CF) || within(0xAC00, 0xD7A3) || within(0xF900, 0xFAFF) ||
      within(0xFF00, 0xFF60) || within(0x1F300, 0x1FAFF) || within(0x20000, 0x3FFFD)) {
    return 2;
  }
  return 1;
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

const char* sequence(Style style) {
  switch (style) {
    case Style::bold:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[31m";
    case Style::plain:
      break;
  }
  return "";
}

Style style_of(TrialState state) {
  switch (state) {
    case TrialState::failed:
      return Style::bad;
    case TrialState::pruned:
      return Style::dim;
    case TrialState::running:
      return Style::good;
    default:
      return Style::plain;
  }
}

// Shrinks the marked columns, the widest first, until the table fits.
void fit(std::vector<int>& widths, const std::vector<Column>& columns, int width) {
  int total = gap * (static_cast<int>(widths.size()) - 1);
  for (const int column : widths) total += column;
  while (total > width) {
    int widest = -1;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (!columns[i].shrink || widths[i] <= narrowest) continue;
      if (widest < 0 || widths[i] > widths[static_cast<std::size_t>(widest)]) widest = static_cast<int>(i);
    }
    if (widest < 0) return;
    --widths[static_cast<std::size_t>(widest)];
    --total;
  }
}

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    width += width_of(point.value);
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string shortened(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::string kept;
  int used = 0;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    used += width_of(point.value);
    if (used > width - 1) break;
    kept += text.substr(0, point.bytes);
    text.remove_prefix(point.bytes);
  }
  while (kept.ends_with(' ')) kept.pop_back();
  return width > 0 ? kept + "…" : "";
}

std::string styled(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::plain || text.empty()) return std::string(text);
  return sequence(style) + std::string(text) + "\x1b[0m";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> row) {
  if (row.size() > columns_.size()) throw std::logic_error("a table's row has more cells than the table has columns");
  while (row.size() < columns_.size()) row.emplace_back("");
  for (auto& cell : row) cell.text = one_line(std::move(cell.text));
  rows_.push_back(std::move(row));
}

std::string Table::text(int width, bool colour) const {
  std::vector<std::vector<Cell>> lines;
  lines.emplace_back();
  for (const auto& column : columns_) lines.back().emplace_back(column.heading, Style::bold);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<int> widths(columns_.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], display_width(line[i].text));
  }
  if (width > 0) fit(widths, columns_, width);

  std::string text;
  for (const auto& line : lines) {
    std::string written;
    int blanks = 0;  // owed before the next text, so that no line ends in them
    int used = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i > 0) blanks += gap;
      int room = widths[i];
      if (width > 0) room = std::min(room, width - used - blanks);
      if (room <= 0) break;
      const std::string shown = shortened(line[i].text, room);
      const int taken = display_width(shown);
      if (columns_[i].right) blanks += room - taken;
      if (taken > 0) {
        written += std::string(static_cast<std::size_t>(blanks), ' ') + styled(shown, line[i].style, colour);
        used += blanks + taken;
        blanks = 0;
      }
      if (!columns_[i].right) blanks += room - taken;
    }
    text += written + "\n";
  }
  return text;
}

Terminal terminal(int descriptor) {
  Terminal result;
  const bool is_terminal = isatty(descriptor) == 1;
  if (is_terminal) {
    winsize size{};
    result.width = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  }
  if (const char* columns = std::getenv("COLUMNS")) {
    const std::string_view text(columns);
    int width = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), width);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && width > 0) result.width = width;
  }
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  result.colour = is_terminal && !refused && term != nullptr && std::string_view(term) != "dumb";
  return result;
}

Table trial_table(const std::vector<const Trial*>& trials, const std::vector<Objective>& objectives,
                  const std::string& fidelity_unit) {
  std::vector<std::string> metrics;
  for (const auto& objective : objectives) metrics.push_back(objective.metric);
  for (const std::string extra : {"test_accuracy", "parameters", "macs"}) {
    const bool measured = std::any_of(trials.begin(), trials.end(),
                                      [&](const Trial* trial) { return last_metric(*trial, extra).has_value(); });
    if (measured && std::find(metrics.begin(), metrics.end(), extra) == metrics.end()) metrics.push_back(extra);
  }
  std::vector<Column> columns{{"id", true}, {"state"}};
  for (const auto& metric : metrics) columns.push_back({metric_title(metric), true});
  columns.insert(columns.end(), {{fidelity_unit, true}, {"time", true}, {"configuration", false, true}});
  Table table(std::move(columns));
  for (const Trial* trial : trials) {
    const std::string reason = trial->reason.empty() ? "" : " (" + trial->reason + ")";
    std::vector<Cell> row{std::to_string(trial->id),
                          Cell(std::string(to_string(trial->state)) + reason, style_of(trial->state))};
    for (const auto& metric : metrics) {
      const auto value = last_metric(*trial, metric);
      row.emplace_back(value ? format_metric(metric, *value) : "–");
    }
    row.emplace_back(format_value(trial->fidelity, Quantity::number));
    row.emplace_back(human_seconds(seconds_of(*trial)));
    row.emplace_back(configuration_text(trial->configuration), Style::dim);
    table.add(std::move(row));
  }
  return table;
}

}  // namespace netwright
