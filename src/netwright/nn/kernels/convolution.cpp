#include "netwright/nn/kernels/convolution.h"

#include "netwright/nn/kernels/convolution_tiles.h"
#include "netwright/nn/kernels/parts.h"

namespace netwright::kernels {

bool available() {
#ifdef __AVX2__
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

namespace {

std::int64_t padded(std::int64_t channels) {
  return (channels + lanes - 1) / lanes * lanes;
}

// An image is worked on in bands of rows whose bordered copy fits the second-level cache beside its like.
class Bands {
 public:
  Bands(const BlockShape& shape, std::int64_t widest) : shape_(shape) {
    constexpr std::int64_t floats = 24 * 1024;
    const std::int64_t row = (shape.width + shape.kernel - 1) * widest;
    rows_ = std::max<std::int64_t>(1, floats / row - (shape.kernel - 1));
    rows_ = std::min(rows_, shape.height);
    count_ = (shape.height + rows_ - 1) / rows_;
    rows_ = (shape.height + count_ - 1) / count_;
  }
  std::int64_t total() const { return count_ * shape_.samples; }
  std::int64_t rows() const { return rows_; }
  std::int64_t sample(std::int64_t unit) const { return unit / count_; }
  std::int64_t begin(std::int64_t unit) const { return unit % count_ * rows_; }
  std::int64_t end(std::int64_t unit) const { return std::min(begin(unit) + rows_, shape_.height); }

 private:
  const BlockShape& shape_;
  std::int64_t rows_ = 0, count_ = 0;
};

// A band with its border of zeros: `rows` + kernel - 1 rows of width + kernel - 1 pixels of `channels` floats.
struct Bordered {
  Bordered(const BlockShape& shape, std::int64_t rows, std::int64_t channels_)
      : channels(channels_),
        border(shape.kernel / 2),
        row((shape.width + 2 * border) * channels),
        data(make_zeros((rows + 2 * border) * row)),
        windows(index(rows * shape.width)) {
    for (std::int64_t y = 0; y < rows; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) windows[index(y * shape.width + x)] = window(y, x);
    }
  }
  // Where the window of output position (y, x) of the band begins.
  const float* window(std::int64_t y, std::int64_t x) const { return data.get() + y * row + x * channels; }
  const float* centre(std::int64_t y, std::int64_t x) const { return window(y + border, x + border); }

  std::int64_t channels, border, row;
  Buffer data;
  std::vector<const float*> windows;  // by output position
};

// Fills a band's rows begin-border .. end+border by fill(destination, source row); rows outside the image are zero. The
// side borders stay zero from the beginning.
template <class Fill>
void fill_band(const BlockShape& shape, Bordered& band, std::int64_t begin, std::int64_t end, Fill fill) {
  for (std::int64_t y = begin - band.border; y < end + band.border; ++y) {
    float* to = band.data.get() + (y - begin + band.border) * band.row + band.border * band.channels;
    if (y < 0 || y >= shape.height) {
      std::memset(to, 0, index(shape.width * band.channels) * sizeof(float));
    } else {
      fill(to, y);
    }
  }
}

void fill_input(const BlockShape& shape, const float* image, Bordered& band, std::int64_t begin, std::int64_t end) {
  const std::int64_t floats = shape.width * shape.in;
  fill_band(shape, band, begin, end, [&](float* to, std::int64_t y) {
    const float* from = image + y * floats;
    if (!shape.relu_before) {
      std::memcpy(to, from, index(floats) * sizeof(float));
      return;
    }
    for_channels(floats,
                 [&](std::int64_t i, std::int64_t count) { store(to + i, at_least(load(from + i, count), 0), count); });
  });
}

// What the gradient of z is made of, for one sample.
struct GradientSource {
  const float *dy, *z, *scale, *shift;
  NormGradient norm;
};

void fill_gradient(const BlockShape& shape, const GradientSource& source, Bordered& band, std::int64_t begin,
                   std::int64_t end) {
  fill_band(shape, band, begin, end, [&](float* to, std::int64_t y) {
    for_channels(shape.out, [&](std::int64_t channel, std::int64_t count) {
      const auto by_channel = [&](const float* values) { return load(values + channel, count); };
      const Vector a = by_channel(source.norm.a), b = by_channel(source.norm.b), c = by_channel(source.norm.c);
      const Vector scale = by_channel(source.scale), shift = by_channel(source.shift);
      const std::int64_t offset = y * shape.width * shape.out + channel;
      for (std::int64_t x = 0; x < shape.width; ++x) {
        const Vector z = load(source.z + offset + x * shape.out, count);
        const Vector g = pass(shape.after, load(source.dy + offset + x * shape.out, count), z, scale, shift);
        // Lanes beyond the last channel are zero, as a, b and c are there.
        store(to + x * band.channels + channel, multiply_add(a, g, multiply_add(b, z, c)));
      }
    });
  });
}

// Weights for multiply_tile: for each block of up to 16 output channels, kernel row, kernel column and input channel
// (`depth` of them) the block's weights. value(o, row, column, i) reads the source; beyond its range weights are zero.
template <class Value>
Buffer pack_weights(std::int64_t out, std::int64_t kernel, std::int64_t in, std::int64_t depth, Value value) {
  Buffer packed = make_zeros(padded(out) * kernel * kernel * depth);
  constexpr std::int64_t widest = tile_vectors * lanes;
  for (std::int64_t block = 0; block < padded(out); block += widest) {
    const std::int64_t width = std::min(widest, padded(out) - block);
    float* to = packed.get() + block * kernel * kernel * depth;
    for (std::int64_t row = 0; row < kernel; ++row) {
      for (std::int64_t column = 0; column < kernel; ++column) {
        for (std::int64_t i = 0; i < depth; ++i, to += width) {
          if (i >= in) continue;
          for (std::int64_t o = block; o < std::min(block + width, out); ++o) to[o - block] = value(o, row, column, i);
        }
      }
    }
  }
  return packed;
}

// How a tile's sums leave: plainly, or masked by the ReLU that stood before the convolution.
struct Output {
  float* data;        // the band's first output position
  const float* gate;  // null, or values by whose sign (> 0) outputs pass; laid out as the output
  std::int64_t channels;
};

template <int P, int V>
void convolve_tile(const Bordered& band, const BlockShape& shape, const float* weight, std::int64_t position,
                   std::int64_t channel, const Output& output) {
  Vector sums[P][V];
  multiply_tile<P, V>(&band.windows[index(position)], shape.kernel, shape.kernel * band.channels, band.row, weight,
                      sums);
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    const std::int64_t begin = channel + v * lanes, count = output.channels - begin;
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const std::int64_t at = (position + p) * output.channels + begin;
      Vector value = sums[p][v];
      if (output.gate) value = load(output.gate + at, count) > Vector{} ? value : Vector{};
      store(output.data + at, value, count);
    }
  }
}

