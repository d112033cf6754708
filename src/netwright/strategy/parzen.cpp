#include "netwright/strategy/parzen.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>

namespace netwright {
namespace {

constexpr std::size_t remembered = 25;  // observations that keep their full weight
constexpr std::size_t lanes = 8;        // components a block
// Beyond so many sigmas even a thousand of the narrowest components stay below 1e-13 of what the prior contributes.
constexpr double negligible = 9;
constexpr std::size_t near = 5;  // blocks that nearly tell the density

// Two and four doubles at a time, and their bits.
struct Narrow {
  using Doubles = double __attribute__((vector_size(16)));
  using Bits = std::int64_t __attribute__((vector_size(16)));
  static constexpr std::size_t count = 2;
};
struct Wide {
  using Doubles = double __attribute__((vector_size(32)));
  using Bits = std::int64_t __attribute__((vector_size(32)));
  static constexpr std::size_t count = 4;
};

// Replaces y <= 0 by 2^y, flushed to about 1e-301 far below. The polynomial interpolates 2^f at Chebyshev's points of
// [-1/2, 1/2], relative error 3e-16.
template <class R>
__attribute__((always_inline)) inline void raise_two(typename R::Doubles& y) {
  using Doubles = typename R::Doubles;
  using Bits = typename R::Bits;
  const Doubles least = Doubles{} - 1000.0;
  y = y > least ? y : least;
  const Doubles shift = Doubles{} + 0x1.8p52;  // adding it rounds to an integer, which its lowest bits then hold
  const Doubles shifted = y + shift;
  const Doubles f = y - (shifted - shift);
  const Doubles f2 = f * f, f4 = f2 * f2;  // in pairs: shorter chains than Horner's
  const Doubles low = (1.0 + 0x1.62e42fefa3a19p-1 * f) + f2 * (0x1.ebfbdff82c598p-3 + 0x1.c6b08d703ce49p-5 * f);
  const Doubles middle =
      (0x1.3b2ab6fba1ddap-7 + 0x1.5d87fe9d7a584p-10 * f) + f2 * (0x1.430913096fd9fp-13 + 0x1.ffcb54062e698p-17 * f);
  const Doubles high = (0x1.62bfd47773353p-20 + 0x1.b675bca4eeebbp-24 * f) + f2 * 0x1.e6063f7217bc6p-28;
  const Doubles sum = low + f4 * (middle + f4 * high);
  const Bits exponent = (reinterpret_cast<Bits>(shifted) << 52) + (std::int64_t{1023} << 52);
  y = sum * reinterpret_cast<Doubles>(exponent);
}

struct Components {
  const double* means;
  const double* scales;
  const double* heights;
  const Interval* reach;
  std::size_t blocks;
  std::size_t window;  // blocks that are summed up at most, those nearest to the point; 0: all
};

// The first of the blocks to be summed up for a point, and the end of them.
inline std::pair<std::size_t, std::size_t> blocks_for(const Components& all, double x) {
  if (all.window == 0 || all.window >= all.blocks) return {0, all.blocks};
  std::size_t low = 0, high = all.blocks;  // the last block that begins at or before x
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (all.means[middle * lanes] <= x ? low : high) = middle;
  }
  const std::size_t before = std::min(low, all.window / 2);
  const std::size_t first = std::min(low - before, all.blocks - all.window);
  return {first, first + all.window};
}

// Lane by lane the same sums in the same order for every kind of register.
template <class R>
__attribute__((always_inline)) inline void sum_up(const Components& all, std::span<const double> points,
                                                  std::span<double> densities) {
  using Doubles = typename R::Doubles;
  constexpr std::size_t parts = lanes / R::count;
  for (std::size_t k = 0; k < points.size(); ++k) {
    const double x = points[k];
    Doubles sums[parts] = {};
    const auto [first_block, end_block] = blocks_for(all, x);
    for (std::size_t b = first_block; b < end_block; ++b) {
      if (x < all.reach[b].low || x > all.reach[b].high) continue;
#pragma GCC unroll 4
      for (std::size_t p = 0; p < parts; ++p) {
        const std::size_t first = b * lanes + p * R::count;
        Doubles mean, scale, height;
        std::memcpy(&mean, all.means + first, sizeof(Doubles));
        std::memcpy(&scale, all.scales + first, sizeof(Doubles));
        std::memcpy(&height, all.heights + first, sizeof(Doubles));
        Doubles power = (x - mean) * scale;
        power *= -power;
        raise_two<R>(power);
        sums[p] += height * power;
      }
    }
    double total = 0;
    for (std::size_t i = 0; i < lanes; ++i) total += sums[i / R::count][i % R::count];
    densities[k] = total;
  }
}

void sum_up_plain(const Components& all, std::span<const double> points, std::span<double> densities) {
  sum_up<Narrow>(all, points, densities);
}

#if defined(__x86_64__)
// Twice as wide, and with fused multiply-adds: the last digit may differ, as it does in the processor's own exp.
__attribute__((target("avx2,fma"))) void sum_up_wide(const Components& all, std::span<const double> points,
                                                     std::span<double> densities) {
  sum_up<Wide>(all, points, densities);
}
#endif

double normal_cdf(double x, double mean, double sigma) {
  return 0.5 * (1 + std::erf((x - mean) / (std::numbers::sqrt2 * sigma)));
}

}  // namespace

