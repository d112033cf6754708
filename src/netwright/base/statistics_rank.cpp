// Kendall's rank correlation.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "netwright/base/error.h"
#include "netwright/base/statistics.h"

namespace netwright {
namespace {

// Sums over the groups of equal neighbours in a sorted sequence, as Kendall's tie corrections need them.
struct Ties {
  double pairs = 0;    // sum of t(t-1)/2
  double triples = 0;  // sum of t(t-1)(t-2)
  double spread = 0;   // sum of t(t-1)(2t+5)

  void add(double t) {
    pairs += t * (t - 1) / 2;
    triples += t * (t - 1) * (t - 2);
    spread += t * (t - 1) * (2 * t + 5);
  }
};

template <class Same>
Ties count_ties(std::size_t n, Same same_as_before) {
  Ties ties;
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= n; ++i) {
    if (i < n && same_as_before(i)) continue;
    ties.add(static_cast<double>(i - begin));
    begin = i;
  }
  return ties;
}

// Sorts and returns the number of pairs that stood in the wrong order (merge sort; equal values are no inversion).
std::int64_t sort_counting(std::span<double> values, std::span<double> scratch) {
  const std::size_t n = values.size();
  if (n < 2) return 0;
  const std::size_t half = n / 2;
  std::int64_t inversions = sort_counting(values.first(half), scratch) + sort_counting(values.subspan(half), scratch);
  std::size_t left = 0, right = half;
  for (std::size_t out = 0; out < n; ++out) {
    const bool take_right = left == half || (right < n && values[right] < values[left]);
    if (take_right) inversions += static_cast<std::int64_t>(half - left);
    scratch[out] = take_right ? values[right++] : values[left++];
  }
  std::copy_n(scratch.begin(), n, values.begin());
  return inversions;
}

double kendall_normal_p(double n, double concordant_less_discordant, const Ties& x, const Ties& y) {
  const double m = n * (n - 1);
  double variance = (m * (2 * n + 5) - x.spread - y.spread) / 18 + 2 * x.pairs * y.pairs / m;
  if (n > 2) variance += x.triples * y.triples / (9 * m * (n - 2));
  return std::erfc(std::fabs(concordant_less_discordant) / std::sqrt(2 * variance));
}

}  // namespace

KendallTau kendall_tau(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size())
    throw invalid({}, "rank correlation of samples of different sizes", "give equally many values");
  const std::size_t n = x.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return x[i] != x[j] ? x[i] < x[j] : y[i] < y[j]; });
  const Ties in_x = count_ties(n, [&](std::size_t i) { return x[order[i]] == x[order[i - 1]]; });
  const Ties in_both =
      count_ties(n, [&](std::size_t i) { return x[order[i]] == x[order[i - 1]] && y[order[i]] == y[order[i - 1]]; });
  std::vector<double> ys(n), scratch(n);
  std::transform(order.begin(), order.end(), ys.begin(), [&](std::size_t i) { return y[i]; });
  KendallTau result;
  result.inversions = sort_counting(ys, scratch);
  const Ties in_y = count_ties(n, [&](std::size_t i) { return ys[i] == ys[i - 1]; });

  const auto count = static_cast<double>(n);
  const double pairs = count * (count - 1) / 2;
  if (n < 2 || in_x.pairs == pairs || in_y.pairs == pairs) {
    result.tau = result.p = std::numeric_limits<double>::quiet_NaN();
    result.exact = false;
    return result;
  }
  const double excess = pairs - in_x.pairs - in_y.pairs + in_both.pairs - 2 * static_cast<double>(result.inversions);
  result.exact = in_x.pairs == 0 && in_y.pairs == 0 && n <= 60;
  result.tau = in_x.pairs == 0 && in_y.pairs == 0
                   ? excess / pairs
                   : std::clamp(excess / std::sqrt(pairs - in_x.pairs) / std::sqrt(pairs - in_y.pairs), -1.0, 1.0);
  result.p = result.exact ? kendall_exact_p(static_cast<std::int64_t>(n), result.inversions)
                          : kendall_normal_p(count, excess, in_x, in_y);
  return result;
}

double kendall_exact_p(std::int64_t n, std::int64_t inversions) {
  const std::int64_t pairs = n * (n - 1) / 2;
  const std::int64_t tail = std::min(inversions, pairs - inversions);
  if (n < 2 || 2 * tail == pairs) return 1;
  // Permutations of 1 … k by number of inversions: adding the k-th value makes 0 … k-1 new ones.
  std::vector<double> permutations(static_cast<std::size_t>(tail) + 1, 0.0);
  permutations[0] = 1;
  double factorial = 1;
  for (std::int64_t k = 2; k <= n; ++k) {
    factorial *= static_cast<double>(k);
    std::vector<double> sums(permutations.size() + 1, 0.0);
    std::partial_sum(permutations.begin(), permutations.end(), sums.begin() + 1);
    for (std::int64_t i = 0; i <= tail; ++i) {
      permutations[static_cast<std::size_t>(i)] =
          sums[static_cast<std::size_t>(i) + 1] - sums[static_cast<std::size_t>(std::max<std::int64_t>(0, i + 1 - k))];
    }
  }
  return std::min(1.0, 2 * std::accumulate(permutations.begin(), permutations.end(), 0.0) / factorial);
}

}  // namespace netwright
