// Depthwise convolutions of one sample in scratch memory: rows forward, and the gradient of the weights. The gradient
// of the input is a forward row of the output's gradient with the weights turned round. See simd.h for who may include
// it.
//
// A vector holds channels. For a block of columns each input vector is loaded once and goes into every output that a
// row of the kernel takes it to, so that the arithmetic units, not the loads, are the limit.
#pragma once

#include "netwright/nn/kernels/simd.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

// Columns of zeros at a row's ends: as far as a kernel of 5 dilated by 2 reaches, and on the right what blocks of four
// columns read beyond it.
constexpr std::int64_t left_margin = 4, right_margin = 12;

// A sample: rows of columns of channels, filled up to whole vectors by zeros. No rows above and below.
template <class T>
struct Image {
  T* data = nullptr;
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t every = 1;  // 2: only rows 0, 2, … hold anything

  std::int64_t row() const { return (left_margin + width + right_margin) * channels; }
  T* at(std::int64_t y, std::int64_t x) const { return data + y * row() + (left_margin + x) * channels; }
};

// The kernel rows that fall within the image when its first row falls on `top`.
struct KernelRows {
  KernelRows(std::int64_t top, int kernel, int dilation, std::int64_t height)
      : first(top < 0 ? static_cast<int>((dilation - 1 - top) / dilation) : 0), last(kernel) {
    while (last > first && top + (last - 1) * dilation >= height) --last;
  }
  int first, last;
};

