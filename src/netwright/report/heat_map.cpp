#include <algorithm>
#include <cmath>
#include <numeric>

#include "netwright/report/plot.h"
#include "netwright/report/svg.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

constexpr double picture = 400;          // side of the cells together, where their number allows
constexpr double room_for_numbers = 27;  // a cell must be so wide to hold a count
constexpr int longest_name = 16;         // characters

std::string name_of(const HeatMap& map, std::size_t index) {
  const std::string name = index < map.names.size() ? map.names[index] : std::to_string(index);
  return shortened(name, longest_name);
}

void draw_cell(Svg& svg, const HeatMap& map, std::size_t row, std::size_t column, double x, double y, double side) {
  const auto& counts = map.counts[row];
  const std::int64_t count = counts[column];
  const auto total =
      static_cast<double>(std::max<std::int64_t>(1, std::accumulate(counts.begin(), counts.end(), std::int64_t{0})));
  const double share = static_cast<double>(count) / total;
  const bool hit = row == column;
  // Mistakes are rare: the square root lets them be seen.
  const double opacity = hit ? share : std::min(1.0, 1.6 * std::sqrt(share));
  const std::string title = name_of(map, row) + (hit ? " recognised: " : " taken for " + name_of(map, column) + ": ") +
                            std::to_string(count) + " (" + format_value(share, Quantity::share) + ")";
  const double gap = side > 12 ? 1 : 0;
  svg.rect(x, y, side - gap, side - gap, "cell", count > 0 ? "" : title);
  if (count <= 0) return;
  svg.rect(x, y, side - gap, side - gap, hit ? "hit" : "miss", title, std::max(0.05, opacity));
  if (side >= room_for_numbers) {
    svg.text(x + side / 2, y + side / 2 + 4, std::to_string(count), opacity > 0.6 && hit ? "count-on" : "count",
             Anchor::middle);
  }
}

}  // namespace

std::string draw(const HeatMap& map) {
  const std::size_t classes = map.counts.size();
  const double side = std::clamp(picture / static_cast<double>(std::max<std::size_t>(1, classes)), 4.0, 40.0);
  const bool named = side >= 11;
  double widest = 0;
  for (std::size_t i = 0; named && i < classes; ++i) widest = std::max(widest, text_width(name_of(map, i)));
  const double left = named ? widest + 12 : 24;
  const double top = named ? widest * 0.72 + 34 : 26;
  const double extent = side * static_cast<double>(classes);
  // Slanted names of the last columns reach beyond the cells.
  Svg svg(left + extent + (named ? widest * 0.72 + 8 : 8), top + extent + 8, map.title);
  svg.text(left, 13, map.column_title + " →", "muted");
  svg.text(0, named ? top - 8 : 13, map.row_title + " ↓", "muted");
  for (std::size_t row = 0; row < classes; ++row) {
    const double y = top + side * static_cast<double>(row);
    const double x_of_name = left + side * (static_cast<double>(row) + 0.5);
    if (named) {
      svg.text(left - 7, y + side / 2 + 4, name_of(map, row), "text", Anchor::end);
      svg.text(x_of_name, top - 6, name_of(map, row), "text", Anchor::start, -45);
    }
    for (std::size_t column = 0; column < map.counts[row].size(); ++column) {
      draw_cell(svg, map, row, column, left + side * static_cast<double>(column), y, side);
    }
  }
  return svg.finish();
}

}  // namespace netwright
