// Batch norm: statistics, and passes over memory.
#include "netwright/nn/kernels/parts.h"

namespace netwright::kernels {

void Moments::merge(double count, const std::vector<double>& mean, const std::vector<double>& squares) {
  const double whole = count_ + count;
  if (whole == 0) return;
  for (std::size_t c = 0; c < mean_.size(); ++c) {
    const double difference = mean[c] - mean_[c];
    mean_[c] += difference * count / whole;
    squares_[c] += squares[c] + difference * difference * count_ * count / whole;
  }
  count_ = whole;
}

void BlockMoments::add(const float* z, std::int64_t positions) {
  for_channels(channels_, [&](std::int64_t channel, std::int64_t count) {
    const auto value = [&](std::int64_t i) { return load(z + i * channels_ + channel, count); };
    Vector sums[4] = {};
    for_quads(0, positions, [&](std::int64_t i, int k) { sums[k] += value(i); });
    const Vector centre = total(sums) / static_cast<float>(positions);
    Vector deviations[4] = {}, squares[4] = {};
    for_quads(0, positions, [&](std::int64_t i, int k) {
      const Vector deviation = value(i) - centre;
      deviations[k] += deviation;
      squares[k] = multiply_add(deviation, deviation, squares[k]);
    });
    const Vector deviation = total(deviations), square = total(squares);
    for (int k = 0; k < count; ++k) {
      // The deviations' own mean is what rounding took from `centre`.
      const double rest = static_cast<double>(deviation[k]) / static_cast<double>(positions);
      mean_[index(channel + k)] = static_cast<double>(centre[k]) + rest;
      squares_[index(channel + k)] = static_cast<double>(square[k]) - static_cast<double>(deviation[k]) * rest;
    }
  });
  whole_.merge(static_cast<double>(positions), mean_, squares_);
}

void ThreadMoments::finish(float* mean, float* variance) const {
  Moments whole(channels_);
  for (const std::optional<Moments>& part : found_) {
    if (part) whole.merge(*part);
  }
  for (std::int64_t c = 0; c < channels_; ++c) {
    mean[c] = static_cast<float>(whole.mean(c));
    variance[c] = static_cast<float>(whole.variance(c));
  }
}

void moments(const BlockShape& shape, const float* z, float* mean, float* variance) {
  constexpr std::int64_t block = 256;  // positions
  const std::int64_t positions = shape.positions();
  ThreadMoments found(shape);
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share((positions + block - 1) / block);
    BlockMoments own(shape.out);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      own.add(z + unit * block * shape.out, std::min(block, positions - unit * block));
    }
    found.put(own.whole());
  }
  found.finish(mean, variance);
}

void normalize(const BlockShape& shape, const float* z, const float* scale, const float* shift, float* y) {
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(shape.positions());
    for (std::int64_t i = share.first; i < share.last; ++i) {
      for_channels(shape.out, [&](std::int64_t c, std::int64_t count) {
        const Vector value =
            multiply_add(load(z + i * shape.out + c, count), load(scale + c, count), load(shift + c, count));
        store(y + i * shape.out + c, limit(shape.after, value), count);
      });
    }
  }
}

void gradient_sums(const BlockShape& shape, const float* dy, const float* z, const float* mean, const float* scale,
                   const float* shift, double* sum, double* centred) {
  constexpr std::int64_t block = 256;  // positions whose float sums go into the doubles
  const std::int64_t positions = shape.positions();
  std::vector<double> totals(index(2 * shape.out * shape.threads));
#pragma omp parallel num_threads(shape.threads)
  {
    double* own = totals.data() + 2 * shape.out * omp_get_thread_num();
    const Share share((positions + block - 1) / block);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t begin = unit * block, end = std::min(begin + block, positions);
      for_channels(shape.out, [&](std::int64_t channel, std::int64_t count) {
        const Vector centre = load(mean + channel, count);
        const Vector by = load(scale + channel, count), plus = load(shift + channel, count);
        Vector sums[4] = {}, products[4] = {};
        for_quads(begin, end, [&](std::int64_t i, int k) {
          const Vector value = load(z + i * shape.out + channel, count);
          const Vector g = pass(shape.after, load(dy + i * shape.out + channel, count), value, by, plus);
          sums[k] += g;
          products[k] = multiply_add(g, value - centre, products[k]);
        });
        const Vector s = total(sums), p = total(products);
        for (int k = 0; k < count; ++k) {
          own[channel + k] += static_cast<double>(s[k]);
          own[shape.out + channel + k] += static_cast<double>(p[k]);
        }
      });
    }
  }
  for (std::int64_t c = 0; c < shape.out; ++c) {
    sum[c] = centred[c] = 0;
    for (std::int64_t thread = 0; thread < shape.threads; ++thread) {
      sum[c] += totals[index(2 * shape.out * thread + c)];
      centred[c] += totals[index(2 * shape.out * thread + shape.out + c)];
    }
  }
}

void norm_backward(const BlockShape& shape, const float* dy, const float* z, const float* scale, const float* shift,
                   const NormGradient& gradient, float* dz) {
#pragma omp parallel num_threads(shape.threads)
  {
    const Share share(shape.positions());
    for (std::int64_t i = share.first; i < share.last; ++i) {
      for_channels(shape.out, [&](std::int64_t c, std::int64_t count) {
        const Vector value = load(z + i * shape.out + c, count);
        const Vector g = pass(shape.after, load(dy + i * shape.out + c, count), value, load(scale + c, count),
                              load(shift + c, count));
        const Vector rest = multiply_add(load(gradient.b + c, count), value, load(gradient.c + c, count));
        store(dz + i * shape.out + c, multiply_add(load(gradient.a + c, count), g, rest), count);
      });
    }
  }
}

}  // namespace netwright::kernels
