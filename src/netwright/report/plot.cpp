#include "netwright/report/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "netwright/report/axis.h"
#include "netwright/report/svg.h"

namespace netwright {
namespace {

struct Box {
  double left, top, right, bottom;

  double overlap(const Box& other) const {
    const double width = std::min(right, other.right) - std::max(left, other.left);
    const double height = std::min(bottom, other.bottom) - std::max(top, other.top);
    return width > 0 && height > 0 ? width * height : 0;
  }
};

std::string place(double x, double y) {
  return svg_number(x) + " " + svg_number(y);
}

// Points away from the plot: the value lies beyond that edge.
void draw_arrow(Svg& svg, double x, double edge, bool downwards, Role role, const std::string& title) {
  const double base = downwards ? edge - 8 : edge + 8;
  svg.path("M" + place(x - 4.5, base) + "L" + place(x + 4.5, base) + "L" + place(x, edge) + "Z",
           "mark " + role_name(role), title);
}

class PlotDrawing {
 public:
  explicit PlotDrawing(const Plot& plot)
      : plot_(plot),
        svg_(plot.width, plot.height, plot.title),
        x_(plot.x, values(&Point::x), std::max(3, plot.width / 90)),
        y_(plot.y, values(&Point::y), 5) {}

  std::string draw() {
    if (values(&Point::y).empty()) {
      svg_.text(plot_.width / 2.0, plot_.height / 2.0, "nothing measured yet", "muted", Anchor::middle);
      return svg_.finish();
    }
    const double legend_bottom = draw_legend();
    area_.top = legend_bottom + (y_.title().empty() ? 10 : 26);
    area_.bottom = plot_.height - (x_.title().empty() ? 26 : 44);
    area_.left = 14;
    for (const auto& tick : y_.ticks()) area_.left = std::max(area_.left, 14 + text_width(tick.text));
    area_.right = plot_.width - 14;
    x_.place(area_.left, area_.right);
    y_.place(area_.bottom, area_.top);
    draw_axes(legend_bottom);
    draw_events();
    svg_.begin_window(area_.left, area_.top - 2, area_.right - area_.left, area_.bottom - area_.top + 4);
    for (const auto& series : plot_.series) draw_line(series);
    svg_.end_window();
    for (const auto& series : plot_.series) draw_marks(series);
    draw_event_words();
    draw_labels();
    return svg_.finish();
  }

 private:
  // Coordinates of the points that can be drawn.
  std::vector<double> values(double Point::*coordinate) const {
    std::vector<double> found;
    for (const auto& series : plot_.series) {
      for (const auto& point : series.points) {
        const bool drawn = coordinate == &Point::x ? std::isfinite(point.x) : std::isfinite(point.y);
        if (drawn) found.push_back(point.*coordinate);
      }
    }
    return found;
  }

  bool beyond(const Point& point) const {
    return std::isfinite(point.x) && std::isfinite(point.y) && (point.y < y_.low() || point.y > y_.high());
  }

  bool has_outliers() const {
    return std::any_of(plot_.series.begin(), plot_.series.end(), [this](const Series& series) {
      return series.mark != Mark::none &&
             std::any_of(series.points.begin(), series.points.end(), [this](const Point& p) { return beyond(p); });
    });
  }

  // Returns where it ends.
  double draw_legend() {
    double x = 2, y = 14;
    bool any = false;
    for (const auto& series : plot_.series) {
      if (series.name.empty() || series.points.empty()) continue;
      const double width = 24 + text_width(series.name) + 14;
      if (any && x + width > plot_.width) {
        x = 2;
        y += 20;
      }
      if (series.line != Line::none) svg_.line(x, y - 4, x + 18, y - 4, "line " + role_name(series.role));
      draw_mark(svg_, series.mark, x + 9, y - 4, series.role, "");
      svg_.text(x + 24, y, series.name, "text");
      x += width;
      any = true;
    }
    if (has_outliers()) {
      const std::string words = "beyond the axis";
      if (any && x + 24 + text_width(words) > plot_.width) {
        x = 2;
        y += 20;
      }
      draw_arrow(svg_, x + 9, y, true, Role::searched, "");
      svg_.text(x + 24, y, words, "text");
      any = true;
    }
    return any ? y + 6 : 0;
  }

