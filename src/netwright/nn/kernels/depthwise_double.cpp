#include "netwright/nn/kernels/depthwise_double.h"

#include <algorithm>

namespace netwright::kernels {
namespace {

void multiply_add(const double* a, const double* b, double* sum, std::int64_t count) {
#pragma omp simd
  for (std::int64_t c = 0; c < count; ++c) sum[c] += a[c] * b[c];
}

// Calls visit(tap, input column) for the taps of one line of the kernel that meet the image at output column `column`.
template <class Visit>
void for_taps(const DepthwiseShape& shape, std::int64_t line, std::int64_t column, Visit visit) {
  for (std::int64_t b = 0; b < shape.kernel; ++b) {
    const std::int64_t at = column * shape.stride - shape.padding + b * shape.dilation;
    if (at >= 0 && at < shape.width) visit(line * shape.kernel + b, at);
  }
}

}  // namespace

void depthwise(const DepthwiseShape& shape, const double* x, const double* weight, double* y, std::int64_t first,
               std::int64_t last) {
  const std::int64_t channels = shape.channels;
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t sample = row / shape.rows;
    double* to = y + row * shape.columns * channels;
    std::fill_n(to, shape.columns * channels, 0.0);
    for (std::int64_t a = 0; a < shape.kernel; ++a) {
      const std::int64_t line = row % shape.rows * shape.stride - shape.padding + a * shape.dilation;
      if (line < 0 || line >= shape.height) continue;
      const double* from = x + (sample * shape.height + line) * shape.width * channels;
      for (std::int64_t column = 0; column < shape.columns; ++column) {
        for_taps(shape, a, column, [&](std::int64_t tap, std::int64_t at) {
          multiply_add(from + at * channels, weight + tap * channels, to + column * channels, channels);
        });
      }
    }
  }
}

void depthwise_input_gradient(const DepthwiseShape& shape, const double* dy, const double* weight, double* dx,
                              std::int64_t first, std::int64_t last) {
  const std::int64_t channels = shape.channels;
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t sample = row / shape.height;
    double* to = dx + row * shape.width * channels;
    std::fill_n(to, shape.width * channels, 0.0);
    for (std::int64_t a = 0; a < shape.kernel; ++a) {
      const std::int64_t from_top = row % shape.height + shape.padding - a * shape.dilation;
      if (from_top < 0 || from_top % shape.stride != 0 || from_top / shape.stride >= shape.rows) continue;
      const double* from = dy + (sample * shape.rows + from_top / shape.stride) * shape.columns * channels;
      for (std::int64_t column = 0; column < shape.columns; ++column) {
        for_taps(shape, a, column, [&](std::int64_t tap, std::int64_t at) {
          multiply_add(from + column * channels, weight + tap * channels, to + at * channels, channels);
        });
      }
    }
  }
}

void depthwise_weight_gradient(const DepthwiseShape& shape, const double* x, const double* dy, double* dweight,
                               std::int64_t first, std::int64_t last) {
  const std::int64_t channels = shape.channels;
  std::fill_n(dweight + first * channels, (last - first) * channels, 0.0);
  for (std::int64_t row = 0; row < shape.samples * shape.rows; ++row) {
    const double* from = dy + row * shape.columns * channels;
    for (std::int64_t a = first / shape.kernel; a <= (last - 1) / shape.kernel; ++a) {
      const std::int64_t line = row % shape.rows * shape.stride - shape.padding + a * shape.dilation;
      if (line < 0 || line >= shape.height) continue;
      const double* image = x + (row / shape.rows * shape.height + line) * shape.width * channels;
      for (std::int64_t column = 0; column < shape.columns; ++column) {
        for_taps(shape, a, column, [&](std::int64_t tap, std::int64_t at) {
          if (tap < first || tap >= last) return;  // another share's
          multiply_add(from + column * channels, image + at * channels, dweight + tap * channels, channels);
        });
      }
    }
  }
}

}  // namespace netwright::kernels
