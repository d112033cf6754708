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

template <class T, class Z>
void pack_reduction(const Stage<T, Z>& stage, StageWork<T>& work, std::int64_t channels, bool backward) {
  const std::int64_t half = channels / 2;
  pack_matrix(stage.depthwise, channels, half, work.depthwise, backward ? work.turned : nullptr);
  pack_matrix(stage.pointwise, channels, channels - half, work.pointwise, backward ? work.transposed : nullptr);
}

template <class T, class Z>
void pack(const Term<T, Z>& term, const WeightedSum<T, Z>& sum, StageWork<T>* works, std::int64_t padded,
          bool backward) {
  const std::int64_t channels = sum.channels;
  for (int s = 0; s < term.stages; ++s) {
    const Stage<T, Z>& stage = term.stage[s];
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

template <class T, class Z>
void set_scale(const Stage<T, Z>& stage, StageWork<T>& work, std::int64_t channels, std::int64_t padded) {
  for (std::int64_t c = 0; c < padded; ++c) {
    work.scale[c] = work.shift[c] = 0;
    if (c >= channels) continue;
    work.scale[c] = stage.gamma ? stage.gamma[c] * stage.norm.inverse[c] : stage.norm.inverse[c];
    work.shift[c] = (stage.beta ? stage.beta[c] : T(0)) - stage.norm.mean[c] * work.scale[c];
  }
}

// The input at even (0) or odd (1) rows and columns, as pixels of the output's rows y to y + rows.
template <class T, class Z>
void gather(const WeightedSum<T, Z>& sum, const Image<T>& in, std::int64_t odd, std::int64_t y, std::int64_t rows,
            T* to) {
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
template <class T, class Z>
void run_half(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const T* packed, ThreadWork<T>& own,
              std::int64_t odd, std::int64_t y, std::int64_t rows, Z* z) {
  const std::int64_t channels = sum.channels, first = odd ? channels / 2 : 0;
  const std::int64_t out = odd ? channels - first : channels / 2;
  gather(sum, own.input, odd, y, rows, own.band);
  pointwise<T>(own.band, work.padded, rows * sum.width, channels, packed, in_vectors<T>(out),
               [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                 store(z + pixel * channels + first + v * lane_count<T>, value, out - v * lane_count<T>);
               });
}

// z of one sample from its input image.
template <class T, class Z>
void run_stage(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const StageWork<T>& stage, ThreadWork<T>& own,
               Z* z, PartialMoments<T>& moments) {
  const std::int64_t channels = sum.channels, vectors = work.padded / lane_count<T>;
  for (std::int64_t y = 0; y < sum.height; y += work.band_rows) {
    const std::int64_t rows = y + work.band_rows <= sum.height ? work.band_rows : sum.height - y;
    Z* to = z + y * sum.width * channels;
    if (stage.reduction) {
      run_half(sum, work, stage.depthwise, own, 0, y, rows, to);
      run_half(sum, work, stage.pointwise, own, 1, y, rows, to);
    } else {
      for (std::int64_t r = 0; r < rows; ++r) {
        stage.kernel.row(own.input, y + r, stage.depthwise, own.band + r * sum.width * work.padded, sum.width, false);
      }
      const std::int64_t pixels = rows * sum.width;
      if (channels == work.padded) {  // no vector left incomplete: no branch between the stores
        pointwise<T>(own.band, channels, pixels, channels, stage.pointwise, vectors,
                     [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                       store(to + pixel * channels + v * lane_count<T>, value);
                     });
      } else {
        pointwise<T>(own.band, work.padded, pixels, channels, stage.pointwise, vectors,
                     [&](std::int64_t pixel, std::int64_t v, Lanes<T> value) {
                       store(to + pixel * channels + v * lane_count<T>, value, channels - v * lane_count<T>);
                     });
      }
    }
    add_moments(moments, to, rows * sum.width, channels);
  }
}

template <class T, class Z>
void first_stages(const WeightedSum<T, Z>& sum, Work<T, Z>& work, const Group& group, ThreadWork<T>& own,
                  SampleShare share) {
  const SumSource<T>& source = sum.sources[group.source];
  const std::int64_t sample = sum.height * sum.width * sum.channels;
  reshape(own.input, source.height, source.width);
  for (std::int64_t n = share.first; n < share.last; ++n) {
    fill<T>(own.input, source.x + n * source.height * source.width * sum.channels, sum.channels, nullptr, nullptr);
    for (int i = group.first; i < group.others; ++i) {
      const int k = work.order[i];
      run_stage(sum, work, work.stages[2 * k], own, sum.terms[k].stage[0].z + n * sample, own.stages[2 * k].moments);
    }
  }
}

template <class T, class Z>
void second_stages(const WeightedSum<T, Z>& sum, Work<T, Z>& work, const Group& group, ThreadWork<T>& own,
                   SampleShare share) {
  const std::int64_t sample = sum.height * sum.width * sum.channels;
  reshape(own.input, sum.height, sum.width);
  for (int i = group.first; i < group.others; ++i) {
    const int k = work.order[i];
    const Term<T, Z>& term = sum.terms[k];
    if (term.stages < 2) continue;
    const StageWork<T>& first = work.stages[2 * k];
    for (std::int64_t n = share.first; n < share.last; ++n) {
      fill(own.input, term.stage[0].z + n * sample, sum.channels, first.scale, first.shift);
      run_stage(sum, work, work.stages[2 * k + 1], own, term.stage[1].z + n * sample, own.stages[2 * k + 1].moments);
    }
  }
}

// What a term that is no separable one adds.
template <class T, class Z>
const T* other_values(const WeightedSum<T, Z>& sum, const Term<T, Z>& term) {
  return term.kind == Term<T, Z>::Kind::value ? term.y : sum.sources[term.source].x;
}

template <class T, class Z>
void set_mix(const WeightedSum<T, Z>& sum, Work<T, Z>& work, int number) {
  const Group& group = work.groups[number];
  for (std::int64_t c = 0; c < work.padded; ++c) {
    double shift = 0;
    for (int i = group.first; i < group.last; ++i) {
      const Term<T, Z>& term = sum.terms[work.order[i]];
      T scale = c < sum.channels ? term.weight : T(0);
      if (i < group.others && c < sum.channels) {
        const Stage<T, Z>& stage = term.stage[term.stages - 1];
        if (stage.beta) shift += static_cast<double>(scale) * static_cast<double>(stage.beta[c]);
        scale *= stage.gamma ? stage.gamma[c] * stage.norm.inverse[c] : stage.norm.inverse[c];
        shift -= static_cast<double>(scale) * static_cast<double>(stage.norm.mean[c]);
      }
      work.mix_scale[i * work.padded + c] = scale;
    }
    work.mix_shift[number * work.padded + c] = static_cast<T>(shift);
  }
}

// out (+)= shift + scale * value of some terms, in a block of positions that stays in the first-level cache. Where
// there is no `shift`, out += scale * value.
template <int Count, class T, class Value>
void mix_terms(T* out, const Value* const* from, const T* scales, std::int64_t padded, const T* shifts, bool add,
               std::int64_t channels, std::int64_t begin, std::int64_t end) {
  for_channel_pairs<T>(channels, [&]<int Vectors>(std::int64_t c, std::int64_t count) {
    Lanes<T> scale[Count][Vectors], shift[Vectors] = {};
    for (int v = 0; v < Vectors; ++v) {
      for (int k = 0; k < Count; ++k) scale[k][v] = load(scales + k * padded + c + v * lane_count<T>);
      if (shifts) shift[v] = load(shifts + c + v * lane_count<T>);
    }
    for (std::int64_t i = begin; i < end; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) {
        const std::int64_t at = i * channels + c + v * lane_count<T>;
        Lanes<T> value = shift[v];
        if (add) value += load(out + at, count);
#pragma GCC unroll 4
        for (int k = 0; k < Count; ++k) value += scale[k][v] * load(from[k] + at, count);
        store(out + at, value, count);
      }
    }
  });
}

// Adds a group's terms [first, last) to a block of out, or makes it of them; at(term) is where a term's values lie.
template <class Value, class T, class Z, class At>
void mix_range(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, int number, int first, int last, bool add,
               std::int64_t begin, std::int64_t end, At at) {
  const T* shift = first == work.groups[number].first ? work.mix_shift + number * work.padded : nullptr;
  while (first < last) {
    const int count = last - first >= 4 ? 4 : 1;
    const Value* from[4];
    for (int k = 0; k < count; ++k) from[k] = at(sum.terms[work.order[first + k]]);
    const auto mix = count == 4 ? mix_terms<4, T, Value> : mix_terms<1, T, Value>;
    mix(sum.out, from, work.mix_scale + first * work.padded, work.padded, shift, add, sum.channels, begin, end);
    shift = nullptr;
    add = true;
    first += count;
  }
}

template <class T, class Z>
std::int64_t mix_block(const WeightedSum<T, Z>& sum) {
  const std::int64_t block = (32 << 10) / (sum.channels * static_cast<std::int64_t>(sizeof(T)));
  return block > 0 ? block : 1;
}

template <class T, class Z>
void mix(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, int number, SampleShare share) {
  const Group& group = work.groups[number];
  const std::int64_t block = mix_block(sum);
  for (std::int64_t begin = share.first; begin < share.last; begin += block) {
    const std::int64_t end = begin + block < share.last ? begin + block : share.last;
    mix_range<Z>(sum, work, number, group.first, group.others, group.first > 0, begin, end,
                 [](const Term<T, Z>& term) { return term.stage[term.stages - 1].z; });
    mix_range<T>(sum, work, number, group.others, group.last, group.others > 0, begin, end,
                 [&](const Term<T, Z>& term) { return other_values(sum, term); });
  }
}

template <class T, class Z>
void finish_norms(const WeightedSum<T, Z>& sum, Work<T, Z>& work, const Group& group, int stage) {
  for (int i = group.first; i < group.others; ++i) {
    const int k = work.order[i];
    const Term<T, Z>& term = sum.terms[k];
    if (term.stages <= stage) continue;
    merge_moments<T>(term.stage[stage].norm, work.threads_used, sum.channels,
                     [&](int t) -> const PartialMoments<T>& { return work.threads[t].stages[2 * k + stage].moments; });
    set_scale(term.stage[stage], work.stages[2 * k + stage], sum.channels, work.padded);
  }
}

template <class T, class Z>
void forward(const WeightedSum<T, Z>& sum, void* scratch) {
  Carver carver(scratch);
  Work<T, Z> work(sum, /*backward=*/false, carver);
#pragma omp parallel num_threads(sum.threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    ThreadWork<T>& own = work.threads[thread];
    const SampleShare samples(sum.samples, thread, threads), positions(sum.positions(), thread, threads);
    for (int k = thread; k < sum.term_count; k += threads) {
      pack(sum.terms[k], sum, work.stages + 2 * k, work.padded, false);
    }
#pragma omp single
    work.threads_used = threads;
    for (int g = 0; g < work.group_count; ++g) {
      const Group& group = work.groups[g];
      if (group.first == group.last) continue;
      if (group.first < group.others) {
        first_stages(sum, work, group, own, samples);
#pragma omp barrier
#pragma omp single
        finish_norms(sum, work, group, 0);
      }
      if (group.two_stages) {
        second_stages(sum, work, group, own, samples);
#pragma omp barrier
#pragma omp single
        finish_norms(sum, work, group, 1);
      }
#pragma omp single
      set_mix(sum, work, g);
      mix(sum, work, g, positions);
    }
  }
}

}  // namespace
}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
