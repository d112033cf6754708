// The inner loops of convolution.cpp. With AVX2's 16 registers of 8 floats, a tile's 12 sums, 2 vectors of weights (or
// gradients) and 1 broadcast value fill 15.
#pragma once

#include "netwright/nn/kernels/vector.h"

namespace netwright::kernels {

constexpr int tile_rows = 6;     // pixels (or weights) a tile
constexpr int tile_vectors = 2;  // of 8 output channels

// sums[p][v] = over `rows` kernel rows and `run` values of each: pixel[p][row * row_stride + i] * weight[.., v].
// `weight` is packed: for each row and value P_V vectors in sequence.
template <int P, int V>
inline void multiply_tile(const float* const* pixels, std::int64_t rows, std::int64_t run, std::int64_t row_stride,
                          const float* weight, Vector (&result)[P][V]) {
  const float* pixel[P];
  Vector sums[P][V];  // a local copy: the compiler keeps it in registers, which it does not do for `result`
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    pixel[p] = pixels[p];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) sums[p][v] = Vector{};
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t i = 0; i < run; ++i) {
      Vector w[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) w[v] = load(weight + v * lanes);
      weight += V * lanes;
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const Vector value = spread(pixel[p][i]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[p][v] = multiply_add(value, w[v], sums[p][v]);
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) pixel[p] += row_stride;
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) result[p][v] = sums[p][v];
  }
}

// total[p][v] += over rows and columns of an image: x[p] (a broadcast) * gradient[v] (a vector of output channels).
// Pixels are `x_step` and `gradient_step` floats apart, rows `x_row` and `gradient_row`; totals `total_step`.
template <int P, int V>
inline void outer_product_tile(const float* x, std::int64_t x_step, std::int64_t x_row, const float* gradient,
                               std::int64_t gradient_step, std::int64_t gradient_row, std::int64_t rows,
                               std::int64_t columns, float* total, std::int64_t total_step) {
  Vector sums[P][V];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) sums[p][v] = load(total + p * total_step + v * lanes);
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * x_row;
    const float* along = gradient + row * gradient_row;
    for (std::int64_t column = 0; column < columns; ++column) {
      Vector g[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) g[v] = load(along + v * lanes);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const Vector value = spread(from[p]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[p][v] = multiply_add(value, g[v], sums[p][v]);
      }
      from += x_step;
      along += gradient_step;
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) store(total + p * total_step + v * lanes, sums[p][v]);
  }
}

}  // namespace netwright::kernels
