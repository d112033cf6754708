// Products of a few pixels' channels with a matrix, in tiles that fill the registers: 6 pixels (or weights) by 2
// vectors of output channels. See simd.h for who may include it.
#pragma once

#include "netwright/nn/kernels/simd.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

constexpr int tile_rows = 6, tile_vectors = 2;

template <class T>
constexpr std::int64_t in_vectors(std::int64_t channels) {
  return (channels + lane_count<T> - 1) / lane_count<T>;
}

// `at(i, o)`, i < in, o < out, in the order that pointwise() reads: panels of up to tile_vectors vectors of outputs, of
// each input in turn; filled up by zeros. in * in_vectors(out) * lane_count numbers.
template <class T, class At>
void pack_pointwise(std::int64_t in, std::int64_t out, T* packed, At at) {
  const std::int64_t vectors = in_vectors<T>(out);
  for (std::int64_t v = 0; v < vectors; v += tile_vectors) {
    const std::int64_t wide = (vectors - v < tile_vectors ? vectors - v : tile_vectors) * lane_count<T>;
    for (std::int64_t i = 0; i < in; ++i) {
      const std::int64_t first = v * lane_count<T>, there = out - first < wide ? out - first : wide;
      for (std::int64_t k = 0; k < there; ++k) packed[k] = at(i, first + k);
      for (std::int64_t k = there; k < wide; ++k) packed[k] = T(0);
      packed += wide;
    }
  }
}

template <class T, int Pixels, int Vectors, class Store>
inline void multiply_tile(const T* pixels, std::int64_t step, std::int64_t in, const T* weight, std::int64_t pixel,
                          std::int64_t vector, Store store_one) {
  Lanes<T> sums[Pixels][Vectors];
  const T* from[Pixels];
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; ++p) {
    from[p] = pixels + p * step;
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sums[p][v] = Lanes<T>{};
  }
  for (std::int64_t i = 0; i < in; ++i) {
    Lanes<T> w[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) w[v] = load(weight + v * lane_count<T>);
    weight += Vectors * lane_count<T>;
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; ++p) {
      const Lanes<T> value = spread(from[p][i]);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[p][v] += value * w[v];
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; ++p) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) store_one(pixel + p, vector + v, sums[p][v]);
  }
}

template <class T, int Vectors, class Store>
inline void multiply_panel(const T* x, std::int64_t step, std::int64_t count, std::int64_t in, const T* weight,
                           std::int64_t vector, Store store_one) {
  std::int64_t p = 0;
  for (; p + tile_rows <= count; p += tile_rows) {
    multiply_tile<T, tile_rows, Vectors>(x + p * step, step, in, weight, p, vector, store_one);
  }
  for (; p + 2 <= count; p += 2) {
    multiply_tile<T, 2, Vectors>(x + p * step, step, in, weight, p, vector, store_one);
  }
  if (p < count) multiply_tile<T, 1, Vectors>(x + p * step, step, in, weight, p, vector, store_one);
}

// For each of `count` pixels, `step` numbers apart: store_one(pixel, v, vector v of its output channels).
template <class T, class Store>
inline void pointwise(const T* x, std::int64_t step, std::int64_t count, std::int64_t in, const T* packed,
                      std::int64_t vectors, Store store_one) {
  std::int64_t v = 0;
  for (; v + tile_vectors <= vectors; v += tile_vectors) {
    multiply_panel<T, tile_vectors>(x, step, count, in, packed, v, store_one);
    packed += in * tile_vectors * lane_count<T>;
  }
  if (v < vectors) multiply_panel<T, 1>(x, step, count, in, packed, v, store_one);
}

template <class T, int Rows, int Vectors>
inline void outer_tile(const T* x, const T* gradient, std::int64_t step, std::int64_t count, T* total) {
  Lanes<T> sums[Rows][Vectors];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sums[r][v] = load(total + r * step + v * lane_count<T>);
  }
  for (std::int64_t p = 0; p < count; ++p) {
    Lanes<T> g[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) g[v] = load(gradient + p * step + v * lane_count<T>);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Lanes<T> value = spread(x[p * step + r]);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[r][v] += value * g[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) store(total + r * step + v * lane_count<T>, sums[r][v]);
  }
}

template <class T, int Vectors>
inline void outer_columns(const T* x, const T* gradient, std::int64_t step, std::int64_t count, std::int64_t channels,
                          T* total) {
  std::int64_t r = 0;
  for (; r + tile_rows <= channels; r += tile_rows) {
    outer_tile<T, tile_rows, Vectors>(x + r, gradient, step, count, total + r * step);
  }
  for (; r + 4 <= channels; r += 4) outer_tile<T, 4, Vectors>(x + r, gradient, step, count, total + r * step);
  for (; r < channels; ++r) outer_tile<T, 1, Vectors>(x + r, gradient, step, count, total + r * step);
}

// total[i * step + o] += over `count` pixels x[i] * gradient[o], both `step` numbers a pixel; o < out, in whole
// vectors.
template <class T>
inline void outer_product(const T* x, const T* gradient, std::int64_t step, std::int64_t count, std::int64_t channels,
                          std::int64_t out, T* total) {
  constexpr std::int64_t wide = tile_vectors * lane_count<T>;
  std::int64_t o = 0;
  for (; o + lane_count<T> < out; o += wide) {
    outer_columns<T, tile_vectors>(x, gradient + o, step, count, channels, total + o);
  }
  if (o < out) outer_columns<T, 1>(x, gradient + o, step, count, channels, total + o);
}

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
