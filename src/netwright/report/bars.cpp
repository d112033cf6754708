#include <algorithm>

#include "netwright/report/axis.h"
#include "netwright/report/figures.h"
#include "netwright/report/svg.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

constexpr double row_height = 24;
constexpr int longest_name = 34;

}  // namespace

std::string draw(const Bars& bars) {
  const double bottom = row_height * static_cast<double>(bars.bars.size()) + 6;
  Svg svg(bars.width, bottom + 44, bars.title);
  std::vector<double> ends{0};
  double left = 40;
  for (const auto& bar : bars.bars) {
    ends.push_back(std::max(bar.value, bar.interval.high));
    left = std::max(left, text_width(shortened(bar.name, longest_name)) + 10);
  }
  Axis axis = bars.axis;
  axis.low = 0;
  Scale x(axis, ends, 4);
  left = std::min(left, bars.width * 0.5);
  const double right = bars.width - 60;
  x.place(left, right);
  for (const auto& tick : x.ticks()) {
    svg.line(x(tick.value), 2, x(tick.value), bottom, "grid");
    svg.text(x(tick.value), bottom + 16, tick.text, "muted", Anchor::middle);
  }
  for (std::size_t i = 0; i < bars.bars.size(); ++i) {
    const auto& bar = bars.bars[i];
    const double middle = 4 + row_height * (static_cast<double>(i) + 0.5);
    const std::string value = format_value(bar.value, axis.quantity);
    const std::string title = bar.name + ": " + value + " (" + format_value(bar.interval.low, axis.quantity) + " to " +
                              format_value(bar.interval.high, axis.quantity) + ")";
    svg.text(left - 8, middle + 4, shortened(bar.name, longest_name), "text", Anchor::end);
    svg.rect(left, middle - 7, std::max(1.0, x(bar.value) - left), 14, "bar " + role_name(bar.role), title);
    svg.line(x(bar.interval.low), middle, x(bar.interval.high), middle, "whisker");
    svg.text(std::max(x(bar.value), x(bar.interval.high)) + 8, middle + 4, value, "muted");
  }
  svg.line(left, 2, left, bottom, "axis");
  svg.text(right, bottom + 36, x.title(), "muted", Anchor::end);
  return svg.finish();
}

}  // namespace netwright
