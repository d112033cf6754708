// Aligned text tables for terminals.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netwright/trial/objective.h"
#include "netwright/trial/trial.h"

namespace netwright {

enum class Style { plain, bold, dim, good, warning, bad };

struct Cell {
  Cell(std::string content, Style how = Style::plain) : text(std::move(content)), style(how) {}  // NOLINT: converts
  Cell(const char* content) : text(content) {}                                                   // NOLINT: converts
  std::string text;  // UTF-8, one line; control characters are shown as spaces
  Style style = Style::plain;
};

struct Column {
  std::string heading;
  bool right = false;   // numbers
  bool shrink = false;  // is cut, with an ellipsis, when the table is wider than the terminal
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  void add(std::vector<Cell> row);  // missing cells are empty; more cells than columns throw std::logic_error
  bool empty() const { return rows_.empty(); }

  // Lines ending in newlines, without trailing spaces. `width` in columns, 0: unlimited. With `colour` the headings and
  // styles are written as terminal sequences. Columns marked shrink give way first (down to 8 columns); then whatever
  // does not fit is cut at the right.
  std::string text(int width, bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

struct Terminal {
  int width = 0;  // 0: unlimited
  bool colour = false;
};

// Of a file descriptor (1: stdout). Width: COLUMNS where it is a positive number; else the terminal's; unlimited when
// it is none. Colour: a terminal, NO_COLOR absent or empty, TERM not dumb.
Terminal terminal(int descriptor = 1);

std::string styled(std::string_view text, Style style, bool colour);

// Columns a UTF-8 text takes, a code point one (combining marks none, East Asian wide ones two).
int display_width(std::string_view text);

// At most `width` columns, the last of them an ellipsis where something was cut.
std::string shortened(std::string_view text, int width);

// One row a trial: id, state, the objectives, parameters and MACs where measured, fidelity, seconds, configuration.
Table trial_table(const std::vector<const Trial*>& trials, const std::vector<Objective>& objectives,
                  const std::string& fidelity_unit = "epochs");

}  // namespace netwright
