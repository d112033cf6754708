// The inner loop of the loader: from the bytes of one image to the floats that the network reads.
#pragma once

#include <cstdint>
#include <vector>

#include "netwright/data/data_set.h"
#include "netwright/space/recipe.h"

namespace netwright {

// Writes augmented images. In this order, as in the usual pipelines: zero padding and crop, flip, normalisation,
// cutout; so padding is a black pixel, and what is cut out is the mean.
class ImageAssembler {
 public:
  // Preconditions: `shape` is an image's; 0 <= crop_padding < its sides; 0 <= cutout <= its sides.
  ImageAssembler(const Shape& shape, const Normalization& normalization, const AugmentationOptions& augmentation);

  // Both images are height x width x channel. `key` decides the augmentation.
  void write(const std::uint8_t* from, float* to, std::uint64_t key);

 private:
  struct Placement;
  Placement draw(std::uint64_t key) const;
  void write_row(const std::uint8_t* from, float* to, const Placement& placement);

  std::int64_t height_;
  std::int64_t width_;
  std::int64_t channels_;
  AugmentationOptions augmentation_;
  std::vector<float> scale_;  // of each value in a row: value * scale + offset
  std::vector<float> offset_;
  std::vector<std::uint8_t> flipped_;  // one row, and a byte
};

}  // namespace netwright
