// The scratch memory of a weighted sum: packed weights, and what each thread works in. See simd.h for who may include
// it.
#pragma once

#include "netwright/nn/kernels/depthwise.h"
#include "netwright/nn/kernels/moments.h"
#include "netwright/nn/kernels/pointwise.h"
#include "netwright/nn/kernels/weighted_sum.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

// Hands out pieces of one block of memory; of none at all, it only counts.
class Carver {
 public:
  explicit Carver(void* base) : base_(static_cast<char*>(base)) {}
  template <class U>
  U* take(std::int64_t count) {
    U* piece = base_ ? reinterpret_cast<U*>(base_ + used_) : nullptr;
    used_ += (static_cast<std::size_t>(count) * sizeof(U) + 63) / 64 * 64;
    return piece;
  }
  std::size_t used() const { return used_; }

 private:
  char* base_;
  std::size_t used_ = 0;
};

// What the threads share about a stage.
template <class T>
struct StageWork {
  DepthwiseKernel<T> kernel;
  bool reduction;
  std::int64_t in_height, in_width;
  T *depthwise, *turned;      // kernel x kernel x channels; of a reduction packed, and transposed
  T *pointwise, *transposed;  // packed
  T *scale, *shift;           // norm(z) = z * scale + shift
  T *a, *b, *c;               // gradient of z = a * g + b * z + c
  T* back;                    // of a first stage with a second: g, masked by the ReLU
};

// A stage's sums in one thread.
template <class T>
struct StageSums {
  PartialMoments<T> moments;  // forward
  double *sum, *centred;      // backward: of g, and of g * (z - mean)
  T *depthwise, *pointwise;   // backward: gradients, as packed: kernel x kernel x channels; inputs x outputs
};

template <class T>
struct ThreadWork {
  Image<T> input;           // relu of the source or of the first stage's norm
  Image<T> gradient;        // of the depthwise result
  Image<T> stuffed;         // the same with zeros between, as a stride of 2 needs it
  T* sums;                  // gradient of the input, rows of columns of channels
  T *band, *gradient_band;  // depthwise results, and gradients of z, of a few rows
  std::int64_t* offsets;    // of a band's pixels in `gradient`
  StageSums<T>* stages;     // 2 a term
};

// The terms that work from one source, or, last, the values from elsewhere; as places in Work::order. A group is done
// with before the next begins, so that what its terms give is still in a cache when it is read again.
struct Group {
  int source;               // -1: none
  int first, others, last;  // separable terms in [first, others), others in [others, last)
  bool two_stages;          // of any term
};

template <class T, class Z>
struct Work {
  std::int64_t padded;     // channels in whole vectors
  std::int64_t band_rows;  // of the output
  bool backward;
  StageWork<T>* stages;  // 2 a term
  ThreadWork<T>* threads;
  int* order;     // terms
  Group* groups;  // one a source, and one
  int group_count;
  T* back = nullptr;         // memory of StageWork::back, which the groups share
  T *mix_scale, *mix_shift;  // terms x padded, groups x padded: out = sum of scale * z + shift
  int threads_used = 0;

  Work(const WeightedSum<T, Z>& sum, bool is_backward, Carver& carver);

 private:
  void carve_stage(const WeightedSum<T, Z>& sum, const Term<T, Z>& term, int number, StageWork<T>* work,
                   Carver& carver);
  void carve_thread(const WeightedSum<T, Z>& sum, ThreadWork<T>* work, Carver& carver);
  void set_groups(const WeightedSum<T, Z>& sum);
};

template <class T, class Z>
bool has_separable(const WeightedSum<T, Z>& sum) {
  for (int k = 0; k < sum.term_count; ++k) {
    if (sum.terms[k].kind == Term<T, Z>::Kind::separable) return true;
  }
  return false;
}

// How many numbers the gradient of the stage's `depthwise` has in scratch memory.
template <class T, class Z>
std::int64_t depthwise_numbers(const WeightedSum<T, Z>& sum, const Stage<T, Z>& stage, std::int64_t padded) {
  return stage.reduction ? sum.channels * padded : stage.kernel * stage.kernel * padded;
}

