#include "netwright/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace netwright {
namespace {

// Which source samples make one target sample, and how much of each.
struct Window {
  std::int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Window> make_windows(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  std::vector<Window> windows(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto last = std::min<std::int64_t>(static_cast<std::int64_t>(centre + support + 0.5), from);
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t k = first; k < last; ++k) {
      weights.push_back(std::max(1 - std::fabs((static_cast<double>(k) + 0.5 - centre) / support), 0.0));
      sum += weights.back();
    }
    Window& window = windows[static_cast<std::size_t>(i)];
    window.first = first;
    for (const double weight : weights) window.weights.push_back(static_cast<float>(weight / sum));
  }
  return windows;
}

}  // namespace

void resize_to_square(const Picture& picture, std::int64_t side, std::uint8_t* to) {
  if (picture.width == side && picture.height == side) {
    std::memcpy(to, picture.pixels.data(), picture.pixels.size());
    return;
  }
  const auto columns = make_windows(picture.width, side);
  const auto rows = make_windows(picture.height, side);
  const auto line = static_cast<std::size_t>(side * 3);
  std::vector<float> narrowed(static_cast<std::size_t>(picture.height) * line);  // height x side x 3
  for (std::int64_t y = 0; y < picture.height; ++y) {
    const std::uint8_t* source = picture.pixels.data() + y * picture.width * 3;
    float* target = narrowed.data() + static_cast<std::size_t>(y) * line;
    for (const Window& window : columns) {
      float sums[3] = {0, 0, 0};
      const std::uint8_t* pixel = source + window.first * 3;
      for (const float weight : window.weights) {
        for (int c = 0; c < 3; ++c) sums[c] += weight * static_cast<float>(*pixel++);
      }
      target = std::copy(sums, sums + 3, target);
    }
  }
  std::vector<float> sums(line);
  for (const Window& window : rows) {
    std::fill(sums.begin(), sums.end(), 0.5F);  // rounds to the nearest
    const float* source = narrowed.data() + static_cast<std::size_t>(window.first) * line;
    for (const float weight : window.weights) {
      for (std::size_t i = 0; i < line; ++i) sums[i] += weight * source[i];
      source += line;
    }
    for (std::size_t i = 0; i < line; ++i) to[i] = static_cast<std::uint8_t>(std::clamp(sums[i], 0.0F, 255.0F));
    to += line;
  }
}

}  // namespace netwright
