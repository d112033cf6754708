// Plots as inline SVG: axes with round ticks, lines, steps, marks, labels that do not overlap, a legend.
//
// Colours are CSS classes (plot_style() defines them, light and dark), so a plot follows the page's theme. The palette
// can be told apart by people with the common colour deficiencies, and roles differ in shape as well.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netwright/report/format.h"

namespace netwright {

enum class Role { searched, best, retrained, baseline, front, failed, faint };

enum class Mark { none, dot, ring, diamond, square, cross };

struct Point {
  double x = 0, y = 0;
  std::string title;  // tooltip
};

struct Series {
  std::string name;  // in the legend; empty: not listed
  Role role = Role::searched;
  Mark mark = Mark::dot;
  enum class Line { none, straight, steps } line = Line::none;
  bool bold = false;
  std::string title;  // tooltip of the line
  std::vector<Point> points;
};

struct Axis {
  std::string title;
  Quantity quantity = Quantity::number;
  bool log = false;                 // ignored when a value is not positive
  bool whole = false;               // ticks at whole numbers only
  std::optional<double> low, high;  // else from the data, with a margin
  bool robust = false;              // leave far outliers on the low side off: they are drawn as arrows at the edge
};

// A word beside a point; moved or left out where it would cover another.
struct Label {
  double x = 0, y = 0;
  std::string text;
};

struct Plot {
  std::string title;  // for readers of the picture's name; not drawn
  Axis x, y;
  std::vector<Series> series;
  std::vector<Label> labels;
  int width = 560, height = 340;
};

// An <svg> element; a plot without any finite point says "nothing measured yet".
std::string draw(const Plot& plot);

// Ticks at round values inside [low, high]: about `count` of them.
std::vector<double> linear_ticks(double low, double high, int count);
std::vector<double> log_ticks(double low, double high, int count);  // 1, 2, 5 times powers of ten, or powers alone

// Two groups of values side by side, every value a dot, the mean a bar with the interval of the group's mean.
struct StripGroup {
  std::string name;
  Role role = Role::retrained;
  std::vector<Point> points;  // x unused
  std::optional<std::pair<double, double>> interval;
};

struct Strip {
  std::string title;
  Axis axis;
  std::vector<StripGroup> groups;
  int width = 560;
};

std::string draw(const Strip& strip);

// A heat map of counts[row][column], rows scaled to shares; the diagonal and the rest in two colours.
struct HeatMap {
  std::string title, row_title, column_title;
  std::vector<std::string> names;
  std::vector<std::vector<std::int64_t>> counts;
};

std::string draw(const HeatMap& map);

// CSS for all of the above; once a page.
std::string plot_style();

}  // namespace netwright
