// The backward pass of weighted_sum.h, for one width of vectors. See simd.h for who may include it.
#pragma once

#include "netwright/nn/kernels/weighted_sum_norms.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {
namespace {

enum class Into { nothing, fresh, sums };

// One half of a reduction back, for a band of rows whose gradient of z is in own.gradient_band.
template <class T, class Z>
void back_half(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const T* transposed, ThreadWork<T>& own, T* total,
               std::int64_t odd, std::int64_t y, std::int64_t rows, Into into) {
  const std::int64_t channels = sum.channels, padded = work.padded, pixels = rows * sum.width;
  const std::int64_t first = odd ? channels / 2 : 0, out = odd ? channels - first : channels / 2;
  const T* gradient = own.gradient_band + first;
  if (total) {
    gather(sum, own.input, odd, y, rows, own.band);
    outer_product(own.band, gradient, padded, pixels, channels, out, total);
  }
  if (into == Into::nothing) return;
  const std::int64_t height = own.input.height, width = own.input.width;
  pointwise<T>(gradient, padded, pixels, out, transposed, padded / lane_count<T>,
               [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                 const std::int64_t i = 2 * (y + pixel / sum.width) + odd, j = 2 * (pixel % sum.width) + odd;
                 if (i >= height || j >= width) return;
                 T* at = own.sums + (i * width + j) * padded + v * lane_count<T>;
                 store(at, load(at) + value);
               });
}

template <class T, class Z>
void back_reduction(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const StageWork<T>& stage, ThreadWork<T>& own,
                    StageSums<T>& totals, const T* g, const Z* z, Into into) {
  const std::int64_t channels = sum.channels, padded = work.padded;
  if (into == Into::fresh) {
    std::memset(own.sums, 0, static_cast<std::size_t>(own.input.height * own.input.width * padded) * sizeof(T));
  }
  for (std::int64_t y = 0; y < sum.height; y += work.band_rows) {
    const std::int64_t rows = y + work.band_rows <= sum.height ? work.band_rows : sum.height - y;
    const std::int64_t at = y * sum.width * channels;
    gradient_band(stage, g + at, z + at, rows * sum.width, channels, padded, own.gradient_band);
    back_half(sum, work, stage.turned, own, totals.depthwise, 0, y, rows, into);
    back_half(sum, work, stage.transposed, own, totals.pointwise, 1, y, rows, into);
  }
}

// One sample back through a stage whose input is in own.input: gradients of the weights are added to, and that of the
// input is written or added to own.sums, or not wanted.
template <class T, class Z>
void back_stage(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const StageWork<T>& stage, ThreadWork<T>& own,
                StageSums<T>& totals, const T* g, const Z* z, int stride, Into into) {
  const std::int64_t channels = sum.channels, padded = work.padded, vectors = padded / lane_count<T>;
  for (std::int64_t y = 0; y < sum.height; y += work.band_rows) {
    const std::int64_t rows = y + work.band_rows <= sum.height ? work.band_rows : sum.height - y;
    const std::int64_t pixels = rows * sum.width, at = y * sum.width * channels;
    gradient_band(stage, g + at, z + at, pixels, channels, padded, own.gradient_band);
    if (totals.pointwise) {
      for (std::int64_t r = 0; r < rows; ++r) {
        stage.kernel.row(own.input, y + r, stage.depthwise, own.band + r * sum.width * padded, sum.width, false);
      }
      outer_product(own.band, own.gradient_band, padded, pixels, channels, channels, totals.pointwise);
    }
    T* to = own.gradient.at(y, 0);
    pointwise<T>(own.gradient_band, padded, pixels, channels, stage.transposed, vectors,
                 [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                   store(to + own.offsets[pixel] + v * lane_count<T>, value);
                 });
  }
  if (totals.depthwise) stage.kernel.weight_gradient(own.input, own.gradient, totals.depthwise);
  if (into == Into::nothing) return;
  const Image<T>* from = &own.gradient;
  if (stride == 2) {
    for (std::int64_t y = 0; y < sum.height; ++y) {
      for (std::int64_t x = 0; x < sum.width; ++x) {
        std::memcpy(own.stuffed.at(2 * y, 2 * x), own.gradient.at(y, x), static_cast<std::size_t>(padded) * sizeof(T));
      }
    }
    from = &own.stuffed;
  }
  for (std::int64_t y = 0; y < own.input.height; ++y) {
    stage.kernel.back_row(*from, y, stage.turned, own.sums + y * own.input.width * padded, own.input.width,
                          into == Into::sums);
  }
}

template <class T, class Z>
void clear_sums(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, ThreadWork<T>& own) {
  const auto clear = [](auto* numbers, std::int64_t count) {
    if (numbers) std::memset(numbers, 0, static_cast<std::size_t>(count) * sizeof *numbers);
  };
  for (int k = 0; k < sum.term_count; ++k) {
    for (int s = 0; s < (sum.terms[k].stages > 0 ? sum.terms[k].stages : 1); ++s) {
      StageSums<T>& sums = own.stages[2 * k + s];
      const Stage<T, Z>& stage = sum.terms[k].stage[s];
      clear(sums.sum, work.padded);
      clear(sums.centred, work.padded);
      clear(sums.depthwise, depthwise_numbers(sum, stage, work.padded));
      clear(sums.pointwise, sum.channels * work.padded);
    }
  }
  if (!has_separable(sum)) return;
  reshape(own.gradient, sum.height, sum.width);
  for (std::int64_t p = 0; p < work.band_rows * sum.width; ++p) {
    own.offsets[p] = p / sum.width * own.gradient.row() + p % sum.width * work.padded;
  }
}

// What comes out of own.sums at a position where the ReLU let the input pass.
template <class T>
Lanes<T> passed(const T* input, const T* gradient) {
  return load(input) <= Lanes<T>{} ? Lanes<T>{} : load(gradient);
}

// The gradient of one sample of what the ReLU after a first stage's norm gives, masked by it, and its sums `total` of g
// and `centred` of g * (z - mean). Without a scale what passed the ReLU is (z - mean) * inverse, so own.input serves
// for that sum until it is divided by `inverse`; with one, z is read.
template <bool Scaled, class T, class Z>
void mask_first(const WeightedSum<T, Z>& sum, const ThreadWork<T>& own, std::int64_t padded, const Z* z, const T* means,
                T* back, double* total, double* centred) {
  const std::int64_t channels = sum.channels;
  for (std::int64_t y = 0; y < sum.height; ++y) {
    for_channel_pairs<T>(channels, [&]<int Vectors>(std::int64_t c, std::int64_t count) {
      const T *input = own.input.at(y, 0) + c, *gradient = own.sums + y * sum.width * padded + c;
      const std::int64_t row = y * sum.width * channels + c;
      Lanes<T> sums[Vectors] = {}, products[Vectors] = {}, mean[Vectors] = {};
      for (int v = 0; v < Vectors && Scaled; ++v) mean[v] = load(means + c + v * lane_count<T>, count);
      for (std::int64_t x = 0; x < sum.width; ++x) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
          const std::int64_t at = x * padded + v * lane_count<T>, dense = row + x * channels + v * lane_count<T>;
          const Lanes<T> g = passed(input + at, gradient + at);
          store(back + dense, g, count);
          sums[v] += g;
          products[v] += g * (Scaled ? load(z + dense, count) - mean[v] : load(input + at));
        }
      }
      for (int v = 0; v < Vectors; ++v) {
        for (std::int64_t k = 0; k < count; ++k) {
          total[c + v * lane_count<T> + k] += static_cast<double>(sums[v][k]);
          centred[c + v * lane_count<T> + k] += static_cast<double>(products[v][k]);
        }
      }
    });
  }
}