void linear_forgetting_weights(std::size_t count, std::vector<double>& weights) {
  weights.assign(count, 1.0);
  if (count <= remembered) return;
  const std::size_t ramp = count - remembered;
  const double first = 1.0 / static_cast<double>(count);
  const double step = ramp > 1 ? (1.0 - first) / static_cast<double>(ramp - 1) : 0.0;
  for (std::size_t i = 0; i < ramp; ++i) weights[i] = first + static_cast<double>(i) * step;
}

void categorical_density(std::span<const std::uint32_t> observations, std::span<const double> weights,
                         std::size_t options, std::vector<double>& density) {
  // Four sums by turns: equal options in a row need not wait for each other.
  density.assign(4 * options, 0.25);
  for (std::size_t i = 0; i < observations.size(); ++i) density[i % 4 * options + observations[i]] += weights[i];
  for (std::size_t i = 0; i < options; ++i) {
    density[i] += density[options + i] + density[2 * options + i] + density[3 * options + i];
  }
  density.resize(options);
}

void ParzenMixture::fit(std::span<const double> means, std::span<const double> weights, Interval support) {
  support_ = support;
  place(means, weights);
  prepare();
}

void ParzenMixture::place(std::span<const double> means, std::span<const double> weights) {
  size_ = means.size() + 1;
  const std::size_t padded = (size_ + lanes - 1) / lanes * lanes;
  for (auto* column : {&means_, &sigmas_, &weights_, &scales_, &heights_}) column->resize(padded);
  reach_.resize(padded / lanes);
  const double centre = 0.5 * (support_.low + support_.high);
  const auto prior = static_cast<std::size_t>(std::lower_bound(means.begin(), means.end(), centre) - means.begin());
  const auto at = [prior](std::vector<double>& column, std::span<const double> from, double own) {
    const auto split = from.begin() + static_cast<std::ptrdiff_t>(prior);
    auto end = std::copy(from.begin(), split, column.begin());
    *end = own;
    std::copy(split, from.end(), end + 1);
  };
  at(means_, means, centre);
  at(weights_, weights, 1.0);
  widen(prior);
}

void ParzenMixture::widen(std::size_t prior) {
  const double width = support_.high - support_.low;
  const double least = width / std::min(100.0, 1.0 + static_cast<double>(size_));
  const std::size_t last = size_ - 1;
  if (size_ == 2) {
    sigmas_[0] = sigmas_[1] = 0.5 * width;
  } else if (size_ > 2) {
    sigmas_[0] = means_[1] - means_[0];
    sigmas_[last] = means_[last] - means_[last - 1];
    for (std::size_t i = 1; i < last; ++i) {
      sigmas_[i] = std::max(means_[i] - means_[i - 1], means_[i + 1] - means_[i]);
    }
  }
  for (std::size_t i = 0; i < size_; ++i) sigmas_[i] = std::min(std::max(sigmas_[i], least), width);
  sigmas_[prior] = width;
}

