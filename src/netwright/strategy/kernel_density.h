// A product-kernel density estimate over choices of all kinds: normal kernels for numbers, which are scaled to [0, 1],
// the kernel of Aitchison and Aitken (1976) for categorical ones. Bandwidths by the normal reference rule,
// 1.06·σ·n^(−1/(4+d)) for d choices, as in statsmodels' KDEMultivariate on which BOHB (Falkner et al. 2018) builds.
#pragma once

#include <cstddef>
#include <vector>

#include "netwright/base/random.h"

namespace netwright {

class KernelDensity {
 public:
  // `points`: rows of as many coordinates as `options` has entries; an entry is the number of options of a categorical
  // choice (coordinates 0, 1, …), or 0 for a number in [0, 1]. Precondition: at least one row.
  KernelDensity(std::vector<std::vector<double>> points, std::vector<std::size_t> options, double least_bandwidth);

  double density(const std::vector<double>& point) const;
  // Around a row drawn at random: numbers from a normal truncated to [0, 1] whose deviation is `factor` bandwidths;
  // a categorical coordinate stays with probability 1 − bandwidth and is otherwise any option.
  std::vector<double> sample(Random& random, double factor) const;

  const std::vector<double>& bandwidths() const { return bandwidths_; }

 private:
  std::vector<std::vector<double>> points_;
  std::vector<std::size_t> options_;
  std::vector<double> bandwidths_;
  std::vector<double> columns_;  // the same coordinates, all of one choice together
};

}  // namespace netwright