template <class T, class Z>
void back_second_stages(const WeightedSum<T, Z>& sum, Work<T, Z>& work, const Group& group, ThreadWork<T>& own,
                        SampleShare share) {
  const std::int64_t channels = sum.channels, sample = sum.height * sum.width * channels;
  reshape(own.input, sum.height, sum.width);
  for (int i = group.first; i < group.others; ++i) {
    const int k = work.order[i];
    const Term<T, Z>& term = sum.terms[k];
    if (term.stages < 2) continue;
    const StageWork<T>&first = work.stages[2 * k], &second = work.stages[2 * k + 1];
    StageSums<T>& sums = own.stages[2 * k];
    const Statistics<T>& norm = term.stage[0].norm;
    const bool scaled = term.stage[0].gamma != nullptr;
    for (std::int64_t n = share.first; n < share.last; ++n) {
      fill(own.input, term.stage[0].z + n * sample, channels, first.scale, first.shift);
      back_stage(sum, work, second, own, own.stages[2 * k + 1], sum.gradient + n * sample, term.stage[1].z + n * sample,
                 1, Into::fresh);
      const auto mask = scaled ? mask_first<true, T, Z> : mask_first<false, T, Z>;
      mask(sum, own, work.padded, term.stage[0].z + n * sample, norm.mean, first.back + n * sample, sums.sum,
           sums.centred);
    }
    if (scaled) continue;
    for (std::int64_t c = 0; c < channels; ++c) sums.centred[c] /= static_cast<double>(norm.inverse[c]);
  }
}

