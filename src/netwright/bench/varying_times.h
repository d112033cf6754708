// Made-up trials that take very different times, for measuring how busy a schedule keeps its workers.
#pragma once

#include "netwright/bench/evaluator.h"

namespace netwright {

struct VaryingTimesOptions {
  double full_fidelity = 81;
  double spread = 10;      // seconds of an epoch: log-uniform from 1 to this, fixed by the configuration
  std::uint64_t seed = 0;  // which times and which accuracies
};

// The accuracies of synthetic.h.
class VaryingTimes : public Evaluator {
 public:
  explicit VaryingTimes(SearchSpace space, const VaryingTimesOptions& options = {});

  const SearchSpace& space() const override { return space_; }
  double full_fidelity() const override { return options_.full_fidelity; }
  Measurement evaluate(const Configuration& configuration, double from, double to) const override;

 private:
  SearchSpace space_;
  VaryingTimesOptions options_;
};

}  // namespace netwright
