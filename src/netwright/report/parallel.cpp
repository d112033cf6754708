#include <algorithm>
#include <array>

#include "netwright/report/axis.h"
#include "netwright/report/figures.h"
#include "netwright/report/svg.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

constexpr double row_height = 46;
constexpr double right_margin = 30;
constexpr double passing_width = 84;  // for lines that pass a row by
constexpr int longest_name = 30, longest_option = 22;
constexpr double band = 0.62;  // share of an option's room that its lines fill
constexpr double widest_band = 90;

class ParallelDrawing {
 public:
  explicit ParallelDrawing(const Parallel& parallel)
      : parallel_(parallel),
        height_(row_height * static_cast<double>(parallel.rows.size()) + 14),
        svg_(parallel.width, height_, parallel.title) {
    bool optional = false;
    for (const auto& row : parallel.rows) {
      left_ = std::max(left_, text_width(shortened(row.name, longest_name), 13) + 26);
      optional = optional || row.optional;
    }
    passing_ = parallel.width - right_margin;
    right_ = passing_ - (optional ? passing_width : 0);
    for (std::size_t i = 0; i < parallel.rows.size(); ++i) {
      std::vector<double> numbers;
      for (const auto& path : parallel.paths) {
        if (path.places[i]) numbers.push_back(*path.places[i]);
      }
      scales_.emplace_back(parallel.rows[i].axis, numbers, 8);
      scales_.back().place(left_, right_);
    }
  }

  std::string draw() {
    for (std::size_t i = 0; i < parallel_.rows.size(); ++i) svg_.line(left_, y(i), right_, y(i), "axis");
    for (const auto& path : parallel_.paths) draw_path(path);
    for (std::size_t i = 0; i < parallel_.rows.size(); ++i) draw_words(i);
    return svg_.finish();
  }

 private:
  static double y(std::size_t row) { return row_height * (static_cast<double>(row) + 0.5) - 6; }

  double room(std::size_t row) const {
    return (right_ - left_) / static_cast<double>(parallel_.rows[row].options.size());
  }

  double x(std::size_t row, const Parallel::Path& path) const {
    const auto& place = path.places[row];
    if (!place) return passing_ - 24 + 24 * path.order;
    if (parallel_.rows[row].options.empty()) return std::clamp(scales_[row](*place), left_, right_);
    const double spread = std::min(widest_band, band * room(row));
    return left_ + room(row) * (*place + 0.5) + spread * (path.order - 0.5);
  }

  void draw_path(const Parallel::Path& path) {
    std::string data;
    for (std::size_t i = 0; i < parallel_.rows.size(); ++i) {
      data += (i == 0 ? "M" : "L") + svg_number(x(i, path)) + " " + svg_number(y(i));
    }
    const int shade = std::min(3, static_cast<int>(path.order * 5.7));
    svg_.path(data, path.best ? "path top" : "path shade" + std::to_string(shade), path.title);
  }

  void draw_words(std::size_t i) {
    const auto& row = parallel_.rows[i];
    svg_.text(2, y(i) + 4, shortened(row.name, longest_name), "strong");
    double free_from = 0;
    const auto write = [&](double at, const std::string& words) {
      const double half = text_width(words, 11) / 2;
      const double centre = std::clamp(at, left_ - 20 + half, right_ + 26 - half);
      if (centre - half < free_from) return;
      free_from = centre + half + 4;
      svg_.text(centre, y(i) + 16, words, "label", Anchor::middle);
    };
    if (row.options.empty()) {
      for (const auto& tick : scales_[i].ticks()) {
        svg_.line(scales_[i](tick.value), y(i) - 3, scales_[i](tick.value), y(i) + 3, "axis");
        write(scales_[i](tick.value), tick.text);
      }
    }
    for (std::size_t option = 0; option < row.options.size(); ++option) {
      const double spread = std::min(widest_band, band * room(i)) / 2 + 2;
      const double centre = left_ + room(i) * (static_cast<double>(option) + 0.5);
      svg_.line(centre - spread, y(i), centre + spread, y(i), "band");
      write(centre, shortened(row.options[option], longest_option));
    }
    if (row.optional) svg_.text(passing_ - 12, y(i) + 16, "not active", "label", Anchor::middle);
  }

  const Parallel& parallel_;
  double height_;
  Svg svg_;
  double left_ = 80, right_ = 0, passing_ = 0;
  std::vector<Scale> scales_;
};

}  // namespace

std::string draw(const Parallel& parallel) {
  return ParallelDrawing(parallel).draw();
}

}  // namespace netwright
