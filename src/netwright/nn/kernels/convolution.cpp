#include "netwright/nn/kernels/convolution.h"

#include <omp.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "netwright/nn/kernels/convolution_tiles.h"

namespace netwright::kernels {

bool available() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

namespace {

struct Free {
  void operator()(void* pointer) const { std::free(pointer); }
};
using Buffer = std::unique_ptr<float[], Free>;

std::int64_t padded(std::int64_t channels) {
  return (channels + lanes - 1) / lanes * lanes;
}

Buffer make_buffer(std::int64_t floats) {
  const std::int64_t bytes = (floats * 4 + 63) / 64 * 64;
  return Buffer(static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(bytes))));
}

Buffer make_zeros(std::int64_t floats) {
  Buffer buffer = make_buffer(floats);
  std::memset(buffer.get(), 0, static_cast<std::size_t>(floats) * 4);
  return buffer;
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

// The share [first, last) of `units` that falls to the calling thread.
struct Share {
  explicit Share(std::int64_t units) {
    const std::int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    first = units * thread / threads;
    last = units * (thread + 1) / threads;
  }
  std::int64_t first, last;
};

// A band with its border of zeros: `rows` + kernel - 1 rows of width + kernel - 1 pixels of `channels` floats.
struct Bordered {
  Bordered(const BlockShape& shape, std::int64_t rows, std::int64_t channels_)
      : channels(channels_),
        border(shape.kernel / 2),
        row((shape.width + 2 * border) * channels),
        data(make_zeros((rows + 2 * border) * row)),
        windows(static_cast<std::size_t>(rows * shape.width)) {
    for (std::int64_t y = 0; y < rows; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x)
        windows[static_cast<std::size_t>(y * shape.width + x)] = window(y, x);
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
      std::memset(to, 0, static_cast<std::size_t>(shape.width * band.channels) * 4);
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
      std::memcpy(to, from, static_cast<std::size_t>(floats) * 4);
      return;
    }
    std::int64_t i = 0;
    const __m256 zero = _mm256_setzero_ps();
    for (; i + lanes <= floats; i += lanes) _mm256_storeu_ps(to + i, _mm256_max_ps(_mm256_loadu_ps(from + i), zero));
    for (; i < floats; ++i) to[i] = from[i] > 0 ? from[i] : 0;
  });
}

// g: dy where the clamp after the norm let pass.
inline __m256 pass(Clamp clamp, __m256 dy, __m256 z, __m256 scale, __m256 shift) {
  if (clamp == Clamp::none) return dy;
  const __m256 y = _mm256_fmadd_ps(z, scale, shift);
  __m256 open = _mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GT_OQ);
  if (clamp == Clamp::relu6) open = _mm256_and_ps(open, _mm256_cmp_ps(y, _mm256_set1_ps(6), _CMP_LT_OQ));
  return _mm256_and_ps(dy, open);
}

inline __m256 limit(Clamp clamp, __m256 y) {
  if (clamp == Clamp::none) return y;
  y = _mm256_max_ps(y, _mm256_setzero_ps());
  return clamp == Clamp::relu6 ? _mm256_min_ps(y, _mm256_set1_ps(6)) : y;
}

// What the gradient of z is made of, for one sample.
struct GradientSource {
  const float *dy, *z, *scale, *shift;
  NormGradient norm;
};