void ParzenMixture::prepare() {
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) sum += weights_[i];
  const double share = 1 / sum;
  for (std::size_t i = size_; i < means_.size(); ++i) {
    means_[i] = means_[size_ - 1];
    sigmas_[i] = sigmas_[size_ - 1];
    weights_[i] = 0;
  }
  const double exponent = std::sqrt(0.5 * std::numbers::log2e);
  for (std::size_t i = 0; i < means_.size(); ++i) {
    const double inverse = 1 / sigmas_[i];
    weights_[i] *= share;
    scales_[i] = exponent * inverse;
    heights_[i] = weights_[i] * inverse;
  }
  for (std::size_t b = 0; b < reach_.size(); ++b) {
    const auto first = static_cast<std::ptrdiff_t>(b * lanes);
    const double widest = negligible * *std::max_element(sigmas_.begin() + first, sigmas_.begin() + first + lanes);
    reach_[b] = {means_[b * lanes] - widest, means_[b * lanes + lanes - 1] + widest};
  }
}

double ParzenMixture::sample(Random& random) const {
  while (true) {
    const double share = random.uniform();
    double sum = 0;
    std::size_t i = 0;
    for (std::size_t k = 0; k + 1 < size_; ++k) {  // without a branch that nothing could predict
      sum += weights_[k];
      i += share >= sum;
    }
    const double drawn = means_[i] + sigmas_[i] * random.normal();
    if (drawn >= support_.low && drawn < support_.high) return drawn;
  }
}

void ParzenMixture::relative_densities(std::span<const double> points, std::span<double> densities) const {
  sum_blocks(points, 0, densities);
}

// What the nearest components give is no more than the density, so it says which points cannot have the largest ratio;
// of the others, most promising first, until none can, the whole density is worked out.
std::size_t ParzenMixture::largest_ratio(std::span<const double> points, std::span<const double> numerators,
                                         std::vector<double>& bounds) const {
  constexpr double rounding = 1 + 1e-12;
  bounds.resize(points.size());
  sum_blocks(points, near, bounds);
  for (std::size_t i = 0; i < points.size(); ++i) bounds[i] = rounding * numerators[i] / bounds[i];
  std::size_t best = points.size();
  double ratio = -1;
  while (true) {
    const auto most = std::max_element(bounds.begin(), bounds.end());
    if (*most < ratio || *most < 0) return best;
    const auto i = static_cast<std::size_t>(most - bounds.begin());
    *most = -1;  // done with
    double density = 0;
    sum_blocks({&points[i], 1}, 0, {&density, 1});
    const double own = numerators[i] / density;
    if (own > ratio || (own == ratio && i < best)) {
      ratio = own;
      best = i;
    }
  }
}

void ParzenMixture::sum_blocks(std::span<const double> points, std::size_t window, std::span<double> densities) const {
  const Components all = {means_.data(), scales_.data(), heights_.data(), reach_.data(), reach_.size(), window};
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (wide) return sum_up_wide(all, points, densities);
#endif
  sum_up_plain(all, points, densities);
}

double ParzenMixture::log_density(double point) const {
  double density = 0;
  relative_densities({&point, 1}, {&density, 1});
  return std::log(density / std::sqrt(2 * std::numbers::pi)) - std::log(mass(support_));
}

double ParzenMixture::log_mass(Interval cell) const {
  return std::log(mass({std::max(cell.low, support_.low), std::min(cell.high, support_.high)})) -
         std::log(mass(support_));
}

double ParzenMixture::mass(Interval cell) const {
  double sum = 0, inside = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    // Quantised observations often coincide; components that are equal share the costly part.
    if (i == 0 || means_[i] != means_[i - 1] || sigmas_[i] != sigmas_[i - 1]) {
      inside = normal_cdf(cell.high, means_[i], sigmas_[i]) - normal_cdf(cell.low, means_[i], sigmas_[i]);
    }
    sum += weights_[i] * inside;
  }
  return sum;
}

}  // namespace netwright
