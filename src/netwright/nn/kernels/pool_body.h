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
    T *columns, *places;   // of one row of windows, an input column each: what is in it, and for maxima in which row
    T *windows, *origins;  // backward: a window each: its gradient, and for maxima where in it the largest value is
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
      own.columns = carver.take<T>(pooling.width * padded);
      own.places = carver.take<T>(pooling.width * padded);
      own.windows = carver.take<T>(pooling.out_width() * padded);
      own.origins = carver.take<T>(pooling.out_width() * padded);
      if (threads) threads[t] = own;
    }
    scale = a = carver.take<T>(padded);
    shift = b = carver.take<T>(padded);
    c = carver.take<T>(padded);
  }
};

// A window's rows or columns that fall within the image; `nominal` is where it begins, padding included.
struct Window {
  Window(std::int64_t at, std::int64_t stride, std::int64_t size)
      : nominal(at * stride - 1), first(nominal > 0 ? nominal : 0), last(nominal + 2 < size ? nominal + 2 : size - 1) {}
  std::int64_t nominal, first, last;
  std::int64_t count() const { return last - first + 1; }
};

// Where b is taken rather than a: NaN is passed on.
template <class T>
auto is_larger(Lanes<T> b, Lanes<T> a) {
  return b > a || b != b;
}

// Of each column what a row of windows sees in it: the sum, or the largest value and, where `places` is wanted, the
// first row of the window that has it.
template <class T>
void gather_columns(const Pooling<T>& pooling, const T* x, const Window& rows, std::int64_t padded, T* columns,
                    T* places) {
  const std::int64_t channels = pooling.channels, row = pooling.width * channels;
  for (std::int64_t j = 0; j < pooling.width; ++j) {
    for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
      const T* at = x + rows.first * row + j * channels + c;
      Lanes<T> found = load(at, count), place = spread(static_cast<T>(rows.first - rows.nominal));
      for (std::int64_t i = rows.first + 1; i <= rows.last; ++i) {
        at += row;
        const Lanes<T> value = load(at, count);
        if (pooling.average) {
          found += value;
          continue;
        }
        const auto take = is_larger<T>(value, found);
        found = take ? value : found;
        if (places) place = take ? spread(static_cast<T>(i - rows.nominal)) : place;
      }
      store(columns + j * padded + c, found);
      if (places) store(places + j * padded + c, place);
    });
  }
}