  void draw_axes(double legend_bottom) {
    for (const auto& tick : y_.ticks()) {
      svg_.line(area_.left, y_(tick.value), area_.right, y_(tick.value), "grid");
      svg_.text(area_.left - 7, y_(tick.value) + 4, tick.text, "muted", Anchor::end);
    }
    svg_.line(area_.left, area_.bottom, area_.right, area_.bottom, "axis");
    double free_from = 0;
    for (const auto& tick : x_.ticks()) {
      const double at = x_(tick.value), half = text_width(tick.text) / 2;
      svg_.line(at, area_.bottom, at, area_.bottom + 4, "axis");
      const double centre = std::min(at, plot_.width - half - 1);
      if (centre - half < free_from) continue;
      free_from = centre + half + 6;
      svg_.text(centre, area_.bottom + 18, tick.text, "muted", Anchor::middle);
    }
    if (!y_.title().empty()) svg_.text(2, legend_bottom + 13, y_.title(), "muted");
    if (!x_.title().empty()) svg_.text(area_.right, plot_.height - 6, x_.title(), "muted", Anchor::end);
  }

  bool is_shown(const Event& event) const {
    return std::isfinite(event.x) && event.x >= x_.low() && event.x <= x_.high();
  }

  void draw_events() {
    for (const auto& event : plot_.events) {
      if (!is_shown(event)) continue;
      const double x = x_(event.x);
      svg_.path("M" + place(x, area_.top) + "L" + place(x, area_.bottom), "event", event.title);
    }
  }

  // Over all lines, each a little lower than the one before.
  void draw_event_words() {
    double y = area_.top + 10;
    for (const auto& event : plot_.events) {
      if (!is_shown(event)) continue;
      const double x = x_(event.x);
      const bool left = x + 5 + text_width(event.text, 11) > area_.right;
      svg_.text(left ? x - 5 : x + 5, y, event.text, "event-text", left ? Anchor::end : Anchor::start);
      y += 13;
    }
  }

  void draw_line(const Series& series) {
    if (series.line == Line::none) return;
    std::string path;
    double last_y = 0;
    for (const auto& point : series.points) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
      const double x = x_(point.x), y = y_(point.y);
      if (path.empty()) {
        path = "M" + place(x, y);
      } else {
        if (series.line == Line::steps) path += "L" + place(x, last_y);
        path += "L" + place(x, y);
      }
      last_y = y;
    }
    if (!path.empty()) svg_.path(path, "line " + role_name(series.role), series.title);
  }

  void draw_marks(const Series& series) {
    if (series.mark == Mark::none) return;
    for (const auto& point : series.points) {
      if (!std::isfinite(point.x) || std::isinf(point.y)) continue;
      const double x = x_(point.x);
      const bool measured = !std::isnan(point.y);
      double y = measured ? y_(point.y) : area_.bottom - 6;
      if (beyond(point)) {
        y = point.y < y_.low() ? area_.bottom : area_.top;
        draw_arrow(svg_, x, y, point.y < y_.low(), series.role, point.title);
      } else {
        draw_mark(svg_, series.mark, x, y, series.role, point.title);
      }
      marks_.push_back({x - 4, y - 4, x + 4, y + 4});
    }
  }

  void draw_labels() {
    std::vector<Box> taken;
    for (const auto& label : plot_.labels) {
      if (!std::isfinite(label.x) || !std::isfinite(label.y)) continue;
      const double x = x_(label.x), y = y_(label.y), width = text_width(label.text, 11), half = width / 2;
      // The baseline's start, from the most to the least liked place.
      const std::array<std::pair<double, double>, 8> offsets{
          {{7, -5}, {-half, -8}, {-width - 7, -5}, {8, 4}, {-width - 8, 4}, {-half, 17}, {7, 14}, {-width - 7, 14}}};
      double least = 40;  // square pixels of other marks that may be covered
      std::optional<Box> chosen;
      for (const auto& [dx, dy] : offsets) {
        const Box box{x + dx, y + dy - 9, x + dx + width, y + dy + 2};
        if (box.left < area_.left || box.right > area_.right || box.top < area_.top || box.bottom > area_.bottom)
          continue;
        if (std::any_of(taken.begin(), taken.end(), [&](const Box& other) { return box.overlap(other) > 0; })) continue;
        double covered = 0;
        for (const Box& mark : marks_) covered += box.overlap(mark);
        if (covered < least) {
          least = covered;
          chosen = box;
        }
      }
      if (!chosen) continue;
      taken.push_back(*chosen);
      svg_.text(chosen->left, chosen->bottom - 2, label.text, "label");
    }
  }

  const Plot& plot_;
  Svg svg_;
  Scale x_, y_;
  Box area_{};
  std::vector<Box> marks_;
};

}  // namespace