void fill_gradient(const BlockShape& shape, const GradientSource& source, Bordered& band, std::int64_t begin,
                   std::int64_t end) {
  fill_band(shape, band, begin, end, [&](float* to, std::int64_t y) {
    for (std::int64_t channel = 0; channel < shape.out; channel += lanes) {
      const __m256i mask = mask_of(shape.out - channel);
      const auto by_channel = [&](const float* values) { return _mm256_maskload_ps(values + channel, mask); };
      const __m256 a = by_channel(source.norm.a), b = by_channel(source.norm.b), c = by_channel(source.norm.c);
      const __m256 scale = by_channel(source.scale), shift = by_channel(source.shift);
      const std::int64_t offset = y * shape.width * shape.out + channel;
      for (std::int64_t x = 0; x < shape.width; ++x) {
        const __m256 dy = _mm256_maskload_ps(source.dy + offset + x * shape.out, mask);
        const __m256 z = _mm256_maskload_ps(source.z + offset + x * shape.out, mask);
        const __m256 g = pass(shape.after, dy, z, scale, shift);
        _mm256_store_ps(to + x * band.channels + channel, _mm256_fmadd_ps(a, g, _mm256_fmadd_ps(b, z, c)));
      }
    }
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
  __m256 sums[P][V];
  multiply_tile<P, V>(&band.windows[static_cast<std::size_t>(position)], shape.kernel, shape.kernel * band.channels,
                      band.row, weight, sums);
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    const std::int64_t begin = channel + v * lanes;
    const bool whole = begin + lanes <= output.channels;
    const __m256i mask = mask_of(output.channels - begin);
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const std::int64_t at = (position + p) * output.channels + begin;
      __m256 value = sums[p][v];
      if (output.gate) {
        const __m256 gate = whole ? _mm256_loadu_ps(output.gate + at) : _mm256_maskload_ps(output.gate + at, mask);
        value = _mm256_and_ps(value, _mm256_cmp_ps(gate, _mm256_setzero_ps(), _CMP_GT_OQ));
      }
      if (whole) {
        _mm256_storeu_ps(output.data + at, value);
      } else {
        _mm256_maskstore_ps(output.data + at, mask, value);
      }
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

// Calls body(channel, mask) for vectors of channels, whole ones with all lanes.
template <class Body>
void for_channels(std::int64_t channels, Body body) {
  for (std::int64_t channel = 0; channel < channels; channel += lanes) body(channel, mask_of(channels - channel));
}

// Counts, means and sums of squared deviations, merged pairwise (Chan, Golub & LeVeque 1979).
class Moments {
 public:
  explicit Moments(std::int64_t channels) : channels_(channels), mean_(new double[2 * channels]()) {}

  void merge(double count, const double* mean, const double* squares) {
    const double whole = count_ + count;
    if (whole == 0) return;
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double difference = mean[c] - mean_[c];
      mean_[c] += difference * count / whole;
      mean_[channels_ + c] += squares[c] + difference * difference * count_ * count / whole;
    }
    count_ = whole;
  }
  void merge(const Moments& other) { merge(other.count_, other.mean_.get(), other.mean_.get() + channels_); }
  double mean(std::int64_t channel) const { return mean_[channel]; }
  double variance(std::int64_t channel) const { return mean_[channels_ + channel] / count_; }

 private:
  std::int64_t channels_;
  double count_ = 0;
  std::unique_ptr<double[]> mean_;  // then the squares
};

// Mean and squared deviations of `positions` pixels, in two passes over what the cache still holds.
void band_moments(const float* z, std::int64_t positions, std::int64_t channels, double* mean, double* squares) {
  for_channels(channels, [&](std::int64_t channel, __m256i mask) {
    const auto load = [&](std::int64_t i) { return _mm256_maskload_ps(z + i * channels + channel, mask); };
    __m256 sums[4] = {};
    std::int64_t i = 0;
    for (; i + 4 <= positions; i += 4) {
      for (int k = 0; k < 4; ++k) sums[k] = _mm256_add_ps(sums[k], load(i + k));
    }
    for (; i < positions; ++i) sums[0] = _mm256_add_ps(sums[0], load(i));
    const __m256 sum = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
    const __m256 centre = _mm256_div_ps(sum, _mm256_set1_ps(static_cast<float>(positions)));
    // The deviations' own sum corrects for the rounding of `centre`.
    __m256 deviation[2] = {}, square[2] = {};
    for (i = 0; i < positions; ++i) {
      const __m256 d = _mm256_sub_ps(load(i), centre);
      deviation[i & 1] = _mm256_add_ps(deviation[i & 1], d);
      square[i & 1] = _mm256_fmadd_ps(d, d, square[i & 1]);
    }
    alignas(32) float c[lanes], d[lanes], s[lanes];
    _mm256_store_ps(c, centre);
    _mm256_store_ps(d, _mm256_add_ps(deviation[0], deviation[1]));
    _mm256_store_ps(s, _mm256_add_ps(square[0], square[1]));
    for (std::int64_t k = 0; k < std::min(lanes, channels - channel); ++k) {
      const double correction = static_cast<double>(d[k]) / static_cast<double>(positions);
      mean[channel + k] = static_cast<double>(c[k]) + correction;
      squares[channel + k] = static_cast<double>(s[k]) - static_cast<double>(d[k]) * correction;
    }
  });
}

// Accumulates the moments of one thread's share.
class BandMoments {
 public:
  explicit BandMoments(std::int64_t channels)
      : channels_(channels), whole_(channels), band_(new double[static_cast<std::size_t>(2 * channels)]) {}
  void add(const float* z, std::int64_t positions) {
    band_moments(z, positions, channels_, band_.get(), band_.get() + channels_);
    whole_.merge(static_cast<double>(positions), band_.get(), band_.get() + channels_);
  }
  Moments whole() { return std::move(whole_); }

 private:
  std::int64_t channels_;
  Moments whole_;
  std::unique_ptr<double[]> band_;
};

// What each thread found, merged in the threads' order.
class ThreadMoments {
 public:
  explicit ThreadMoments(const BlockShape& shape) : shape_(shape), found_(static_cast<std::size_t>(shape.threads)) {}
  void put(Moments moments) { found_[static_cast<std::size_t>(omp_get_thread_num())].emplace(std::move(moments)); }
  void finish(float* mean, float* variance) const {
    Moments whole(shape_.out);
    for (const std::optional<Moments>& part : found_) {
      if (part) whole.merge(*part);
    }
    for (std::int64_t c = 0; c < shape_.out; ++c) {
      mean[c] = static_cast<float>(whole.mean(c));
      variance[c] = static_cast<float>(whole.variance(c));
    }
  }

 private:
  const BlockShape& shape_;
  std::vector<std::optional<Moments>> found_;
};

}  // namespace

void convolve(const BlockShape& shape, const float* x, const float* weight, float* z, float* mean, float* variance) {
  const Bands bands(shape, shape.in);
  const std::int64_t kernel = shape.kernel, image = shape.height * shape.width;
  const Buffer packed = pack_weights(shape.out, kernel, shape.in, shape.in,
                                     [&](std::int64_t o, std::int64_t row, std::int64_t column, std::int64_t i) {
                                       return weight[((o * kernel + row) * kernel + column) * shape.in + i];
                                     });
  ThreadMoments moments(shape);
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(bands.total());
    Bordered band(shape, bands.rows(), shape.in);
    BandMoments own(shape.out);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t begin = bands.begin(unit), rows = bands.end(unit) - begin;
      if (rows <= 0) continue;
      fill_input(shape, x + bands.sample(unit) * image * shape.in, band, begin, begin + rows);
      float* out = z + (bands.sample(unit) * image + begin * shape.width) * shape.out;
      convolve_band(band, shape, packed.get(), rows, {out, nullptr, shape.out});
      own.add(out, rows * shape.width);
    }
    moments.put(own.whole());
  }
  moments.finish(mean, variance);
}

