// The forward pass of weighted_sum.h, for one width of vectors. See simd.h for who may include it.
#pragma once

#include <omp.h>

#include "netwright/nn/kernels/weighted_sum_work.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {
namespace {

// `matrix`: out x in.
template <class T>
void pack_matrix(const T* matrix, std::int64_t in, std::int64_t out, T* packed, T* transposed) {
  pack_pointwise<T>(in, out, packed, [&](std::int64_t i, std::int64_t o) { return matrix[o * in + i]; });
  if (!transposed) return;
  pack_pointwise<T>(out, in, transposed, [&](std::int64_t o, std::int64_t i) { return matrix[o * in + i]; });
}

template <class T>
void pack_reduction(const Stage<T>& stage, StageWork<T>& work, std::int64_t channels, bool backward) {
  const std::int64_t half = channels / 2;
  pack_matrix(stage.depthwise, channels, half, work.depthwise, backward ? work.turned : nullptr);
  pack_matrix(stage.pointwise, channels, channels - half, work.pointwise, backward ? work.transposed : nullptr);
}

template <class T>
void pack(const Term<T>& term, const WeightedSum<T>& sum, StageWork<T>* works, std::int64_t padded, bool backward) {
  const std::int64_t channels = sum.channels;
  for (int s = 0; s < term.stages; ++s) {
    const Stage<T>& stage = term.stage[s];
    StageWork<T>& work = works[s];
    if (stage.reduction) {
      pack_reduction(stage, work, channels, backward);
      continue;
    }
    const int taps = stage.kernel * stage.kernel;
    for (int tap = 0; tap < taps; ++tap) {
      for (std::int64_t c = 0; c < padded; ++c) {
        const T value = c < channels ? stage.depthwise[c * taps + tap] : T(0);
        work.depthwise[tap * padded + c] = value;
        if (backward) work.turned[(taps - 1 - tap) * padded + c] = value;
      }
    }
    pack_matrix(stage.pointwise, channels, channels, work.pointwise, backward ? work.transposed : nullptr);
  }
}

template <class T>
void set_scale(const Statistics<T>& norm, StageWork<T>& work, std::int64_t channels, std::int64_t padded) {
  for (std::int64_t c = 0; c < padded; ++c) {
    work.scale[c] = c < channels ? norm.inverse[c] : T(0);
    work.shift[c] = c < channels ? -norm.mean[c] * norm.inverse[c] : T(0);
  }
}

// The input at even (0) or odd (1) rows and columns, as pixels of the output's rows y to y + rows.
template <class T>
void gather(const WeightedSum<T>& sum, const Image<T>& in, std::int64_t odd, std::int64_t y, std::int64_t rows, T* to) {
  const std::size_t bytes = static_cast<std::size_t>(in.channels) * sizeof(T);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t from = 2 * (y + r) + odd;
    for (std::int64_t x = 0; x < sum.width; ++x, to += in.channels) {
      if (from < in.height) {
        std::memcpy(to, in.at(from, 2 * x + odd), bytes);
      } else {
        std::memset(to, 0, bytes);
      }
    }
  }
}

// One half of a reduction's z in a band of rows.
template <class T>
void run_half(const WeightedSum<T>& sum, const Work<T>& work, const T* packed, ThreadWork<T>& own, std::int64_t odd,
              std::int64_t y, std::int64_t rows, T* z) {
  const std::int64_t channels = sum.channels, first = odd ? channels / 2 : 0;
  const std::int64_t out = odd ? channels - first : channels / 2;
  gather(sum, own.input, odd, y, rows, own.band);
  pointwise<T>(own.band, work.padded, rows * sum.width, channels, packed, in_vectors<T>(out),
               [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                 store(z + pixel * channels + first + v * lane_count<T>, value, out - v * lane_count<T>);
               });
}

