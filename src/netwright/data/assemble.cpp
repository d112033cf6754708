#include "netwright/data/assemble.h"

#include <algorithm>
#include <cstring>

namespace netwright {
namespace {

// Numbers for one example, from its key: splitmix64 (Steele, Lea & Flood 2014).
class Draws {
 public:
  explicit Draws(std::uint64_t key) : state_(key) {}

  // [0, bound) for small bounds; the bias of at most bound / 2^32 does not matter here.
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>((next() >> 32) * static_cast<std::uint64_t>(bound) >> 32);
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

void convert(const std::uint8_t* __restrict from, const float* __restrict scale, const float* __restrict offset,
             float* __restrict to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]) * scale[i] + offset[i];
}

// Pixels in reverse; the channels of each stay in order. `to` has room for one byte more. Whole words at a time: bytes
// one by one took longer than all the rest.
void reverse(const std::uint8_t* __restrict from, std::uint8_t* __restrict to, std::int64_t pixels,
             std::int64_t channels) {
  std::int64_t x = 0;
  if (channels == 1) {
    for (; x + 8 <= pixels; x += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, from + pixels - 8 - x, 8);
      word = __builtin_bswap64(word);
      std::memcpy(to + x, &word, 8);
    }
  } else if (channels == 3) {
    std::memcpy(to, from + (pixels - 1) * 3, 3);  // alone, so that nothing beyond the row is read
    // Each pixel brings a fourth byte, which the next one overwrites.
    for (x = 1; x < pixels; ++x) std::memcpy(to + x * 3, from + (pixels - 1 - x) * 3, 4);
  }
  for (; x < pixels; ++x) {
    for (std::int64_t c = 0; c < channels; ++c) to[x * channels + c] = from[(pixels - 1 - x) * channels + c];
  }
}

}  // namespace

// Output columns [begin, end) show the source from column `source` on (counted in the source's own direction); the
// others are padding. The cut-out rectangle is in output coordinates.
struct ImageAssembler::Placement {
  std::int64_t shift_y = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t source = 0;
  bool flip = false;
  std::int64_t cut_left = 0, cut_right = 0, cut_top = 0, cut_bottom = 0;
};

ImageAssembler::ImageAssembler(const Shape& shape, const Normalization& normalization,
                               const AugmentationOptions& augmentation)
    : height_(shape.height), width_(shape.width), channels_(shape.channels), augmentation_(augmentation) {
  for (std::int64_t x = 0; x < width_; ++x) {
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels_); ++c) {
      const float mean = augmentation.normalize ? normalization.mean[c] : 0;
      const float deviation = augmentation.normalize ? normalization.deviation[c] : 1;
      scale_.push_back(1 / (255 * deviation));
      offset_.push_back(-mean / deviation);
    }
  }
  flipped_.resize(scale_.size() + 1);
}

ImageAssembler::Placement ImageAssembler::draw(std::uint64_t key) const {
  Draws draws(key);
  Placement placement;
  const std::int64_t padding = augmentation_.crop_padding;
  const std::int64_t shift_x = padding > 0 ? draws.below(2 * padding + 1) - padding : 0;
  placement.shift_y = padding > 0 ? draws.below(2 * padding + 1) - padding : 0;
  placement.flip = augmentation_.flip && draws.below(2) == 1;
  placement.source = std::max<std::int64_t>(shift_x, 0);
  placement.begin = std::max<std::int64_t>(-shift_x, 0);
  placement.end = std::min(width_, width_ - shift_x);
  if (placement.flip) {
    const std::int64_t begin = width_ - placement.end;
    placement.end = width_ - placement.begin;
    placement.begin = begin;
  }
  if (const std::int64_t side = augmentation_.cutout; side > 0) {
    const std::int64_t left = draws.below(width_) - side / 2;
    const std::int64_t top = draws.below(height_) - side / 2;
    placement.cut_left = std::max<std::int64_t>(left, 0);
    placement.cut_right = std::min(left + side, width_);
    placement.cut_top = std::max<std::int64_t>(top, 0);
    placement.cut_bottom = std::min(top + side, height_);
  }
  return placement;
}

void ImageAssembler::write_row(const std::uint8_t* from, float* to, const Placement& placement) {
  const std::int64_t pixels = placement.end - placement.begin;
  const std::int64_t begin = placement.begin * channels_;
  const std::int64_t end = placement.end * channels_;
  from += placement.source * channels_;
  if (placement.flip) {
    reverse(from, flipped_.data(), pixels, channels_);
    from = flipped_.data();
  }
  std::copy(offset_.begin(), offset_.begin() + begin, to);
  convert(from, scale_.data(), offset_.data(), to + begin, end - begin);
  std::copy(offset_.begin() + end, offset_.end(), to + end);
}

void ImageAssembler::write(const std::uint8_t* from, float* to, std::uint64_t key) {
  const Placement placement = draw(key);
  const std::int64_t line = width_ * channels_;
  for (std::int64_t y = 0; y < height_; ++y, to += line) {
    const std::int64_t source = y + placement.shift_y;
    if (source < 0 || source >= height_) {
      std::copy(offset_.begin(), offset_.end(), to);
    } else {
      write_row(from + source * line, to, placement);
    }
    if (y >= placement.cut_top && y < placement.cut_bottom) {
      std::fill(to + placement.cut_left * channels_, to + placement.cut_right * channels_, 0.0F);
    }
  }
}

}  // namespace netwright
