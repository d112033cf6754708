// pool.h for one width of vectors: included by the translation unit of each (see simd.h).
#include <omp.h>

#include "netwright/nn/kernels/moments.h"
#include "netwright/nn/kernels/pool.h"
#include "netwright/nn/kernels/weighted_sum_work.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {
namespace {

template <class T>
struct PoolWork {
  struct Thread {
    PartialMoments<T> moments;
    double *sum, *centred;
  };
  std::int64_t padded;
  Thread* threads;
  T *scale, *shift;  // forward: y = z * scale + shift
  T *a, *b, *c;      // backward: gradient of z = a * g + b * y + c
  int threads_used = 0;

  PoolWork(const Pooling<T>& pooling, Carver& carver)
      : padded(in_vectors<T>(pooling.channels) * lane_count<T>), threads(carver.take<Thread>(pooling.threads)) {
    for (int t = 0; t < pooling.threads; ++t) {
      Thread own{};
      own.moments.shift = carver.take<T>(padded);
      own.moments.first = carver.take<double>(padded);
      own.moments.second = carver.take<double>(padded);
      own.sum = own.moments.first;
      own.centred = own.moments.second;
      if (threads) threads[t] = own;
    }
    scale = a = carver.take<T>(padded);
    shift = b = carver.take<T>(padded);
    c = carver.take<T>(padded);
  }
};

// The window's rows or columns that fall within the image.
struct Window {
  Window(std::int64_t at, std::int64_t stride, std::int64_t size)
      : first(at * stride > 0 ? at * stride - 1 : 0), last(at * stride + 1 < size ? at * stride + 1 : size - 1) {}
  std::int64_t first, last;
  std::int64_t count() const { return last - first + 1; }
};

template <class T>
void pool_row(const Pooling<T>& pooling, const T* x, std::int64_t y, T* to) {
  const std::int64_t channels = pooling.channels;
  const Window rows(y, pooling.stride, pooling.height);
  for (std::int64_t column = 0; column < pooling.out_width(); ++column, to += channels) {
    const Window columns(column, pooling.stride, pooling.width);
    const T share = T(1) / static_cast<T>(rows.count() * columns.count());
    for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
      Lanes<T> found = load(x + (rows.first * pooling.width + columns.first) * channels + c, count);
      if (pooling.average) found = Lanes<T>{};
      for (std::int64_t i = rows.first; i <= rows.last; ++i) {
        for (std::int64_t j = columns.first; j <= columns.last; ++j) {
          const Lanes<T> value = load(x + (i * pooling.width + j) * channels + c, count);
          if (pooling.average) {
            found += value;
          } else {
            found = value > found || value != value ? value : found;
          }
        }
      }
      store(to + c, pooling.average ? found * spread(share) : found, count);
    });
  }
}

template <class T>
void pool_forward(const Pooling<T>& pooling, void* scratch) {
  Carver carver(scratch);
  PoolWork<T> work(pooling, carver);
  const std::int64_t channels = pooling.channels, out_row = pooling.out_width() * channels;
  const std::int64_t in = pooling.height * pooling.width * channels, out = pooling.out_height() * out_row;
#pragma omp parallel num_threads(pooling.threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const SampleShare samples(pooling.samples, thread, threads);
    for (std::int64_t n = samples.first; n < samples.last; ++n) {
      for (std::int64_t y = 0; y < pooling.out_height(); ++y) {
        T* to = pooling.y + n * out + y * out_row;
        pool_row(pooling, pooling.x + n * in, y, to);
        if (pooling.normalize) add_moments(work.threads[thread].moments, to, pooling.out_width(), channels);
      }
    }
    if (pooling.normalize) {
#pragma omp barrier
#pragma omp single
      {
        merge_moments<T>(pooling.norm, threads, channels,
                         [&](int t) -> const PartialMoments<T>& { return work.threads[t].moments; });
        for (std::int64_t c = 0; c < work.padded; ++c) {
          work.scale[c] = c < channels ? pooling.norm.inverse[c] : T(0);
          work.shift[c] = c < channels ? -pooling.norm.mean[c] * pooling.norm.inverse[c] : T(0);
        }
      }
      for (std::int64_t i = samples.first * out; i < samples.last * out; i += channels) {
        for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
          T* at = pooling.y + i + c;
          store(at, load(at, count) * load(work.scale + c) + load(work.shift + c), count);
        });
      }
    }
  }
}