template <int V>
void convolve_column(const Bordered& band, const BlockShape& shape, const float* weight, std::int64_t positions,
                     std::int64_t channel, const Output& output) {
  std::int64_t position = 0;
  // Tiles of 6, and an end in tiles of 5 or 4 rather than one of 1 or 2.
  for (; positions - position >= tile_rows; position += tile_rows) {
    convolve_tile<tile_rows, V>(band, shape, weight, position, channel, output);
  }
  for (; positions - position >= 4; position += 4) {
    convolve_tile<4, V>(band, shape, weight, position, channel, output);
  }
  for (; position < positions; ++position) convolve_tile<1, V>(band, shape, weight, position, channel, output);
}

void convolve_band(const Bordered& band, const BlockShape& shape, const float* packed, std::int64_t rows,
                   const Output& output) {
  const std::int64_t positions = rows * shape.width;
  const std::int64_t depth = shape.kernel * shape.kernel * band.channels;
  for (std::int64_t channel = 0; channel < output.channels; channel += tile_vectors * lanes) {
    const float* weight = packed + channel * depth;
    if (output.channels - channel > lanes) {
      convolve_column<2>(band, shape, weight, positions, channel, output);
    } else {
      convolve_column<1>(band, shape, weight, positions, channel, output);
    }
  }
}

// Adds the band's share to the gradient of the weights: total[kernel row][kernel column][in][padded out].
template <int V>
void weight_gradient_column(const Bordered& input, const Bordered& gradient, const BlockShape& shape,
                            std::int64_t row_begin, std::int64_t row_count, std::int64_t channel, float* total) {
  const std::int64_t run = shape.kernel * shape.in, step = gradient.channels;
  for (std::int64_t row = 0; row < shape.kernel; ++row) {
    const float* x = input.window(row_begin + row, 0);
    const float* g = gradient.centre(row_begin, 0) + channel;
    float* into = total + row * run * step + channel;
    const auto tile = [&]<int P>(std::integral_constant<int, P>, std::int64_t i) {
      outer_product_tile<P, V>(x + i, shape.in, input.row, g, step, gradient.row, row_count, shape.width,
                               into + i * step, step);
    };
    std::int64_t i = 0;
    for (; run - i >= tile_rows; i += tile_rows) tile(std::integral_constant<int, tile_rows>{}, i);
    for (; run - i >= 4; i += 4) tile(std::integral_constant<int, 4>{}, i);
    for (; i < run; ++i) tile(std::integral_constant<int, 1>{}, i);
  }
}

