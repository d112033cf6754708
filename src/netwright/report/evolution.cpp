#include <algorithm>
#include <cmath>

#include "netwright/base/text.h"
#include "netwright/report/axis.h"
#include "netwright/report/figures.h"
#include "netwright/report/svg.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

constexpr double row_height = 20;
constexpr double between_nodes = 6;  // edges into one node stand together
constexpr double swatch = 12;
constexpr int longest_name = 22;

// The stretches of epochs in which a decision was the same.
struct Stretch {
  std::size_t first = 0, last = 0;
  int option = -1;
};

std::vector<Stretch> stretches(const std::vector<int>& picked) {
  std::vector<Stretch> found;
  for (std::size_t i = 0; i < picked.size(); ++i) {
    if (!found.empty() && found.back().option == picked[i]) {
      found.back().last = i;
    } else {
      found.push_back({i, i, picked[i]});
    }
  }
  return found;
}

std::string epochs_text(double first, double last) {
  return first == last ? "epoch " + number_text(first) : "epochs " + number_text(first) + " to " + number_text(last);
}

}  // namespace

std::string node_of(const std::string& decision) {
  const auto arrow = decision.find(" ← ");
  return arrow == std::string::npos ? std::string() : decision.substr(0, arrow);
}

std::string draw_legend(const std::vector<OptionKind>& options, int width) {
  double x = 0, y = 0;
  struct Place {
    double x, y;
  };
  std::vector<Place> places;
  for (const OptionKind& option : options) {
    const double needed = swatch + 6 + text_width(option.name) + 18;
    if (x > 0 && x + needed > width) {
      x = 0;
      y += 20;
    }
    places.push_back({x, y});
    x += needed;
  }
  Svg svg(width, y + 30, "Colours of the operations");
  for (std::size_t i = 0; i < options.size(); ++i) {
    svg.rect(places[i].x, places[i].y + 3, swatch, swatch, "stretch " + options[i].kind);
    svg.text(places[i].x + swatch + 6, places[i].y + 13, options[i].name, "text");
  }
  return svg.finish();
}

std::string draw(const Evolution& evolution) {
  double left = 60, right_names = 40;
  for (const auto& row : evolution.rows) {
    left = std::max(left, text_width(shortened(row.name, longest_name)) + 12);
  }
  for (const auto& option : evolution.options) right_names = std::max(right_names, text_width(option.name, 11) + 10);
  left = std::min(left, evolution.width * 0.35);
  double bottom = 6;
  std::vector<double> tops;
  for (std::size_t i = 0; i < evolution.rows.size(); ++i) {
    if (i > 0 && node_of(evolution.rows[i].name) != node_of(evolution.rows[i - 1].name)) bottom += between_nodes;
    tops.push_back(bottom);
    bottom += row_height;
  }
  const double right = evolution.width - right_names;
  Svg svg(evolution.width, bottom + 44, evolution.title);
  const auto count = static_cast<double>(std::max<std::size_t>(1, evolution.epochs.size()));
  const double step = (right - left) / count;
  const auto edge = [&](std::size_t epoch) { return left + step * static_cast<double>(epoch); };
  for (std::size_t i = 0; i < evolution.rows.size(); ++i) {
    const auto& row = evolution.rows[i];
    const double middle = tops[i] + row_height / 2;
    svg.text(left - 8, middle + 4, shortened(row.name, longest_name), "text", Anchor::end);
    svg.line(left, middle, right, middle, "grid");
    for (const Stretch& stretch : stretches(row.picked)) {
      if (stretch.option < 0) continue;
      const OptionKind& option = evolution.options[static_cast<std::size_t>(stretch.option)];
      const double from = edge(stretch.first), width = edge(stretch.last + 1) - from;
      svg.rect(from + 0.5, tops[i] + 1.5, std::max(0.8, width - 1), row_height - 3, "stretch " + option.kind,
               row.name + ", " + epochs_text(evolution.epochs[stretch.first], evolution.epochs[stretch.last]) + ": " +
                   option.name);
    }
    if (!row.picked.empty() && row.picked.back() >= 0) {
      const OptionKind& option = evolution.options[static_cast<std::size_t>(row.picked.back())];
      svg.text(right + 6, middle + 4, option.name, "text small");
    }
  }
  double free_from = 0;
  const auto ticks = linear_ticks(evolution.epochs.empty() ? 0 : evolution.epochs.front() - 1,
                                  evolution.epochs.empty() ? 1 : evolution.epochs.back(), 6);
  for (const double tick : ticks) {
    const auto at = std::find(evolution.epochs.begin(), evolution.epochs.end(), tick);
    if (at == evolution.epochs.end()) continue;
    const double x = edge(static_cast<std::size_t>(at - evolution.epochs.begin())) + step / 2;
    const double half = text_width(number_text(tick)) / 2;
    if (x - half < free_from) continue;
    free_from = x + half + 6;
    svg.line(x, bottom + 2, x, bottom + 6, "axis");
    svg.text(x, bottom + 18, number_text(tick), "muted", Anchor::middle);
  }
  for (const double event : evolution.events) {
    const auto at = std::find(evolution.epochs.begin(), evolution.epochs.end(), event);
    if (at == evolution.epochs.end()) continue;
    const double x = edge(static_cast<std::size_t>(at - evolution.epochs.begin()) + 1);
    svg.path("M" + svg_number(x) + " 0L" + svg_number(x) + " " + svg_number(bottom), "event");
  }
  svg.text(right, bottom + 36, "epochs", "muted", Anchor::end);
  return svg.finish();
}

}  // namespace netwright