std::string role_name(Role role) {
  switch (role) {
    case Role::searched:
      return "searched";
    case Role::best:
      return "best";
    case Role::retrained:
      return "retrained";
    case Role::baseline:
      return "baseline";
    case Role::front:
      return "front";
    case Role::failed:
      return "failed";
    case Role::faint:
      return "faint";
  }
  return "searched";
}

void draw_mark(Svg& svg, Mark mark, double x, double y, Role role, const std::string& title) {
  const std::string kind = "mark " + role_name(role);
  switch (mark) {
    case Mark::none:
      return;
    case Mark::dot:
      return svg.circle(x, y, 3.6, kind, title);
    case Mark::ring:
      return svg.circle(x, y, 5.5, "ring " + role_name(role), title);
    case Mark::square:
      return svg.rect(x - 3.9, y - 3.9, 7.8, 7.8, kind, title);
    case Mark::diamond:
      return svg.path(
          "M" + place(x, y - 5.4) + "L" + place(x + 5.4, y) + "L" + place(x, y + 5.4) + "L" + place(x - 5.4, y) + "Z",
          kind, title);
    case Mark::cross:
      return svg.path("M" + place(x - 3.5, y - 3.5) + "L" + place(x + 3.5, y + 3.5) + "M" + place(x - 3.5, y + 3.5) +
                          "L" + place(x + 3.5, y - 3.5),
                      "cross " + role_name(role), title);
  }
}

std::string draw(const Plot& plot) {
  return PlotDrawing(plot).draw();
}