// Gives a gradient to the positions of one window: to all alike, or to the first that has the largest value.
template <class T>
void give_back(const Pooling<T>& pooling, const T* x, T* to, const Window& rows, const Window& columns, std::int64_t c,
               std::int64_t count, Lanes<T> gradient) {
  const auto at = [&](std::int64_t i, std::int64_t j) { return (i * pooling.width + j) * pooling.channels + c; };
  if (pooling.average) {
    gradient *= spread(T(1) / static_cast<T>(rows.count() * columns.count()));
    for (std::int64_t i = rows.first; i <= rows.last; ++i) {
      for (std::int64_t j = columns.first; j <= columns.last; ++j) {
        store(to + at(i, j), load(to + at(i, j), count) + gradient, count);
      }
    }
    return;
  }
  Lanes<T> largest = load(x + at(rows.first, columns.first), count), place{};  // numbered as they are passed
  T number = 0;
  for (std::int64_t i = rows.first; i <= rows.last; ++i) {
    for (std::int64_t j = columns.first; j <= columns.last; ++j, number += 1) {
      const Lanes<T> value = load(x + at(i, j), count);
      const auto take = value > largest || value != value;
      largest = take ? value : largest;
      place = take ? spread(number) : place;
    }
  }
  number = 0;
  for (std::int64_t i = rows.first; i <= rows.last; ++i) {
    for (std::int64_t j = columns.first; j <= columns.last; ++j, number += 1) {
      const Lanes<T> given = place == spread(number) ? gradient : Lanes<T>{};
      store(to + at(i, j), load(to + at(i, j), count) + given, count);
    }
  }
}

// The factors of z's gradient, a * g + b * y + c, with y the normalised z: (z - mean) / deviation.
template <class T>
void set_factors(const Pooling<T>& pooling, PoolWork<T>& work) {
  const auto positions = static_cast<double>(pooling.samples * pooling.out_height() * pooling.out_width());
  for (std::int64_t c = 0; c < work.padded; ++c) {
    work.a[c] = work.b[c] = work.c[c] = 0;
    if (c >= pooling.channels) continue;
    double total = 0, product = 0;
    for (int t = 0; t < work.threads_used; ++t) {
      total += work.threads[t].sum[c];
      product += work.threads[t].centred[c];
    }
    const double a = static_cast<double>(pooling.norm.inverse[c]);
    work.a[c] = static_cast<T>(a);
    work.b[c] = static_cast<T>(-a * product / positions);
    work.c[c] = static_cast<T>(-a * total / positions);
  }
}

template <class T>
void pool_backward_sample(const Pooling<T>& pooling, const PoolWork<T>& work, std::int64_t n) {
  const std::int64_t channels = pooling.channels;
  const std::int64_t in = pooling.height * pooling.width * channels;
  const std::int64_t out = pooling.out_height() * pooling.out_width() * channels;
  const T* x = pooling.average ? nullptr : pooling.x + n * in;
  T* to = pooling.x_gradient + n * in;
  std::memset(to, 0, static_cast<std::size_t>(in) * sizeof(T));
  std::int64_t i = n * out;
  for (std::int64_t y = 0; y < pooling.out_height(); ++y) {
    const Window rows(y, pooling.stride, pooling.height);
    for (std::int64_t column = 0; column < pooling.out_width(); ++column, i += channels) {
      const Window columns(column, pooling.stride, pooling.width);
      for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
        Lanes<T> gradient = load(pooling.gradient + i + c, count);
        if (pooling.normalize) {
          gradient =
              load(work.a + c) * gradient + (load(work.b + c) * load(pooling.y + i + c, count) + load(work.c + c));
        }
        give_back(pooling, x, to, rows, columns, c, count, gradient);
      });
    }
  }
}

template <class T>
void pool_backward(const Pooling<T>& pooling, void* scratch) {
  Carver carver(scratch);
  PoolWork<T> work(pooling, carver);
  const std::int64_t positions = pooling.out_height() * pooling.out_width();
#pragma omp parallel num_threads(pooling.threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const SampleShare samples(pooling.samples, thread, threads);
    if (pooling.normalize) {
      typename PoolWork<T>::Thread& own = work.threads[thread];
      for (std::int64_t c = 0; c < work.padded; ++c) own.sum[c] = own.centred[c] = 0;
      constexpr std::int64_t block = 256;
      const std::int64_t last = samples.last * positions;
      for (std::int64_t i = samples.first * positions; i < last; i += block) {
        add_gradient_sums<T>(pooling.gradient, pooling.y, nullptr, i, i + block < last ? i + block : last,
                             pooling.channels, own.sum, own.centred);
      }
#pragma omp barrier
#pragma omp single
      {
        work.threads_used = threads;
        set_factors(pooling, work);
      }
    }
    for (std::int64_t n = samples.first; n < samples.last; ++n) pool_backward_sample(pooling, work, n);
  }
}

template <class T>
std::size_t pool_scratch_bytes(const Pooling<T>& pooling) {
  Carver carver(nullptr);
  const PoolWork<T> work(pooling, carver);
  (void)work;
  return carver.used();
}

}  // namespace

extern const PoolingKernels<float> pooling_floats;
extern const PoolingKernels<double> pooling_doubles;
const PoolingKernels<float> pooling_floats = {pool_scratch_bytes<float>, pool_forward<float>, pool_backward<float>};
const PoolingKernels<double> pooling_doubles = {pool_scratch_bytes<double>, pool_forward<double>,
                                                pool_backward<double>};

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
