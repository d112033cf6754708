#include <algorithm>
#include <cmath>

#include "netwright/report/axis.h"
#include "netwright/report/figures.h"
#include "netwright/report/svg.h"

namespace netwright {
namespace {

constexpr double fewest_bars = 5, most_bars = 40;
constexpr double row_height = 20;  // of a group
constexpr double left_margin = 44, right_margin = 14;

struct Bins {
  std::vector<double> borders;
  std::vector<int> counts;
  int below = 0, above = 0;  // beyond the axis
};

Bins binned(const std::vector<double>& values, const Scale& x) {
  Bins bins;
  std::vector<double> inside;
  for (const double value : values) {
    if (value < x.low()) {
      ++bins.below;
    } else if (value > x.high()) {
      ++bins.above;
    } else {
      inside.push_back(value);
    }
  }
  bins.borders = histogram_borders(inside);
  bins.counts.assign(bins.borders.empty() ? 0 : bins.borders.size() - 1, 0);
  for (const double value : inside) {
    const auto after = std::upper_bound(bins.borders.begin(), bins.borders.end(), value) - bins.borders.begin();
    const auto bin = std::clamp<std::ptrdiff_t>(after - 1, 0, static_cast<std::ptrdiff_t>(bins.counts.size()) - 1);
    ++bins.counts[static_cast<std::size_t>(bin)];
  }
  return bins;
}

void draw_groups(Svg& svg, const Histogram& histogram, const Scale& x, double& top) {
  for (const auto& group : histogram.groups) {
    if (group.values.empty()) continue;
    const double middle = top + row_height / 2;
    double least = histogram.width;
    for (const auto& [value, title] : group.values) {
      const double at = std::clamp(x(value), left_margin, histogram.width - right_margin);
      least = std::min(least, at);
      draw_mark(svg, group.mark, at, middle, group.role, title);
    }
    // Beside its marks, on the side that has room.
    const double room = text_width(group.name) + 12;
    if (least - room > 2) {
      svg.text(least - 12, middle + 4, group.name, "text", Anchor::end);
    } else {
      double most = 0;
      for (const auto& value : group.values) most = std::max(most, x(value.first));
      svg.text(most + 12, middle + 4, group.name, "text");
    }
    top += row_height;
  }
}

std::string span_text(double low, double high, const Axis& axis) {
  const int decimals = axis.quantity == Quantity::share ? 2 : 1;
  return format_value(low, axis.quantity, decimals) + " to " + format_value(high, axis.quantity, decimals);
}

}  // namespace

std::vector<double> histogram_borders(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double range = *high - *low;
  if (!(range > 0)) {
    const double half = std::max(1e-6, std::fabs(*low) * 1e-3);
    return {*low - half, *low + half};
  }
  const double spread = quantile(values, 0.75) - quantile(values, 0.25);
  const double advised = 2 * spread / std::cbrt(static_cast<double>(values.size()));
  // Round numbers are rounded up: half as many again makes it about the number advised.
  const double number = std::clamp(advised > 0 ? 1.5 * range / advised : fewest_bars, fewest_bars, most_bars);
  auto borders = linear_ticks(*low, *high, static_cast<int>(std::lround(number)));
  const double step = borders.size() > 1 ? borders[1] - borders[0] : range;
  if (borders.empty()) borders.push_back(*low);
  if (borders.front() > *low) borders.insert(borders.begin(), borders.front() - step);
  if (borders.back() <= *high) borders.push_back(borders.back() + step);
  return borders;
}

std::string draw(const Histogram& histogram) {
  std::vector<double> all = histogram.values;
  for (const auto& group : histogram.groups) {
    for (const auto& [value, title] : group.values) all.push_back(value);
  }
  Svg svg(histogram.width, histogram.height, histogram.title);
  if (histogram.values.empty()) {
    svg.text(histogram.width / 2.0, histogram.height / 2.0, "nothing measured yet", "muted", Anchor::middle);
    return svg.finish();
  }
  Scale x(histogram.axis, all, 6);
  x.place(left_margin, histogram.width - right_margin);
  const Bins bins = binned(histogram.values, x);
  double top = 4;
  draw_groups(svg, histogram, x, top);
  std::string heading = histogram.counted;
  if (bins.below > 0) heading += ", ◂ " + std::to_string(bins.below) + " further down";
  if (bins.above > 0) heading += ", " + std::to_string(bins.above) + " further up ▸";
  svg.text(2, top + 13, heading, "muted");
  top += 24;
  const double bottom = histogram.height - 44;
  const int highest = bins.counts.empty() ? 1 : *std::max_element(bins.counts.begin(), bins.counts.end());
  Axis counts{.whole = true, .low = 0.0, .high = std::max(1.0, highest * 1.05)};
  Scale y(counts, {}, 5);
  y.place(bottom, top);
  for (const auto& tick : y.ticks()) {
    svg.line(left_margin, y(tick.value), histogram.width - right_margin, y(tick.value), "grid");
    svg.text(left_margin - 7, y(tick.value) + 4, tick.text, "muted", Anchor::end);
  }
  for (std::size_t i = 0; i < bins.counts.size(); ++i) {
    if (bins.counts[i] == 0) continue;
    const double from = std::clamp(x(bins.borders[i]), left_margin, histogram.width - right_margin);
    const double to = std::clamp(x(bins.borders[i + 1]), left_margin, histogram.width - right_margin);
    const double height = y(0) - y(bins.counts[i]);
    svg.rect(from + 0.5, bottom - height, std::max(1.5, to - from - 1), height, "bar searched",
             span_text(bins.borders[i], bins.borders[i + 1], histogram.axis) + ": " + std::to_string(bins.counts[i]) +
                 " " + histogram.counted);
  }
  svg.line(left_margin, bottom, histogram.width - right_margin, bottom, "axis");
  for (const auto& tick : x.ticks()) {
    const double half = text_width(tick.text) / 2;
    svg.line(x(tick.value), bottom, x(tick.value), bottom + 4, "axis");
    svg.text(std::min(x(tick.value), histogram.width - half - 1), bottom + 18, tick.text, "muted", Anchor::middle);
  }
  svg.text(histogram.width - right_margin, histogram.height - 6, x.title(), "muted", Anchor::end);
  return svg.finish();
}

}  // namespace netwright