// z of one sample from its input image.
template <class T>
void run_stage(const WeightedSum<T>& sum, const Work<T>& work, const StageWork<T>& stage, ThreadWork<T>& own, T* z,
               PartialMoments<T>& moments) {
  const std::int64_t channels = sum.channels, vectors = work.padded / lane_count<T>;
  for (std::int64_t y = 0; y < sum.height; y += work.band_rows) {
    const std::int64_t rows = y + work.band_rows <= sum.height ? work.band_rows : sum.height - y;
    T* to = z + y * sum.width * channels;
    if (stage.reduction) {
      run_half(sum, work, stage.depthwise, own, 0, y, rows, to);
      run_half(sum, work, stage.pointwise, own, 1, y, rows, to);
    } else {
      for (std::int64_t r = 0; r < rows; ++r) {
        stage.kernel.row(own.input, y + r, stage.depthwise, own.band + r * sum.width * work.padded, sum.width, false);
      }
      pointwise<T>(own.band, work.padded, rows * sum.width, channels, stage.pointwise, vectors,
                   [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                     store(to + pixel * channels + v * lane_count<T>, value, channels - v * lane_count<T>);
                   });
    }
    add_moments(moments, to, rows * sum.width, channels);
  }
}

template <class T>
bool uses(const Term<T>& term, int source) {
  return term.kind == Term<T>::Kind::separable && term.source == source;
}

template <class T>
void first_stages(const WeightedSum<T>& sum, Work<T>& work, ThreadWork<T>& own, SampleShare share) {
  const std::int64_t sample = sum.height * sum.width * sum.channels;
  for (int s = 0; s < sum.source_count; ++s) {
    const SumSource<T>& source = sum.sources[s];
    bool any = false;
    for (int k = 0; k < sum.term_count; ++k) any = any || uses(sum.terms[k], s);
    if (!any) continue;
    reshape(own.input, source.height, source.width);
    for (std::int64_t n = share.first; n < share.last; ++n) {
      fill<T>(own.input, source.x + n * source.height * source.width * sum.channels, sum.channels, nullptr, nullptr);
      for (int k = 0; k < sum.term_count; ++k) {
        if (!uses(sum.terms[k], s)) continue;
        run_stage(sum, work, work.stages[2 * k], own, sum.terms[k].stage[0].z + n * sample, own.stages[2 * k].moments);
      }
    }
  }
}

template <class T>
void second_stages(const WeightedSum<T>& sum, Work<T>& work, ThreadWork<T>& own, SampleShare share) {
  const std::int64_t sample = sum.height * sum.width * sum.channels;
  reshape(own.input, sum.height, sum.width);
  for (int k = 0; k < sum.term_count; ++k) {
    const Term<T>& term = sum.terms[k];
    if (term.stages < 2) continue;
    const StageWork<T>& first = work.stages[2 * k];
    for (std::int64_t n = share.first; n < share.last; ++n) {
      fill(own.input, term.stage[0].z + n * sample, sum.channels, first.scale, first.shift);
      run_stage(sum, work, work.stages[2 * k + 1], own, term.stage[1].z + n * sample, own.stages[2 * k + 1].moments);
    }
  }
}

template <class T>
const T* mixed_values(const WeightedSum<T>& sum, const Term<T>& term) {
  switch (term.kind) {
    case Term<T>::Kind::separable:
      return term.stage[term.stages - 1].z;
    case Term<T>::Kind::value:
      return term.y;
    case Term<T>::Kind::identity:
      return sum.sources[term.source].x;
  }
  return nullptr;
}

template <class T>
void set_mix(const WeightedSum<T>& sum, Work<T>& work) {
  for (std::int64_t c = 0; c < work.padded; ++c) {
    double shift = 0;
    for (int k = 0; k < sum.term_count; ++k) {
      const Term<T>& term = sum.terms[k];
      T scale = c < sum.channels ? term.weight : T(0);
      if (term.kind == Term<T>::Kind::separable && c < sum.channels) {
        const Statistics<T>& norm = term.stage[term.stages - 1].norm;
        scale *= norm.inverse[c];
        shift -= static_cast<double>(scale) * static_cast<double>(norm.mean[c]);
      }
      work.mix_scale[k * work.padded + c] = scale;
    }
    work.mix_shift[c] = static_cast<T>(shift);
  }
}