// The gradient of one sample of a source: what came through the separable terms' ReLU, and the identities.
template <class T, class Z>
void write_source(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const ThreadWork<T>& own, int number,
                  bool separable, T identity, std::int64_t n) {
  const SumSource<T>& source = sum.sources[number];
  const std::int64_t channels = sum.channels, sample = source.height * source.width * channels;
  T* to = source.gradient + n * sample;
  const T* g = identity != T(0) ? sum.gradient + n * sample : nullptr;  // of the same size as the source
  for (std::int64_t y = 0; y < source.height; ++y) {
    for (std::int64_t x = 0; x < source.width; ++x) {
      const std::int64_t i = y * source.width + x;
      for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
        Lanes<T> value{};
        if (separable) value = passed(own.input.at(y, x) + c, own.sums + i * work.padded + c);
        if (g) value += spread(identity) * load(g + i * channels + c, count);
        if (source.add) value += load(to + i * channels + c, count);
        store(to + i * channels + c, value, count);
      });
    }
  }
}

// Whether anything before the norms of a group's last stages has a gradient that is wanted: in a pass for the terms'
// weights alone nothing has, where the source is no function of such weights.
template <class T, class Z>
bool goes_on(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const Group& group) {
  if (group.source < 0) return false;
  if (sum.sources[group.source].gradient) return true;
  for (int i = group.first; i < group.others; ++i) {
    const Term<T, Z>& term = sum.terms[work.order[i]];
    for (int s = 0; s < term.stages; ++s) {
      if (term.stage[s].pointwise_gradient || term.stage[s].gamma_gradient || term.stage[s].beta_gradient) return true;
    }
  }
  return false;
}

template <class T, class Z>
void back_source(const WeightedSum<T, Z>& sum, Work<T, Z>& work, const Group& group, ThreadWork<T>& own,
                 SampleShare share) {
  const SumSource<T>& source = sum.sources[group.source];
  const std::int64_t sample = sum.height * sum.width * sum.channels;
  const bool wanted = source.gradient != nullptr, separable = group.first < group.others;
  T identity = 0;
  for (int i = group.others; i < group.last; ++i) identity += sum.terms[work.order[i]].weight;
  if (separable) {
    reshape(own.input, source.height, source.width);
    if (source.height != sum.height || source.width != sum.width) {
      own.stuffed.height = source.height;
      own.stuffed.width = source.width;
      std::memset(own.stuffed.data, 0, static_cast<std::size_t>(source.height * own.stuffed.row()) * sizeof(T));
    }
  }
  for (std::int64_t n = share.first; n < share.last; ++n) {
    if (separable) {
      const std::int64_t positions = source.height * source.width;
      fill<T>(own.input, source.x + n * positions * sum.channels, sum.channels, nullptr, nullptr);
    }
    Into into = wanted ? Into::fresh : Into::nothing;
    for (int i = group.first; i < group.others; ++i) {
      const int k = work.order[i];
      const Term<T, Z>& term = sum.terms[k];
      const StageWork<T>& stage = work.stages[2 * k];
      const T* g = (term.stages == 2 ? stage.back : sum.gradient) + n * sample;
      const Z* z = term.stage[0].z + n * sample;
      if (term.stage[0].reduction) {
        back_reduction(sum, work, stage, own, own.stages[2 * k], g, z, into);
      } else {
        back_stage(sum, work, stage, own, own.stages[2 * k], g, z, term.stage[0].stride, into);
      }
      if (wanted) into = Into::sums;
    }
    if (wanted) write_source(sum, work, own, group.source, separable, identity, n);
  }
}

