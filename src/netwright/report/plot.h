// Plots as inline SVG: axes with round ticks, lines, steps, marks, labels that do not overlap, a legend.
//
// Colours are CSS classes (plot_style() defines them, light and dark), so a plot follows the page's theme. The palette
// can be told apart by people with the common colour deficiencies, and roles differ in shape as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netwright/report/format.h"

namespace netwright {

enum class Role { searched, best, retrained, baseline, front, failed, faint };

// Its CSS class.
std::string role_name(Role role);

enum class Mark { none, dot, ring, diamond, square, cross };

class Svg;
// Nothing for Mark::none. `title`: tooltip; empty: none.
void draw_mark(Svg& svg, Mark mark, double x, double y, Role role, const std::string& title);

struct Point {
  double x = 0;
  double y = 0;       // NaN: the mark stands on the lower edge (a trial that measured nothing)
  std::string title;  // tooltip
};

enum class Line { none, straight, steps };

struct Series {
  std::string name = {};  // in the legend; empty: not listed
  Role role = Role::searched;
  Mark mark = Mark::dot;
  Line line = Line::none;
  std::string title = {};  // tooltip of the line
  std::vector<Point> points = {};
};

// What to do with values far outside the rest (beyond three interquartile ranges of the quartiles).
enum class Outliers { show, edge_low, edge_high };

struct Axis {
  std::string title = {};
  Quantity quantity = Quantity::number;
  bool log = false;                           // ignored when a value is not positive
  bool whole = false;                         // ticks at whole numbers only
  std::optional<double> low = {}, high = {};  // else from the data, with a margin
  // edge_low: values far below the rest do not stretch the axis; they are drawn as arrows on its edge. edge_high
  // likewise.
  Outliers outliers = Outliers::show;
  std::vector<double> ticks = {};  // where they shall be; empty: at round values
};

// A word beside a point; moved or left out where it would cover another.
struct Label {
  double x = 0, y = 0;
  std::string text;
};

// Something that happened at an x: a line from top to bottom, with a word beside it.
struct Event {
  double x = 0;
  std::string text;
  std::string title = {};  // tooltip
};

struct Plot {
  std::string title;  // the picture's name for screen readers; not drawn
  Axis x, y;
  std::vector<Series> series;  // later ones are drawn over earlier ones
  std::vector<Label> labels;
  std::vector<Event> events = {};
  int width = 560, height = 330;
};

// An <svg> element; a plot without any finite point says "nothing measured yet".
std::string draw(const Plot& plot);

// An estimation plot (Gardner & Altman 1986): each group a row with every value a dot and the mean a bar; below them
// the difference of means with its interval, drawn from the second group's mean.
struct StripGroup {
  std::string name;
  Role role = Role::retrained;
  std::vector<std::pair<double, std::string>> values;  // with tooltips
};

struct Strip {
  std::string title;
  Axis axis;
  StripGroup first, second;
  std::optional<std::pair<double, double>> interval;  // of mean(first) - mean(second)
  std::string difference;                             // told in words beside the interval
  int width = 560;
};

std::string draw(const Strip& strip);

// A heat map of counts[row][column], rows scaled to shares; the diagonal and the rest in two colours. Numbers are
// written into the cells while there is room.
struct HeatMap {
  std::string title, row_title, column_title;
  std::vector<std::string> names;
  std::vector<std::vector<std::int64_t>> counts;
};

std::string draw(const HeatMap& map);

// CSS for all of the above; once a page.
std::string plot_style();

}  // namespace netwright
