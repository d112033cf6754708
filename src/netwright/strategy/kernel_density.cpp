#include "netwright/strategy/kernel_density.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace netwright {

KernelDensity::KernelDensity(std::vector<std::vector<double>> points, std::vector<std::size_t> options,
                             double least_bandwidth)
    : points_(std::move(points)), options_(std::move(options)) {
  const auto count = static_cast<double>(points_.size());
  const double shrink = 1.06 * std::pow(count, -1 / (4 + static_cast<double>(options_.size())));
  for (std::size_t d = 0; d < options_.size(); ++d) {
    double mean = 0, squares = 0;
    for (const auto& point : points_) mean += point[d] / count;
    for (const auto& point : points_) squares += (point[d] - mean) * (point[d] - mean) / count;
    double bandwidth = std::max(least_bandwidth, shrink * std::sqrt(squares));
    // Beyond this the kernel would prefer other options to the observed one.
    if (options_[d] > 0) bandwidth = std::min(bandwidth, 1 - 1 / static_cast<double>(options_[d]));
    bandwidths_.push_back(bandwidth);
    for (const auto& point : points_) columns_.push_back(point[d]);
  }
}

// Choice by choice over all rows at once, which the compiler turns into vector instructions.
double KernelDensity::density(const std::vector<double>& point) const {
  const std::size_t count = points_.size();
  std::vector<double> products(count, 1.0);
  for (std::size_t d = 0; d < options_.size(); ++d) {
    const double bandwidth = bandwidths_[d], x = point[d];
    const double* const centres = columns_.data() + d * count;
    if (options_[d] == 0) {
      const double height = bandwidth * std::sqrt(2 * std::numbers::pi);
      for (std::size_t i = 0; i < count; ++i) {
        const double z = (x - centres[i]) / bandwidth;
        products[i] *= std::exp(-0.5 * z * z) / height;
      }
    } else if (options_[d] > 1) {
      const double same = 1 - bandwidth, other = bandwidth / static_cast<double>(options_[d] - 1);
      for (std::size_t i = 0; i < count; ++i) products[i] *= centres[i] == x ? same : other;
    }
  }
  double sum = 0;
  for (const double product : products) sum += product;
  return sum / static_cast<double>(count);
}

std::vector<double> KernelDensity::sample(Random& random, double factor) const {
  std::vector<double> drawn = points_[random.below(points_.size())];
  for (std::size_t d = 0; d < options_.size(); ++d) {
    if (options_[d] > 0) {
      if (random.uniform() < bandwidths_[d]) drawn[d] = static_cast<double>(random.below(options_[d]));
      continue;
    }
    double moved = 0;
    do {
      moved = drawn[d] + factor * bandwidths_[d] * random.normal();
    } while (moved < 0 || moved > 1);
    drawn[d] = moved;
  }
  return drawn;
}

}  // namespace netwright
