// The estimation plot of two groups.
#include <algorithm>
#include <cmath>

#include "netwright/base/statistics.h"
#include "netwright/report/axis.h"
#include "netwright/report/plot.h"
#include "netwright/report/svg.h"

namespace netwright {
namespace {

constexpr double row_height = 58;

std::vector<double> values_of(const StripGroup& group) {
  std::vector<double> values;
  for (const auto& [value, title] : group.values) values.push_back(value);
  return values;
}

// Dots that would cover each other are moved up and down in turn.
std::vector<double> heights(const std::vector<double>& places) {
  std::vector<double> result(places.size(), 0.0);
  for (std::size_t i = 0; i < places.size(); ++i) {
    int neighbours = 0;
    for (std::size_t j = 0; j < i; ++j) neighbours += std::fabs(places[i] - places[j]) < 8 ? 1 : 0;
    const int step = (neighbours + 1) / 2;
    result[i] = std::clamp((neighbours % 2 == 0 ? 1 : -1) * step * 7.0, -18.0, 18.0);
  }
  return result;
}

void draw_group(Svg& svg, const StripGroup& group, const Scale& x, const Axis& axis, double middle) {
  const bool retrained = group.role == Role::retrained;
  const std::string role = retrained ? "retrained" : "baseline";
  const std::vector<double> values = values_of(group);
  const double centre = mean(values);
  svg.text(2, middle - 2, group.name, "strong");
  svg.text(2, middle + 14, "mean " + format_value(centre, axis.quantity, 2), "muted");
  svg.line(x(centre), middle - 20, x(centre), middle + 20, "mean " + role);
  std::vector<double> places;
  for (const double value : values) places.push_back(x(value));
  const std::vector<double> offsets = heights(places);
  for (std::size_t i = 0; i < places.size(); ++i) {
    svg.circle(places[i], middle + offsets[i], 4.6, "mark " + role, group.values[i].second);
  }
}

void draw_difference(Svg& svg, const Strip& strip, const Scale& x, double middle) {
  const double reference = mean(values_of(strip.second)), centre = mean(values_of(strip.first));
  svg.text(2, middle - 2, "Difference", "strong");
  svg.text(2, middle + 14, strip.difference, "muted");
  if (strip.interval) {
    const double low = x(reference + strip.interval->first), high = x(reference + strip.interval->second);
    svg.line(low, middle, high, middle, "whisker");
    for (const double end : {low, high}) svg.line(end, middle - 5, end, middle + 5, "whisker");
  }
  svg.path("M" + svg_number(x(centre)) + " " + svg_number(middle - 6) + "l6 6l-6 6l-6 -6Z", "mark front",
           strip.difference);
}

}  // namespace

std::string draw(const Strip& strip) {
  const std::vector<double> first = values_of(strip.first), second = values_of(strip.second);
  const double height = 3 * row_height + 52;
  Svg svg(strip.width, height, strip.title);
  if (first.empty() || second.empty()) {
    svg.text(strip.width / 2.0, height / 2, "nothing measured yet", "muted", Anchor::middle);
    return svg.finish();
  }
  std::vector<double> all(first);
  all.insert(all.end(), second.begin(), second.end());
  if (strip.interval) {
    all.push_back(mean(second) + strip.interval->first);
    all.push_back(mean(second) + strip.interval->second);
  }
  Scale x(strip.axis, all, 7);
  double left = text_width(strip.difference);
  for (const auto& group : {strip.first, strip.second}) left = std::max(left, text_width(group.name, 13));
  left = std::min(left + 16, strip.width * 0.45);
  const double right = strip.width - 16, bottom = 3 * row_height + 8;
  x.place(left, right);
  for (const auto& tick : x.ticks()) {
    svg.line(x(tick.value), 4, x(tick.value), bottom, "grid");
    svg.text(x(tick.value), bottom + 16, tick.text, "muted", Anchor::middle);
  }
  svg.line(left, bottom, right, bottom, "axis");
  svg.text(right, bottom + 34, x.title(), "muted", Anchor::end);
  svg.line(x(mean(second)), row_height * 1.5, x(mean(second)), bottom, "reference");
  svg.line(0, 2 * row_height + 2, right, 2 * row_height + 2, "grid");
  draw_group(svg, strip.first, x, strip.axis, row_height * 0.5 + 2);
  draw_group(svg, strip.second, x, strip.axis, row_height * 1.5 + 2);
  draw_difference(svg, strip, x, row_height * 2.5 + 4);
  return svg.finish();
}

}  // namespace netwright
