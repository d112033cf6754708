// The backward pass of weighted_sum.h through its norms: the sums over the batch that their gradients need, and the
// gradient of z that comes of them. For one width of vectors; see simd.h for who may include it.
#pragma once

#include "netwright/nn/kernels/weighted_sum_forward.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {
namespace {

template <class T, class Z>
void output_sums(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, const Group& group, ThreadWork<T>& own,
                 SampleShare share) {
  const std::int64_t block = mix_block(sum);
  for (std::int64_t begin = share.first; begin < share.last; begin += block) {
    const std::int64_t end = begin + block < share.last ? begin + block : share.last;
    for (int i = group.first; i < group.last; ++i) {
      const int k = work.order[i];
      const Term<T, Z>& term = sum.terms[k];
      if (i < group.others) {
        const Stage<T, Z>& last = term.stage[term.stages - 1];
        const StageSums<T>& sums = own.stages[2 * k + term.stages - 1];
        add_gradient_sums(sum.gradient, last.z, last.norm.mean, begin, end, sum.channels, sums.sum, sums.centred);
      } else {
        const StageSums<T>& sums = own.stages[2 * k];
        add_gradient_sums<T>(sum.gradient, other_values(sum, term), nullptr, begin, end, sum.channels, sums.sum,
                             sums.centred);
      }
    }
  }
}

// The threads' sums of a stage as the factors of z's gradient, and as the gradients of the norm's scale and shift;
// returns the sum over channels of g times what the norm gives, what the gradient of the term's weight is.
template <class T, class Z>
double finish_gradient(const WeightedSum<T, Z>& sum, const Work<T, Z>& work, int number, const Stage<T, Z>& stage,
                       T weight) {
  StageWork<T>& to = work.stages[number];
  const auto count = static_cast<double>(sum.positions());
  double found = 0;
  for (std::int64_t c = 0; c < work.padded; ++c) {
    to.a[c] = to.b[c] = to.c[c] = 0;
    if (c >= sum.channels) continue;
    double total = 0, centred = 0;
    for (int t = 0; t < work.threads_used; ++t) {
      total += work.threads[t].stages[number].sum[c];
      centred += work.threads[t].stages[number].centred[c];
    }
    const double inverse = static_cast<double>(stage.norm.inverse[c]);
    const double gamma = stage.gamma ? static_cast<double>(stage.gamma[c]) : 1;
    const double beta = stage.beta ? static_cast<double>(stage.beta[c]) : 0;
    const double a = static_cast<double>(weight) * gamma * inverse, b = -a * inverse * inverse * centred / count;
    to.a[c] = static_cast<T>(a);
    to.b[c] = static_cast<T>(b);
    to.c[c] = static_cast<T>(-a * total / count - b * static_cast<double>(stage.norm.mean[c]));
    if (stage.gamma_gradient) stage.gamma_gradient[c] = static_cast<T>(static_cast<double>(weight) * centred * inverse);
    if (stage.beta_gradient) stage.beta_gradient[c] = static_cast<T>(static_cast<double>(weight) * total);
    found += gamma * centred * inverse + beta * total;
  }
  return found;
}

template <class T, class Z>
void finish_outputs(WeightedSum<T, Z>& sum, const Work<T, Z>& work, const Group& group) {
  for (int i = group.first; i < group.last; ++i) {
    const int k = work.order[i];
    Term<T, Z>& term = sum.terms[k];
    if (i < group.others) {
      const int last = term.stages - 1;
      term.weight_gradient = finish_gradient(sum, work, 2 * k + last, term.stage[last], term.weight);
      continue;
    }
    term.weight_gradient = 0;
    for (std::int64_t c = 0; c < sum.channels; ++c) {
      double total = 0, product = 0;
      for (int t = 0; t < work.threads_used; ++t) {
        total += work.threads[t].stages[2 * k].sum[c];
        product += work.threads[t].stages[2 * k].centred[c];
      }
      term.weight_gradient += product;
      if (!term.value_totals) continue;
      term.value_totals[c] = total;
      term.value_products[c] = product;
    }
  }
}

// dz = a * g + b * z + c of some positions.
template <class T, class Z>
void gradient_band(const StageWork<T>& stage, const T* g, const Z* z, std::int64_t positions, std::int64_t channels,
                   std::int64_t padded, T* to) {
  for_channel_pairs<T>(channels, [&]<int Vectors>(std::int64_t channel, std::int64_t count) {
    Lanes<T> a[Vectors], b[Vectors], c[Vectors];
    for (int v = 0; v < Vectors; ++v) {
      a[v] = load(stage.a + channel + v * lane_count<T>);
      b[v] = load(stage.b + channel + v * lane_count<T>);
      c[v] = load(stage.c + channel + v * lane_count<T>);
    }
    for (std::int64_t i = 0; i < positions; ++i) {
      const std::int64_t at = i * channels + channel;
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) {
        const Lanes<T> value = b[v] * load(z + at + v * lane_count<T>, count) + c[v];
        store(to + i * padded + channel + v * lane_count<T>, a[v] * load(g + at + v * lane_count<T>, count) + value);
      }
    }
  });
}

}  // namespace
}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