std::string plot_style() {
  return R"(:root {
  --p-searched: #6d8196; --p-best: #1f5fbf; --p-retrained: #1f6fd6; --p-baseline: #d9730d; --p-front: #00896b;
  --p-failed: #b3261e; --p-faint: #b6bfca; --p-grid: #e6e9ee; --p-axis: #9aa5b1; --p-ink: #1c2530; --p-muted: #5a6672;
  --p-paper: #ffffff; --p-hit: #1f6fd6; --p-miss: #d9730d;
  --p-shade0: #e3e7ec; --p-shade1: #cfd8e2; --p-shade2: #b1c3d8; --p-shade3: #86a6ce;
  --p-op0: #e0a100; --p-op1: #9c5a12; --p-op2: #1f6fd6; --p-op3: #62bdea; --p-op4: #00896b; --p-op5: #8cc152;
  --p-op6: #7d55c7; --p-op7: #c79ae0; --p-skip: #d6264f; --p-none: #98a3b0;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --p-searched: #8b9db3; --p-best: #7fb3ff; --p-retrained: #64a4ff; --p-baseline: #ffa24d; --p-front: #3fd0a8;
    --p-failed: #ff8a80; --p-faint: #4b5768; --p-grid: #2a323d; --p-axis: #5d6979; --p-ink: #e8ecf1; --p-muted: #a3afbd;
    --p-paper: #171c23; --p-hit: #5aa0ff; --p-miss: #ff9d45;
    --p-shade0: #262d37; --p-shade1: #303b4a; --p-shade2: #3d4f67; --p-shade3: #4f6d93;
    --p-op0: #f2c14b; --p-op1: #c98a4b; --p-op2: #4f97f5; --p-op3: #9bdcff; --p-op4: #2fc39b; --p-op5: #b7e07e;
    --p-op6: #a98af0; --p-op7: #dcbcf2; --p-skip: #ff5c7f; --p-none: #6b7686;
  }
}
svg.plot { display: block; width: 100%; height: auto; font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.p-text { fill: var(--p-ink); } .p-muted { fill: var(--p-muted); }
.p-strong { fill: var(--p-ink); font-weight: 600; }
.p-label { fill: var(--p-ink); font-size: 11px; paint-order: stroke; stroke: var(--p-paper); stroke-width: 3px; }
.p-grid { stroke: var(--p-grid); } .p-axis { stroke: var(--p-axis); }
.p-mark { stroke: var(--p-paper); stroke-width: 1; }
.p-ring, .p-line, .p-cross { fill: none; stroke-linejoin: round; stroke-linecap: round; }
.p-ring, .p-cross { stroke-width: 1.8; } .p-line { stroke-width: 1.6; }
.p-mark:hover { stroke: var(--p-ink); }
.p-mark.p-searched { fill: var(--p-searched); } .p-mark.p-best { fill: var(--p-best); }
.p-mark.p-retrained { fill: var(--p-retrained); } .p-mark.p-baseline { fill: var(--p-baseline); }
.p-mark.p-front { fill: var(--p-front); } .p-mark.p-failed { fill: var(--p-failed); }
.p-mark.p-faint { fill: var(--p-faint); }
:is(.p-ring, .p-line, .p-cross).p-searched { stroke: var(--p-searched); }
:is(.p-ring, .p-line, .p-cross).p-best { stroke: var(--p-best); }
:is(.p-ring, .p-line, .p-cross).p-retrained { stroke: var(--p-retrained); }
:is(.p-ring, .p-line, .p-cross).p-baseline { stroke: var(--p-baseline); }
:is(.p-ring, .p-line, .p-cross).p-front { stroke: var(--p-front); }
:is(.p-ring, .p-line, .p-cross).p-failed { stroke: var(--p-failed); }
:is(.p-ring, .p-line, .p-cross).p-faint { stroke: var(--p-faint); }
.p-line.p-best { stroke-width: 2.4; } .p-line.p-faint { stroke-width: 1; }
.p-line.p-front { stroke-dasharray: 5 4; }
.p-reference { stroke: var(--p-baseline); stroke-dasharray: 4 4; }
.p-whisker { stroke: var(--p-ink); stroke-width: 2; stroke-linecap: round; }
.p-mean { stroke-width: 3; stroke-linecap: round; }
.p-mean.p-retrained { stroke: var(--p-retrained); } .p-mean.p-baseline { stroke: var(--p-baseline); }
.p-hit { fill: var(--p-hit); } .p-miss { fill: var(--p-miss); } .p-cell { fill: var(--p-grid); }
.p-bar.p-searched { fill: var(--p-searched); } .p-bar.p-best { fill: var(--p-best); }
.p-bar.p-retrained { fill: var(--p-retrained); } .p-bar.p-baseline { fill: var(--p-baseline); }
.p-bar.p-front { fill: var(--p-front); } .p-bar.p-failed { fill: var(--p-failed); }
.p-bar.p-faint { fill: var(--p-faint); } .p-bar:hover { stroke: var(--p-ink); }
.p-band { stroke: var(--p-axis); stroke-width: 3; }
.p-path { fill: none; stroke-linejoin: round; stroke-width: 1; } .p-path:hover { stroke: var(--p-ink); }
.p-path.p-shade0 { stroke: var(--p-shade0); } .p-path.p-shade1 { stroke: var(--p-shade1); }
.p-path.p-shade2 { stroke: var(--p-shade2); } .p-path.p-shade3 { stroke: var(--p-shade3); }
.p-path.p-top { stroke: var(--p-best); stroke-width: 2.2; }
.p-event { stroke: var(--p-failed); stroke-width: 1.4; stroke-dasharray: 5 3; fill: none; }
.p-event.p-thin { stroke-width: 1; opacity: 0.6; }
.p-event-text { fill: var(--p-failed); font-size: 11px; paint-order: stroke; stroke: var(--p-paper); stroke-width: 3px; }
.p-weight { fill: none; stroke-width: 1.4; stroke-linejoin: round; } .p-weight.p-leads { stroke-width: 2.6; }
.p-weight.p-out { opacity: 0.45; } .p-panel { fill: none; stroke: var(--p-grid); }
.p-small { font-size: 10.5px; } .p-small.p-strong { font-weight: 600; }
.p-weight.p-op0 { stroke: var(--p-op0); } .p-stretch.p-op0 { fill: var(--p-op0); }
.p-weight.p-op1 { stroke: var(--p-op1); } .p-stretch.p-op1 { fill: var(--p-op1); }
.p-weight.p-op2 { stroke: var(--p-op2); } .p-stretch.p-op2 { fill: var(--p-op2); }
.p-weight.p-op3 { stroke: var(--p-op3); } .p-stretch.p-op3 { fill: var(--p-op3); }
.p-weight.p-op4 { stroke: var(--p-op4); } .p-stretch.p-op4 { fill: var(--p-op4); }
.p-weight.p-op5 { stroke: var(--p-op5); } .p-stretch.p-op5 { fill: var(--p-op5); }
.p-weight.p-op6 { stroke: var(--p-op6); } .p-stretch.p-op6 { fill: var(--p-op6); }
.p-weight.p-op7 { stroke: var(--p-op7); } .p-stretch.p-op7 { fill: var(--p-op7); }
.p-weight.p-skip { stroke: var(--p-skip); } .p-stretch.p-skip { fill: var(--p-skip); }
.p-weight.p-none { stroke: var(--p-none); stroke-dasharray: 4 3; } .p-stretch.p-none { fill: var(--p-none); }
.p-stretch:hover { stroke: var(--p-ink); }
.p-count { fill: var(--p-ink); font-size: 11px; } .p-count-on { fill: #ffffff; font-size: 11px; }
)";
}

}  // namespace netwright