// The threads' gradients of one tensor of weights, `at(t)` in thread t, added up: rows of `step` numbers as columns.
template <class T, class At>
void write_columns(int threads, std::int64_t rows, std::int64_t columns, std::int64_t step, T* to, At at) {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      T total = 0;
      for (int t = 0; t < threads; ++t) total += at(t)[row * step + column];
      to[column * rows + row] = total;
    }
  }
}

template <class T, class Z>
void write_weights(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, int term) {
  const std::int64_t channels = sum.channels;
  for (int s = 0; s < sum.terms[term].stages; ++s) {
    const Stage<T, Z>& stage = sum.terms[term].stage[s];
    if (!stage.pointwise_gradient) continue;
    const std::int64_t half = channels / 2, number = 2 * term + s;
    const auto depthwise = [&](int t) { return work.threads[t].stages[number].depthwise; };
    const auto pointwise = [&](int t) { return work.threads[t].stages[number].pointwise; };
    if (stage.reduction) {
      write_columns(work.threads_used, channels, half, work.padded, stage.depthwise_gradient, depthwise);
      write_columns(work.threads_used, channels, channels - half, work.padded, stage.pointwise_gradient, pointwise);
    } else {
      write_columns(work.threads_used, stage.kernel * stage.kernel, channels, work.padded, stage.depthwise_gradient,
                    depthwise);
      write_columns(work.threads_used, channels, channels, work.padded, stage.pointwise_gradient, pointwise);
    }
  }
}

template <class T, class Z>
void write_values(const WeightedSum<T, Z>& sum, SampleShare share) {
  for (int k = 0; k < sum.term_count; ++k) {
    const Term<T, Z>& term = sum.terms[k];
    if (term.kind != Term<T, Z>::Kind::value || !term.y_gradient) continue;
    for (std::int64_t i = share.first * sum.channels; i < share.last * sum.channels; ++i) {
      term.y_gradient[i] = term.weight * sum.gradient[i];
    }
  }
}

template <class T, class Z>
void backward(WeightedSum<T, Z>& sum, void* scratch) {
  Carver carver(scratch);
  Work<T, Z> work(sum, /*backward=*/true, carver);
#pragma omp parallel num_threads(sum.threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    ThreadWork<T>& own = work.threads[thread];
    const SampleShare samples(sum.samples, thread, threads), positions(sum.positions(), thread, threads);
    clear_sums(sum, work, own);
    for (int k = thread; k < sum.term_count; k += threads) {
      pack(sum.terms[k], sum, work.stages + 2 * k, work.padded, true);
      for (int s = 0; s < sum.terms[k].stages; ++s) {
        set_scale(sum.terms[k].stage[s], work.stages[2 * k + s], sum.channels, work.padded);
      }
    }
#pragma omp single
    work.threads_used = threads;
    for (int g = 0; g < work.group_count; ++g) {
      const Group& group = work.groups[g];
      if (group.first < group.last) {
        output_sums(sum, work, group, own, positions);
#pragma omp barrier
#pragma omp single
        finish_outputs(sum, work, group);
      }
      if (!goes_on(sum, work, group)) continue;
      if (group.two_stages) {
        back_second_stages(sum, work, group, own, samples);
#pragma omp barrier
#pragma omp single
        for (int i = group.first; i < group.others; ++i) {
          const int k = work.order[i];
          if (sum.terms[k].stages == 2) finish_gradient(sum, work, 2 * k, sum.terms[k].stage[0], T(1));
        }
      }
      back_source(sum, work, group, own, samples);
    }
    write_values(sum, positions);
#pragma omp barrier
    for (int k = thread; k < sum.term_count; k += threads) write_weights(sum, work, k);
  }
}

}  // namespace
}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