template <class T, class Z>
Work<T, Z>::Work(const WeightedSum<T, Z>& sum, bool is_backward, Carver& carver)
    : padded(in_vectors<T>(sum.channels) * lane_count<T>), backward(is_backward) {
  constexpr std::int64_t band_bytes = 12 << 10;  // two bands and a packed matrix fit in 32 KiB
  const std::int64_t row_bytes = sum.width * padded * static_cast<std::int64_t>(sizeof(T));
  band_rows = band_bytes / row_bytes;
  if (band_rows < 1) band_rows = 1;
  if (band_rows > sum.height) band_rows = sum.height;
  stages = carver.take<StageWork<T>>(2 * sum.term_count);
  for (int k = 0; k < sum.term_count; ++k) {
    for (int s = 0; s < sum.terms[k].stages; ++s) {
      carve_stage(sum, sum.terms[k], s, stages ? stages + 2 * k + s : nullptr, carver);
    }
  }
  threads = carver.take<ThreadWork<T>>(sum.threads);
  for (int t = 0; t < sum.threads; ++t) carve_thread(sum, threads ? threads + t : nullptr, carver);
  order = carver.take<int>(sum.term_count);
  group_count = sum.source_count + 1;
  groups = carver.take<Group>(group_count);
  mix_scale = carver.take<T>(sum.term_count * padded);
  mix_shift = carver.take<T>(group_count * padded);
  int most = 0;  // terms of two stages in a group
  for (int s = 0; s < sum.source_count; ++s) {
    int found = 0;
    for (int k = 0; k < sum.term_count; ++k) found += sum.terms[k].stages == 2 && sum.terms[k].source == s;
    if (found > most) most = found;
  }
  if (backward) back = carver.take<T>(most * sum.positions() * sum.channels);
  if (order) set_groups(sum);
}

template <class T, class Z>
void Work<T, Z>::set_groups(const WeightedSum<T, Z>& sum) {
  using Kind = typename Term<T, Z>::Kind;
  int next = 0;
  for (int g = 0; g < group_count; ++g) {
    Group& group = groups[g];
    group = {g < sum.source_count ? g : -1, next, next, next, false};
    T* free = back;
    for (int k = 0; k < sum.term_count; ++k) {
      const Term<T, Z>& term = sum.terms[k];
      if (term.kind != Kind::separable || term.source != group.source) continue;
      order[next++] = k;
      if (term.stages < 2) continue;
      group.two_stages = true;
      stages[2 * k].back = free;
      if (backward) free += sum.positions() * sum.channels;
    }
    group.others = next;
    for (int k = 0; k < sum.term_count; ++k) {
      const Term<T, Z>& term = sum.terms[k];
      if (term.kind == Kind::separable) continue;
      if ((term.kind == Kind::identity ? term.source : -1) == group.source) order[next++] = k;
    }
    group.last = next;
  }
}

template <class T, class Z>
void Work<T, Z>::carve_stage(const WeightedSum<T, Z>& sum, const Term<T, Z>& term, int number, StageWork<T>* work,
                             Carver& carver) {
  StageWork<T> own{};
  const Stage<T, Z>& stage = term.stage[number];
  own.kernel = depthwise_kernel<T>(stage.kernel, stage.dilation, stage.stride);
  own.reduction = stage.reduction;
  own.in_height = number == 0 ? sum.sources[term.source].height : sum.height;
  own.in_width = number == 0 ? sum.sources[term.source].width : sum.width;
  const std::int64_t matrix = sum.channels * padded;
  const std::int64_t taps = stage.reduction ? matrix : stage.kernel * stage.kernel * padded;
  own.depthwise = carver.take<T>(taps);
  own.pointwise = carver.take<T>(matrix);
  own.scale = carver.take<T>(padded);
  own.shift = carver.take<T>(padded);
  if (backward) {
    own.turned = carver.take<T>(taps);
    own.transposed = carver.take<T>(matrix);
    own.a = carver.take<T>(padded);
    own.b = carver.take<T>(padded);
    own.c = carver.take<T>(padded);
  }
  if (work) *work = own;
}