void moments(const BlockShape& shape, const float* z, float* mean, float* variance) {
  constexpr std::int64_t block = 256;  // positions: two passes over them, the second from the cache
  const std::int64_t positions = shape.positions();
  ThreadMoments moments(shape);
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share((positions + block - 1) / block);
    BandMoments own(shape.out);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      own.add(z + unit * block * shape.out, std::min(block, positions - unit * block));
    }
    moments.put(own.whole());
  }
  moments.finish(mean, variance);
}

void normalize(const BlockShape& shape, const float* z, const float* scale, const float* shift, float* y) {
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(shape.positions());
    if (shape.out % lanes == 0) {
      for (std::int64_t i = share.first; i < share.last; ++i) {
        for (std::int64_t c = 0; c < shape.out; c += lanes) {
          const __m256 value = _mm256_fmadd_ps(_mm256_loadu_ps(z + i * shape.out + c), _mm256_loadu_ps(scale + c),
                                               _mm256_loadu_ps(shift + c));
          _mm256_storeu_ps(y + i * shape.out + c, limit(shape.after, value));
        }
      }
    } else {
      for (std::int64_t i = share.first; i < share.last; ++i) {
        for_channels(shape.out, [&](std::int64_t c, __m256i mask) {
          const __m256 value =
              _mm256_fmadd_ps(_mm256_maskload_ps(z + i * shape.out + c, mask), _mm256_maskload_ps(scale + c, mask),
                              _mm256_maskload_ps(shift + c, mask));
          _mm256_maskstore_ps(y + i * shape.out + c, mask, limit(shape.after, value));
        });
      }
    }
  }
}