// out (+)= shift + scale * z of some terms, in a block of positions that stays in the first-level cache.
template <class T, int Count>
void mix_terms(const WeightedSum<T>& sum, const Work<T>& work, int first, std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = sum.channels;
  const T* z[Count];
  for (int k = 0; k < Count; ++k) z[k] = mixed_values(sum, sum.terms[first + k]);
  for_channel_pairs<T>(channels, [&]<int Vectors>(std::int64_t c, std::int64_t count) {
    Lanes<T> scale[Count][Vectors], shift[Vectors];
    for (int v = 0; v < Vectors; ++v) {
      for (int k = 0; k < Count; ++k) {
        scale[k][v] = load(work.mix_scale + (first + k) * work.padded + c + v * lane_count<T>);
      }
      shift[v] = load(work.mix_shift + c + v * lane_count<T>);
    }
    for (std::int64_t i = begin; i < end; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) {
        const std::int64_t at = i * channels + c + v * lane_count<T>;
        Lanes<T> value = first == 0 ? shift[v] : load(sum.out + at, count);
#pragma GCC unroll 4
        for (int k = 0; k < Count; ++k) value += scale[k][v] * load(z[k] + at, count);
        store(sum.out + at, value, count);
      }
    }
  });
}

template <class T>
std::int64_t mix_block(const WeightedSum<T>& sum) {
  const std::int64_t block = (4 << 10) / (sum.channels * static_cast<std::int64_t>(sizeof(T)));
  return block > 0 ? block : 1;
}

template <class T>
void mix(const WeightedSum<T>& sum, const Work<T>& work, SampleShare share) {
  const std::int64_t block = mix_block(sum);
  for (std::int64_t begin = share.first; begin < share.last; begin += block) {
    const std::int64_t end = begin + block < share.last ? begin + block : share.last;
    int k = 0;
    for (; k + 4 <= sum.term_count; k += 4) mix_terms<T, 4>(sum, work, k, begin, end);
    for (; k < sum.term_count; ++k) mix_terms<T, 1>(sum, work, k, begin, end);
  }
}

template <class T>
void finish_norms(const WeightedSum<T>& sum, Work<T>& work, int stage) {
  for (int k = 0; k < sum.term_count; ++k) {
    const Term<T>& term = sum.terms[k];
    if (term.stages <= stage) continue;
    merge_moments<T>(term.stage[stage].norm, work.threads_used, sum.channels,
                     [&](int t) -> const PartialMoments<T>& { return work.threads[t].stages[2 * k + stage].moments; });
    set_scale(term.stage[stage].norm, work.stages[2 * k + stage], sum.channels, work.padded);
  }
}

template <class T>
void forward(const WeightedSum<T>& sum, void* scratch) {
  Carver carver(scratch);
  Work<T> work(sum, /*backward=*/false, carver);
#pragma omp parallel num_threads(sum.threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    ThreadWork<T>& own = work.threads[thread];
    const SampleShare samples(sum.samples, thread, threads);
    if (has_separable(sum)) {
      for (int k = thread; k < sum.term_count; k += threads) {
        pack(sum.terms[k], sum, work.stages + 2 * k, work.padded, false);
      }
#pragma omp barrier
      first_stages(sum, work, own, samples);
#pragma omp barrier
#pragma omp single
      {
        work.threads_used = threads;
        finish_norms(sum, work, 0);
      }
      second_stages(sum, work, own, samples);
#pragma omp barrier
#pragma omp single
      finish_norms(sum, work, 1);
    }
#pragma omp single
    set_mix(sum, work);
    mix(sum, work, SampleShare(sum.positions(), thread, threads));
  }
}

}  // namespace
}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
