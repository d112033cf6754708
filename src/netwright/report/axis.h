// Axes of plots: from data to a range, from a range to round ticks, from values to places on the picture.
#pragma once

#include <string>
#include <vector>

#include "netwright/report/plot.h"

namespace netwright {

struct Tick {
  double value = 0;
  std::string text;
};

// A drawn axis: maps [low, high] onto [from, to] (pixels; from > to for an axis that points up).
class Scale {
 public:
  // Takes what the axis leaves open from the values; those that are not finite are passed over.
  Scale(const Axis& axis, const std::vector<double>& values, int tick_count);

  void place(double from, double to);
  double operator()(double value) const;

  double low() const { return low_; }
  double high() const { return high_; }
  const std::vector<Tick>& ticks() const { return ticks_; }
  const std::string& title() const { return title_; }  // with the unit where ticks have none

 private:
  void find_range(const Axis& axis, std::vector<double> values);
  void make_ticks(const Axis& axis, int count);
  double position(double value) const;

  double low_ = 0, high_ = 1;
  double from_ = 0, to_ = 1;
  bool log_ = false;
  std::vector<Tick> ticks_;
  std::string title_;
};

// Ticks at round values inside [low, high], about `count` of them. Preconditions: low < high; for log_ticks 0 < low.
std::vector<double> linear_ticks(double low, double high, int count);
std::vector<double> log_ticks(double low, double high, int count);  // 1, 2, 5 times powers of ten, or powers alone

}  // namespace netwright