template <class T, int Kernel, int Dilation, int Stride, int Columns>
inline void depthwise_block(const Image<T>& in, std::int64_t top, std::int64_t left, KernelRows rows, const T* weight,
                            std::int64_t channel, Lanes<T> (&result)[Columns]) {
  constexpr int span = (Columns - 1) * Stride + (Kernel - 1) * Dilation + 1;
  Lanes<T> sums[Columns];  // a local copy stays in registers
#pragma GCC unroll 8
  for (int i = 0; i < Columns; ++i) sums[i] = result[i];
  for (int ky = rows.first; ky < rows.last; ++ky) {
    const std::int64_t y = top + ky * Dilation;
    if (in.every == 2 && (y & 1)) continue;
    Lanes<T> taps[Kernel];
#pragma GCC unroll 8
    for (int kx = 0; kx < Kernel; ++kx) taps[kx] = load(weight + (ky * Kernel + kx) * in.channels + channel);
    const T* from = in.at(y, left) + channel;
#pragma GCC unroll 32
    for (int j = 0; j < span; ++j) {
      const Lanes<T> value = load(from + j * in.channels);
#pragma GCC unroll 8
      for (int kx = 0; kx < Kernel; ++kx) {
        const int at = j - kx * Dilation;
        if (at >= 0 && at % Stride == 0 && at / Stride < Columns) sums[at / Stride] += value * taps[kx];
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Columns; ++i) result[i] = sums[i];
}

// Row `y` of the output, `width` columns of in.channels one after another; added to what is there where `add`.
// `weight`: kernel x kernel x in.channels.
template <class T, int Kernel, int Dilation, int Stride>
void depthwise_row(const Image<T>& in, std::int64_t y, const T* weight, T* out, std::int64_t width, bool add) {
  constexpr std::int64_t padding = (Kernel - 1) / 2 * Dilation;
  const std::int64_t top = y * Stride - padding, channels = in.channels;
  const KernelRows rows(top, Kernel, Dilation, in.height);
  for (std::int64_t channel = 0; channel < channels; channel += lane_count<T>) {
    T* to = out + channel;
    const auto block = [&]<int Columns>(std::int64_t x, std::int64_t kept) {
      Lanes<T> sums[Columns];
#pragma GCC unroll 8
      for (int i = 0; i < Columns; ++i) sums[i] = Lanes<T>{};
      if (add) {
        for (int i = 0; i < kept; ++i) sums[i] = load(to + (x + i) * channels);
      }
      depthwise_block<T, Kernel, Dilation, Stride, Columns>(in, top, x * Stride - padding, rows, weight, channel, sums);
      for (int i = 0; i < kept; ++i) store(to + (x + i) * channels, sums[i]);
    };
    std::int64_t x = 0;
    for (; x + 8 <= width; x += 8) block.template operator()<8>(x, 8);
    for (; x < width; x += 4) block.template operator()<4>(x, width - x < 4 ? width - x : 4);
  }
}

// total (kernel x kernel x channels) += over a row of output gradients, times the inputs that `Rows` rows of the
// kernel, from `first` on, took there. Columns right of the gradient's width are zero.
template <class T, int Kernel, int Dilation, int Stride, int Rows>
inline void weight_gradient_rows(const Image<T>& in, std::int64_t top, int first, const T* gradient, std::int64_t width,
                                 std::int64_t channel, T* total) {
  constexpr std::int64_t padding = (Kernel - 1) / 2 * Dilation;
  constexpr int columns = 4, span = (columns - 1) * Stride + (Kernel - 1) * Dilation + 1;
  const std::int64_t step = in.channels;
  Lanes<T> sums[Rows][Kernel];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int kx = 0; kx < Kernel; ++kx) sums[r][kx] = load(total + ((first + r) * Kernel + kx) * step + channel);
  }
  const T* from = in.at(top + first * Dilation, -padding) + channel;
  const std::int64_t down = Dilation * in.row();
  for (std::int64_t x = 0; x < width; x += columns) {
    Lanes<T> g[columns];
#pragma GCC unroll 8
    for (int i = 0; i < columns; ++i) g[i] = load(gradient + (x + i) * step + channel);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const T* row = from + r * down + x * Stride * step;
#pragma GCC unroll 32
      for (int j = 0; j < span; ++j) {
        const Lanes<T> value = load(row + j * step);
#pragma GCC unroll 8
        for (int kx = 0; kx < Kernel; ++kx) {
          const int at = j - kx * Dilation;
          if (at >= 0 && at % Stride == 0 && at / Stride < columns) sums[r][kx] += value * g[at / Stride];
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int kx = 0; kx < Kernel; ++kx) store(total + ((first + r) * Kernel + kx) * step + channel, sums[r][kx]);
  }
}

template <class T, int Kernel, int Dilation, int Stride>
void depthwise_weight_gradient(const Image<T>& in, const Image<T>& gradient, T* total) {
  constexpr int at_once = Kernel == 3 ? 3 : 2;  // rows whose sums fit in the registers
  constexpr std::int64_t padding = (Kernel - 1) / 2 * Dilation;
  for (std::int64_t y = 0; y < gradient.height; ++y) {
    const std::int64_t top = y * Stride - padding;
    const KernelRows rows(top, Kernel, Dilation, in.height);
    const T* g = gradient.at(y, 0);
    for (std::int64_t channel = 0; channel < in.channels; channel += lane_count<T>) {
      int first = rows.first;
      for (; first + at_once <= rows.last; first += at_once) {
        weight_gradient_rows<T, Kernel, Dilation, Stride, at_once>(in, top, first, g, gradient.width, channel, total);
      }
      for (; first < rows.last; ++first) {
        weight_gradient_rows<T, Kernel, Dilation, Stride, 1>(in, top, first, g, gradient.width, channel, total);
      }
    }
  }
}

template <class T>
struct DepthwiseKernel {
  void (*row)(const Image<T>&, std::int64_t y, const T* weight, T* out, std::int64_t width, bool add);
  void (*back_row)(const Image<T>&, std::int64_t y, const T* weight, T* out, std::int64_t width, bool add);
  void (*weight_gradient)(const Image<T>&, const Image<T>&, T* total);
};

template <class T, int Kernel, int Dilation>
DepthwiseKernel<T> depthwise_kernel(int stride) {
  if (stride == 1) {
    return {depthwise_row<T, Kernel, Dilation, 1>, depthwise_row<T, Kernel, Dilation, 1>,
            depthwise_weight_gradient<T, Kernel, Dilation, 1>};
  }
  return {depthwise_row<T, Kernel, Dilation, 2>, depthwise_row<T, Kernel, Dilation, 1>,
          depthwise_weight_gradient<T, Kernel, Dilation, 2>};
}

// Precondition: has_stage(kernel, dilation, stride).
template <class T>
DepthwiseKernel<T> depthwise_kernel(int kernel, int dilation, int stride) {
  if (kernel == 3) return dilation == 1 ? depthwise_kernel<T, 3, 1>(stride) : depthwise_kernel<T, 3, 2>(stride);
  return dilation == 1 ? depthwise_kernel<T, 5, 1>(stride) : depthwise_kernel<T, 5, 2>(stride);
}

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
