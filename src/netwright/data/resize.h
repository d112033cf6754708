// Scaling pictures.
#pragma once

#include <cstdint>
#include <vector>

namespace netwright {

// A picture as bytes: height x width x 3 channels (red, green, blue).
struct Picture {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<std::uint8_t> pixels;
};

// Scales to `side` x `side` (a picture that is not square changes its proportions) and writes side * side * 3 bytes to
// `to`. A triangle filter as wide as the scale: bilinear when enlarging, an average over the covered area when
// reducing, so nothing is skipped; edges are renormalised. The same as PIL's BILINEAR and torch's antialiased
// interpolation up to rounding; a picture of that size already is copied unchanged.
void resize_to_square(const Picture& picture, std::int64_t side, std::uint8_t* to);

}  // namespace netwright