void weight_gradient(const Bordered& input, const Bordered& gradient, const BlockShape& shape, std::int64_t rows,
                     float* total) {
  // Few enough rows at a time that what a tile reads stays in the first-level cache for the next tile.
  constexpr std::int64_t floats = 4 * 1024;
  const std::int64_t step = std::max<std::int64_t>(1, floats / std::max(input.row, gradient.row));
  for (std::int64_t row = 0; row < rows; row += step) {
    const std::int64_t count = std::min(step, rows - row);
    for (std::int64_t channel = 0; channel < gradient.channels; channel += tile_vectors * lanes) {
      if (gradient.channels - channel > lanes) {
        weight_gradient_column<2>(input, gradient, shape, row, count, channel, total);
      } else {
        weight_gradient_column<1>(input, gradient, shape, row, count, channel, total);
      }
    }
  }
}

}  // namespace

void convolve(const BlockShape& shape, const float* x, const float* weight, float* z, float* mean, float* variance) {
  const Bands bands(shape, shape.in);
  const std::int64_t kernel = shape.kernel, image = shape.height * shape.width;
  const Buffer packed = pack_weights(shape.out, kernel, shape.in, shape.in,
                                     [&](std::int64_t o, std::int64_t row, std::int64_t column, std::int64_t i) {
                                       return weight[((o * kernel + row) * kernel + column) * shape.in + i];
                                     });
  ThreadMoments found(shape);
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(bands.total());
    Bordered band(shape, bands.rows(), shape.in);
    BlockMoments own(shape.out);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t begin = bands.begin(unit), rows = bands.end(unit) - begin;
      if (rows <= 0) continue;
      fill_input(shape, x + bands.sample(unit) * image * shape.in, band, begin, begin + rows);
      float* out = z + (bands.sample(unit) * image + begin * shape.width) * shape.out;
      convolve_band(band, shape, packed.get(), rows, {out, nullptr, shape.out});
      own.add(out, rows * shape.width);
    }
    found.put(own.whole());
  }
  found.finish(mean, variance);
}

void convolve_backward(const BlockShape& shape, const float* x, const float* weight, const float* dy, const float* z,
                       const float* scale, const float* shift, const NormGradient& gradient, float* dx,
                       float* dweight) {
  const std::int64_t kernel = shape.kernel, image = shape.height * shape.width, depth = padded(shape.out);
  const Bands bands(shape, std::max(shape.in, depth));
  Buffer packed;
  if (dx) {  // the gradient of x is the gradient of z convolved with the weights turned round
    packed = pack_weights(
        shape.in, kernel, shape.out, depth, [&](std::int64_t i, std::int64_t row, std::int64_t column, std::int64_t o) {
          return weight[((o * kernel + kernel - 1 - row) * kernel + kernel - 1 - column) * shape.in + i];
        });
  }
  const std::int64_t size = kernel * kernel * shape.in * depth;
  const Buffer totals = dweight ? make_zeros(size * shape.threads) : Buffer();
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(bands.total());
    Bordered input(shape, bands.rows(), shape.in), back(shape, bands.rows(), depth);
    float* total = dweight ? totals.get() + size * omp_get_thread_num() : nullptr;
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t begin = bands.begin(unit), end = bands.end(unit), first = bands.sample(unit) * image;
      if (end <= begin) continue;
      const GradientSource source{dy + first * shape.out, z + first * shape.out, scale, shift, gradient};
      fill_gradient(shape, source, back, begin, end);
      if (dweight) {
        fill_input(shape, x + first * shape.in, input, begin, end);
        weight_gradient(input, back, shape, end - begin, total);
      }
      if (dx) {
        const std::int64_t at = (first + begin * shape.width) * shape.in;
        convolve_band(back, shape, packed.get(), end - begin,
                      {dx + at, shape.relu_before ? x + at : nullptr, shape.in});
      }
    }
  }
  for (std::int64_t o = 0; dweight && o < shape.out; ++o) {
    for (std::int64_t i = 0; i < kernel * kernel * shape.in; ++i) {
      float sum = 0;
      for (int thread = 0; thread < shape.threads; ++thread) sum += totals[index(size * thread + i * depth + o)];
      dweight[o * kernel * kernel * shape.in + i] = sum;
    }
  }
}

}  // namespace netwright::kernels