template <class T>
void pool_row(const Pooling<T>& pooling, const T* x, std::int64_t y, std::int64_t padded, T* values, T* to) {
  const std::int64_t channels = pooling.channels;
  const Window rows(y, pooling.stride, pooling.height);
  gather_columns<T>(pooling, x, rows, padded, values, nullptr);
  for (std::int64_t column = 0; column < pooling.out_width(); ++column, to += channels) {
    const Window columns(column, pooling.stride, pooling.width);
    const T share = T(1) / static_cast<T>(rows.count() * columns.count());
    for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
      Lanes<T> found = load(values + columns.first * padded + c);
      for (std::int64_t j = columns.first + 1; j <= columns.last; ++j) {
        const Lanes<T> value = load(values + j * padded + c);
        found = pooling.average ? found + value : is_larger<T>(value, found) ? value : found;
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
        pool_row(pooling, pooling.x + n * in, y, work.padded, work.threads[thread].columns, to);
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

// The factors of z's gradient, a * g + b * y + c, with y the normalised z: (z - mean) / deviation.
template <class T>
void set_factors(const Pooling<T>& pooling, PoolWork<T>& work) {
  const auto positions = static_cast<double>(pooling.samples * pooling.out_height() * pooling.out_width());
  for (std::int64_t c = 0; c < work.padded; ++c) {
    work.a[c] = work.b[c] = work.c[c] = 0;
    if (c >= pooling.channels) continue;
    double total = pooling.totals ? pooling.totals[c] : 0, product = pooling.totals ? pooling.products[c] : 0;
    for (int t = 0; t < work.threads_used && !pooling.totals; ++t) {
      total += work.threads[t].sum[c];
      product += work.threads[t].centred[c];
    }
    const double a = static_cast<double>(pooling.norm.inverse[c]);
    work.a[c] = static_cast<T>(a);
    work.b[c] = static_cast<T>(-a * product / positions);
    work.c[c] = static_cast<T>(-a * total / positions);
  }
}

// Of each window of a row the largest value's place: 3 * row + column of the window, the first in reading order.
template <class T>
void find_origins(const Pooling<T>& pooling, std::int64_t padded, typename PoolWork<T>::Thread& own) {
  for (std::int64_t column = 0; column < pooling.out_width(); ++column) {
    const Window columns(column, pooling.stride, pooling.width);
    for (std::int64_t c = 0; c < padded; c += lane_count<T>) {
      Lanes<T> largest = load(own.columns + columns.first * padded + c);
      Lanes<T> row = load(own.places + columns.first * padded + c);
      Lanes<T> place = row * 3 + static_cast<T>(columns.first - columns.nominal);
      for (std::int64_t j = columns.first + 1; j <= columns.last; ++j) {
        const Lanes<T> value = load(own.columns + j * padded + c), other = load(own.places + j * padded + c);
        const auto take = is_larger<T>(value, largest) || (value == largest && other < row);
        largest = take ? value : largest;
        row = take ? other : row;
        place = take ? other * 3 + static_cast<T>(j - columns.nominal) : place;
      }
      store(own.origins + column * padded + c, place);
    }
  }
}

// The gradients of a row of windows, of which each column of the image gets its part: of averages the same in every
// row, of maxima where the largest value came from.
template <class T>
void give_back(const Pooling<T>& pooling, const Window& rows, std::int64_t padded,
               const typename PoolWork<T>::Thread& own, T* to) {
  const std::int64_t channels = pooling.channels, stride = pooling.stride, last_window = pooling.out_width() - 1;
  for (std::int64_t j = 0; j < pooling.width; ++j) {
    const std::int64_t first = j > 0 ? (j - 1 + stride - 1) / stride : 0;  // the windows that hold the column
    const std::int64_t last = (j + 1) / stride < last_window ? (j + 1) / stride : last_window;
    for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
      // Not an array: it would be cleared by a string instruction, a third of all that pools take.
      Lanes<T> upper{}, middle{}, lower{};
      for (std::int64_t w = first; w <= last; ++w) {
        const Lanes<T> gradient = load(own.windows + w * padded + c);
        if (pooling.average) {
          upper += gradient;
          continue;
        }
        const Lanes<T> origin = load(own.origins + w * padded + c) - static_cast<T>(j - (w * stride - 1));
        upper += origin == spread(T(0)) ? gradient : Lanes<T>{};
        middle += origin == spread(T(3)) ? gradient : Lanes<T>{};
        lower += origin == spread(T(6)) ? gradient : Lanes<T>{};
      }
      if (pooling.average) middle = lower = upper;
      T* at = to + (rows.nominal * pooling.width + j) * channels + c;
      const std::int64_t row = pooling.width * channels;
      if (rows.first == rows.nominal) store(at, load(at, count) + upper, count);
      store(at + row, load(at + row, count) + middle, count);
      if (rows.last == rows.nominal + 2) store(at + 2 * row, load(at + 2 * row, count) + lower, count);
    });
  }
}

template <class T>
void pool_backward_sample(const Pooling<T>& pooling, const PoolWork<T>& work, typename PoolWork<T>::Thread& own,
                          std::int64_t n) {
  const std::int64_t channels = pooling.channels;
  const std::int64_t in = pooling.height * pooling.width * channels;
  const std::int64_t out = pooling.out_height() * pooling.out_width() * channels;
  T* to = pooling.x_gradient + n * in;
  if (!pooling.add) std::memset(to, 0, static_cast<std::size_t>(in) * sizeof(T));
  std::int64_t i = n * out;
  for (std::int64_t y = 0; y < pooling.out_height(); ++y) {
    const Window rows(y, pooling.stride, pooling.height);
    for (std::int64_t column = 0; column < pooling.out_width(); ++column, i += channels) {
      const Window columns(column, pooling.stride, pooling.width);
      const T share = pooling.average ? T(1) / static_cast<T>(rows.count() * columns.count()) : T(1);
      for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
        Lanes<T> gradient = spread(pooling.gradient_weights[0]) * load(pooling.gradients[0] + i + c, count);
        for (int k = 1; k < pooling.gradient_count; ++k) {
          gradient += spread(pooling.gradient_weights[k]) * load(pooling.gradients[k] + i + c, count);
        }
        if (pooling.normalize) {
          gradient =
              load(work.a + c) * gradient + (load(work.b + c) * load(pooling.y + i + c, count) + load(work.c + c));
        }
        store(own.windows + column * work.padded + c, gradient * spread(share));
      });
    }
    if (!pooling.average) {
      gather_columns<T>(pooling, pooling.x + n * in, rows, work.padded, own.columns, own.places);
      find_origins(pooling, work.padded, own);
    }
    give_back(pooling, rows, work.padded, own, to);
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
      for (std::int64_t i = samples.first * positions; i < last && !pooling.totals; i += block) {
        add_gradient_sums<T>(pooling.gradients[0], pooling.y, nullptr, i, i + block < last ? i + block : last,
                             pooling.channels, own.sum, own.centred);
      }
#pragma omp barrier
#pragma omp single
      {
        work.threads_used = threads;
        set_factors(pooling, work);
      }
    }
    for (std::int64_t n = samples.first; n < samples.last; ++n)
      pool_backward_sample(pooling, work, work.threads[thread], n);
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
