#include <algorithm>

#include "netwright/report/axis.h"
#include "netwright/report/figures.h"
#include "netwright/report/svg.h"

namespace netwright {
namespace {

constexpr double tallest_lane = 22, lowest_lane = 4;
constexpr double all_lanes = 420;  // pixels they should not exceed together
constexpr double named_lane = 11;  // too low a lane has no room for its name

constexpr double row_height = 20;  // of the legend

double word_width(const std::string& words) {
  return 20 + text_width(words) + 14;
}

int legend_rows(const Timeline& timeline) {
  int rows = 1;
  double x = 2;
  for (const auto& [role, words] : timeline.legend) {
    if (x > 2 && x + word_width(words) > timeline.width) {
      ++rows;
      x = 2;
    }
    x += word_width(words);
  }
  return rows;
}

}  // namespace

std::string draw(const Timeline& timeline) {
  const auto lanes = static_cast<double>(std::max<std::size_t>(1, timeline.lanes.size()));
  const double lane = std::clamp(all_lanes / lanes, lowest_lane, tallest_lane);
  const double top = 8 + row_height * legend_rows(timeline), bottom = top + lane * lanes + 4;
  Svg svg(timeline.width, bottom + 44, timeline.title);
  double x_of_word = 2, y_of_word = 5, left = 40;
  for (const auto& [role, words] : timeline.legend) {
    if (x_of_word > 2 && x_of_word + word_width(words) > timeline.width) {
      x_of_word = 2;
      y_of_word += row_height;
    }
    svg.rect(x_of_word, y_of_word, 14, 10, "bar " + role_name(role));
    svg.text(x_of_word + 20, y_of_word + 9, words, "text");
    x_of_word += word_width(words);
  }
  for (const auto& name : timeline.lanes) left = std::max(left, text_width(name) + 12);
  std::vector<double> ends;
  for (const auto& span : timeline.spans) ends.push_back(span.to);
  Scale x({.title = "time of the study", .quantity = Quantity::seconds, .low = 0.0}, ends, timeline.width / 110);
  x.place(left, timeline.width - 14);
  for (const auto& tick : x.ticks()) {
    svg.line(x(tick.value), top, x(tick.value), bottom, "grid");
    svg.text(x(tick.value), bottom + 16, tick.text, "muted", Anchor::middle);
  }
  const std::size_t stride = lane >= named_lane ? 1 : static_cast<std::size_t>(named_lane / lane) + 1;
  for (std::size_t i = 0; i < timeline.lanes.size(); i += stride) {
    svg.text(left - 8, top + lane * (static_cast<double>(i) + 0.5) + 4, timeline.lanes[i], "muted", Anchor::end);
  }
  const double gap = lane > 8 ? 3 : 1;
  for (const auto& span : timeline.spans) {
    const double from = x(span.from), to = x(span.to);
    // A hair's gap between neighbours, while there is room for one.
    const double width = std::max(0.8, to - from - (to - from > 3 ? 0.8 : 0));
    svg.rect(from, top + lane * static_cast<double>(span.lane) + gap / 2, width, lane - gap,
             "bar " + role_name(span.role), span.title);
  }
  svg.line(left, bottom, timeline.width - 14, bottom, "axis");
  svg.text(timeline.width - 14, bottom + 36, x.title(), "muted", Anchor::end);
  return svg.finish();
}

}  // namespace netwright
