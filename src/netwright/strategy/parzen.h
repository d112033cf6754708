// The densities of the tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter
// Optimization"), with the adaptive widths, linear forgetting and truncation of Hyperopt (Bergstra et al. 2013).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "netwright/base/random.h"
#include "netwright/base/statistics.h"

namespace netwright {

// Weights of `count` observations, oldest first: 1 for the youngest 25, the older ones rising evenly from 1/count to 1.
void linear_forgetting_weights(std::size_t count, std::vector<double>& weights);

// A categorical choice's density, up to its sum: 1 for each option, and the weight of each observation of it.
// Preconditions: as many weights as observations, each of which is below `options`.
void categorical_density(std::span<const std::uint32_t> observations, std::span<const double> weights,
                         std::size_t options, std::vector<double>& density);

// A mixture of normals over an interval, truncated to it: one component for each observation and the prior, which is
// centred in the interval and as wide as it. A component is as wide as the larger gap to its neighbours, the prior
// being one of them, but at least width/min(100, m+1) and at most the width, where m counts the components.
// Reused from fit to fit, so that nothing is allocated once it has been large enough.
class ParzenMixture {
 public:
  // `means` ascending, with the weight of each; the prior has weight 1. Precondition: support.low < support.high.
  void fit(std::span<const double> means, std::span<const double> weights, Interval support);

  // From the truncated mixture.
  double sample(Random& random) const;
  // The density at each point, up to a factor common to all points: what a ratio of densities needs. Relative error
  // below 1e-13. Precondition: the points lie in the support.
  void relative_densities(std::span<const double> points, std::span<double> densities) const;
  // The first point of those with the largest numerators[i] / relative density. Preconditions: at least one point; they
  // lie in the support; numerators are positive. `bounds` is for its own use.
  std::size_t largest_ratio(std::span<const double> points, std::span<const double> numerators,
                            std::vector<double>& bounds) const;
  // Natural logarithm of the truncated mixture's density.
  double log_density(double point) const;
  // Natural logarithm of its probability between two points, which the support's ends limit: for quantised choices.
  double log_mass(Interval cell) const;

  // The components, ascending by mean; weights sum to 1.
  std::size_t size() const { return size_; }
  double mean(std::size_t i) const { return means_[i]; }
  double sigma(std::size_t i) const { return sigmas_[i]; }
  double weight(std::size_t i) const { return weights_[i]; }

 private:
  void place(std::span<const double> means, std::span<const double> weights);
  void widen(std::size_t prior);
  void prepare();
  double mass(Interval cell) const;
  // Over the `window` blocks that are nearest to a point; 0: all.
  void sum_blocks(std::span<const double> points, std::size_t window, std::span<double> densities) const;

  Interval support_;
  std::size_t size_ = 0;
  // The components, padded to whole blocks with ones of no weight.
  std::vector<double> means_, sigmas_, weights_;
  std::vector<double> scales_;   // of the exponent in base 2: density = height · 2^−((x − mean)·scale)²
  std::vector<double> heights_;  // weight over sigma
  std::vector<Interval> reach_;  // of each block: outside it contributes nothing that a double could show
};

}  // namespace netwright