template <class T, class Z>
void Work<T, Z>::carve_thread(const WeightedSum<T, Z>& sum, ThreadWork<T>* work, Carver& carver) {
  ThreadWork<T> own{};
  own.stages = carver.take<StageSums<T>>(2 * sum.term_count);
  std::int64_t height = sum.height, width = sum.width;  // of the largest image
  for (int s = 0; s < sum.source_count; ++s) {
    if (sum.sources[s].height > height) height = sum.sources[s].height;
    if (sum.sources[s].width > width) width = sum.sources[s].width;
  }
  if (has_separable(sum)) {
    const auto image = [&](std::int64_t h, std::int64_t w) {
      Image<T> found{nullptr, h, w, padded};
      found.data = carver.take<T>(h * found.row());
      return found;
    };
    own.input = image(height, width);
    own.band = carver.take<T>(band_rows * sum.width * padded + lane_count<T>);
    if (backward) {
      own.gradient = image(sum.height, sum.width);
      own.stuffed = image(height, width);
      own.stuffed.every = 2;
      own.sums = carver.take<T>(height * width * padded);
      own.gradient_band = carver.take<T>((band_rows * sum.width + 1) * padded);  // halves are read beyond their end
      own.offsets = carver.take<std::int64_t>(band_rows * sum.width);
    }
  }
  for (int k = 0; k < sum.term_count; ++k) {
    const int stages_of_term = sum.terms[k].stages > 0 ? sum.terms[k].stages : 1;  // values have sums too
    for (int s = 0; s < stages_of_term; ++s) {
      const Stage<T, Z>& stage = sum.terms[k].stage[s];
      StageSums<T> sums{};
      if (backward) {
        sums.sum = carver.take<double>(padded);
        sums.centred = carver.take<double>(padded);
        if (stage.pointwise_gradient) {
          sums.depthwise = carver.take<T>(depthwise_numbers(sum, stage, padded));
          sums.pointwise = carver.take<T>(sum.channels * padded);
        }
      } else {
        sums.moments.shift = carver.take<T>(padded);
        sums.moments.first = carver.take<double>(padded);
        sums.moments.second = carver.take<double>(padded);
      }
      if (work) own.stages[2 * k + s] = sums;
    }
  }
  if (work) *work = own;
}

// The share [first, last) of `units` that falls to a thread.
struct SampleShare {
  SampleShare(std::int64_t units, int thread, int threads)
      : first(units * thread / threads), last(units * (thread + 1) / threads) {}
  std::int64_t first, last;
};

// Zero columns at both ends of every row.
template <class T>
void clear_margins(const Image<T>& image) {
  for (std::int64_t y = 0; y < image.height; ++y) {
    T* row = image.at(y, -left_margin);
    std::memset(row, 0, static_cast<std::size_t>(left_margin * image.channels) * sizeof(T));
    std::memset(image.at(y, image.width), 0, static_cast<std::size_t>(right_margin * image.channels) * sizeof(T));
  }
}

// Makes `image` one of another size in the same memory. Precondition: not larger than it was made.
template <class T>
void reshape(Image<T>& image, std::int64_t height, std::int64_t width) {
  image.height = height;
  image.width = width;
  clear_margins(image);
}

// image = relu(x * scale + shift), or relu(x) where there is no scale.
template <class T, class Z>
void fill(const Image<T>& image, const Z* x, std::int64_t channels, const T* scale, const T* shift) {
  for (std::int64_t y = 0; y < image.height; ++y) {
    T* to = image.at(y, 0);
    if (!scale && channels == image.channels) {  // one row after another, no vector left incomplete
      const std::int64_t row = image.width * channels;
      for (std::int64_t i = 0; i < row; i += lane_count<T>) store(to + i, relu<T>(load(x + i)));
      x += row;
      continue;
    }
    for (std::int64_t column = 0; column < image.width; ++column) {
      for_channels<T>(channels, [&](std::int64_t c, std::int64_t count) {
        Lanes<T> value = load(x + c, count);
        if (scale) value = value * load(scale + c) + load(shift + c);
        store(to + c, relu<T>(value));
      });
      x += channels;
      to += image.channels;
    }
  }
}

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