void gradient_sums(const BlockShape& shape, const float* dy, const float* z, const float* mean, const float* scale,
                   const float* shift, double* sum, double* centred) {
  for (std::int64_t c = 0; c < shape.out; ++c) sum[c] = centred[c] = 0;
  const std::int64_t block = 256;  // positions whose float sums go into the doubles
  const std::int64_t blocks = (shape.positions() + block - 1) / block;
  const std::unique_ptr<double[]> totals(new double[static_cast<std::size_t>(2 * shape.out * shape.threads)]());
#pragma omp parallel num_threads(shape.threads)
  {
    double* own = totals.get() + 2 * shape.out * omp_get_thread_num();
    const Share share(blocks);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t begin = unit * block, end = std::min(begin + block, shape.positions());
      for_channels(shape.out, [&](std::int64_t channel, __m256i mask) {
        const __m256 centre = _mm256_maskload_ps(mean + channel, mask);
        const __m256 by = _mm256_maskload_ps(scale + channel, mask), plus = _mm256_maskload_ps(shift + channel, mask);
        __m256 sums[2] = {}, products[2] = {};
        for (std::int64_t i = begin; i < end; ++i) {
          const __m256 value = _mm256_maskload_ps(z + i * shape.out + channel, mask);
          const __m256 g = pass(shape.after, _mm256_maskload_ps(dy + i * shape.out + channel, mask), value, by, plus);
          sums[i & 1] = _mm256_add_ps(sums[i & 1], g);
          products[i & 1] = _mm256_fmadd_ps(g, _mm256_sub_ps(value, centre), products[i & 1]);
        }
        alignas(32) float s[lanes], p[lanes];
        _mm256_store_ps(s, _mm256_add_ps(sums[0], sums[1]));
        _mm256_store_ps(p, _mm256_add_ps(products[0], products[1]));
        for (std::int64_t k = 0; k < std::min(lanes, shape.out - channel); ++k) {
          own[channel + k] += static_cast<double>(s[k]);
          own[shape.out + channel + k] += static_cast<double>(p[k]);
        }
      });
    }
  }
  for (int thread = 0; thread < shape.threads; ++thread) {
    const double* own = totals.get() + 2 * shape.out * thread;
    for (std::int64_t c = 0; c < shape.out; ++c) {
      sum[c] += own[c];
      centred[c] += own[shape.out + c];
    }
  }
}

void norm_backward(const BlockShape& shape, const float* dy, const float* z, const float* scale, const float* shift,
                   const NormGradient& gradient, float* dz) {
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(shape.positions());
    for (std::int64_t i = share.first; i < share.last; ++i) {
      for_channels(shape.out, [&](std::int64_t c, __m256i mask) {
        const auto load = [&](const float* values) { return _mm256_maskload_ps(values + c, mask); };
        const __m256 value = load(z + i * shape.out);
        const __m256 g = pass(shape.after, load(dy + i * shape.out), value, load(scale), load(shift));
        _mm256_maskstore_ps(
            dz + i * shape.out + c, mask,
            _mm256_fmadd_ps(load(gradient.a), g, _mm256_fmadd_ps(load(gradient.b), value, load(gradient.c))));
      });
    }
  }
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
  const Buffer totals = make_zeros(size * shape.threads);
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(bands.total());
    Bordered input(shape, bands.rows(), shape.in), back(shape, bands.rows(), depth);
    float* total = totals.get() + size * omp_get_thread_num();
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t begin = bands.begin(unit), end = bands.end(unit), first = bands.sample(unit) * image;
      if (end <= begin) continue;
      const GradientSource source{dy + first * shape.out, z + first * shape.out, scale, shift, gradient};
      fill_gradient(shape, source, back, begin, end);
      fill_input(shape, x + first * shape.in, input, begin, end);
      weight_gradient(input, back, shape, end - begin, total);
      if (dx) {
        const std::int64_t at = (first + begin * shape.width) * shape.in;
        convolve_band(back, shape, packed.get(), end - begin,
                      {dx + at, shape.relu_before ? x + at : nullptr, shape.in});
      }
    }
  }
  for (std::int64_t o = 0; o < shape.out; ++o) {
    for (std::int64_t i = 0; i < kernel * kernel * shape.in; ++i) {
      float sum = 0;
      for (int thread = 0; thread < shape.threads; ++thread)
        sum += totals[static_cast<std::size_t>(size * thread + i * depth + o)];
      dweight[o * kernel * kernel * shape.in + i] = sum;
    }
  }
}

}  // namespace netwright::kernels
