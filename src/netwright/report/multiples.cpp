#include <algorithm>
#include <cmath>

#include "netwright/base/text.h"
#include "netwright/report/figures.h"
#include "netwright/report/format.h"
#include "netwright/report/svg.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

constexpr std::size_t fewest_columns = 3, most_columns = 6;
constexpr std::size_t most_points = 120;  // in a line; more are finer than its pixels
constexpr double panel_height = 86, name_height = 18, row_gap = 14, column_gap = 16, left = 34;

// Row and column of each panel.
class Grid {
 public:
  explicit Grid(const std::vector<Multiples::Panel>& panels) {
    std::vector<std::size_t> in_row;
    std::string last;
    for (const auto& panel : panels) {
      const std::string node = node_of(panel.name);
      if (in_row.empty() || node != last) in_row.push_back(0);
      last = node;
      places_.emplace_back(in_row.size() - 1, in_row.back()++);
    }
    const std::size_t widest = in_row.empty() ? 1 : *std::max_element(in_row.begin(), in_row.end());
    if (in_row.size() > 1 && widest > 1 && widest <= most_columns) {
      columns_ = std::max(widest, fewest_columns);
      rows_ = in_row.size();
      return;
    }
    columns_ = std::clamp(panels.size(), fewest_columns, most_columns - 1);
    rows_ = (panels.size() + columns_ - 1) / columns_;
    for (std::size_t i = 0; i < places_.size(); ++i) places_[i] = {i / columns_, i % columns_};
  }

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  std::size_t row(std::size_t panel) const { return places_[panel].first; }
  std::size_t column(std::size_t panel) const { return places_[panel].second; }
  bool has_one_below(std::size_t panel) const {
    return std::any_of(places_.begin(), places_.end(), [&](const auto& place) {
      return place.second == column(panel) && place.first == row(panel) + 1;
    });
  }

 private:
  std::vector<std::pair<std::size_t, std::size_t>> places_;
  std::size_t rows_ = 0, columns_ = 1;
};

class MultiplesDrawing {
 public:
  explicit MultiplesDrawing(const Multiples& multiples)
      : multiples_(multiples),
        grid_(multiples.panels),
        width_((multiples.width - left - 4) / static_cast<double>(grid_.columns()) - column_gap),
        svg_(multiples.width, static_cast<double>(grid_.rows()) * (panel_height + name_height + row_gap) + 22,
             multiples.title) {
    for (const auto& panel : multiples.panels) {
      for (const auto& weights : panel.weights) {
        for (const double weight : weights) highest_ = std::max(highest_, weight);
      }
    }
    const double even = 1.0 / static_cast<double>(std::max<std::size_t>(1, multiples.options.size()));
    highest_ = std::min(1.0, std::max(1.15 * highest_, 2 * even));
  }

  std::string draw() {
    for (std::size_t i = 0; i < multiples_.panels.size(); ++i) draw_panel(i);
    return svg_.finish();
  }

 private:
  double y(double weight, double top) const { return top + panel_height * (1 - weight / highest_); }
  double x(std::size_t epoch, double from) const {
    const std::size_t count = multiples_.epochs.size();
    if (count < 2) return from + width_ / 2;
    const double first = multiples_.epochs.front(), last = multiples_.epochs.back();
    return from + width_ * (multiples_.epochs[epoch] - first) / (last - first);
  }

  void draw_panel(std::size_t number) {
    const auto& panel = multiples_.panels[number];
    const double from = left + static_cast<double>(grid_.column(number)) * (width_ + column_gap);
    const double top = static_cast<double>(grid_.row(number)) * (panel_height + name_height + row_gap) + name_height;
    const double even = 1.0 / static_cast<double>(std::max<std::size_t>(1, multiples_.options.size()));
    svg_.rect(from, top, width_, panel_height, "panel");
    svg_.line(from, y(even, top), from + width_, y(even, top), "grid");
    const int leader = leading(panel);
    draw_name(panel, from, top, leader);
    for (std::size_t option = 0; option < panel.weights.size(); ++option) {
      if (static_cast<int>(option) != leader) draw_line(panel, option, from, top, false);
    }
    if (leader >= 0) draw_line(panel, static_cast<std::size_t>(leader), from, top, true);
    for (const double event : multiples_.events) {
      const auto at = std::find(multiples_.epochs.begin(), multiples_.epochs.end(), event);
      if (at == multiples_.epochs.end()) continue;
      const double place = x(static_cast<std::size_t>(at - multiples_.epochs.begin()), from);
      svg_.path("M" + svg_number(place) + " " + svg_number(top) + "V" + svg_number(top + panel_height), "event thin");
    }
    if (grid_.column(number) == 0) {
      svg_.text(from - 5, top + 9, fixed_text(highest_, 2), "muted small", Anchor::end);
      svg_.text(from - 5, top + panel_height, "0", "muted small", Anchor::end);
    }
    if (!grid_.has_one_below(number) && !multiples_.epochs.empty()) {
      svg_.text(from, top + panel_height + 13, number_text(multiples_.epochs.front()), "muted small");
      svg_.text(from + width_, top + panel_height + 13, number_text(multiples_.epochs.back()), "muted small",
                Anchor::end);
    }
  }

  // The decoded option; of an edge that is left out the heaviest.
  static int leading(const Multiples::Panel& panel) {
    if (panel.picked >= 0) return panel.picked;
    int best = -1;
    for (std::size_t i = 0; i < panel.weights.size(); ++i) {
      if (panel.weights[i].empty()) continue;
      if (best < 0 || panel.weights[i].back() > panel.weights[static_cast<std::size_t>(best)].back()) {
        best = static_cast<int>(i);
      }
    }
    return best;
  }

  void draw_name(const Multiples::Panel& panel, double from, double top, int leader) {
    const std::string name = shortened(panel.name, 20);
    svg_.text(from, top - 5, name, panel.picked >= 0 ? "strong small" : "muted small");
    if (leader < 0) return;
    const double room = width_ - text_width(name, 10.5) - 10;
    const std::string words =
        panel.picked >= 0 ? multiples_.options[static_cast<std::size_t>(leader)].name : std::string("left out");
    if (text_width(words, 10.5) <= room) {
      svg_.text(from + width_, top - 5, words, panel.picked >= 0 ? "text small" : "muted small", Anchor::end);
    }
  }

  void draw_line(const Multiples::Panel& panel, std::size_t option, double from, double top, bool leads) {
    const auto& weights = panel.weights[option];
    const std::size_t stride = (weights.size() + most_points - 1) / std::max<std::size_t>(1, most_points);
    std::string path;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (i % std::max<std::size_t>(1, stride) != 0 && i + 1 != weights.size()) continue;
      path += (path.empty() ? "M" : "L") + svg_number(x(i, from)) + " " + svg_number(y(weights[i], top));
    }
    if (path.empty()) return;
    if (weights.size() == 1) path += "h0.1";
    const OptionKind& kind = multiples_.options[option];
    svg_.path(
        path, "weight " + kind.kind + (leads ? " leads" : "") + (panel.picked < 0 ? " out" : ""),
        panel.name + ": " + kind.name + ", " + fixed_text(weights.front(), 3) + " to " + fixed_text(weights.back(), 3));
  }

  const Multiples& multiples_;
  Grid grid_;
  double width_;
  double highest_ = 0;
  Svg svg_;
};

}  // namespace

std::string draw(const Multiples& multiples) {
  return MultiplesDrawing(multiples).draw();
}

}  // namespace netwright
