#include "netwright/bench/varying_times.h"

#include <cmath>

#include "netwright/bench/synthetic.h"

namespace netwright {

VaryingTimes::VaryingTimes(SearchSpace space, const VaryingTimesOptions& options)
    : space_(std::move(space)), options_(options) {}

Measurement VaryingTimes::evaluate(const Configuration& configuration, double from, double to) const {
  Measurement measurement = synthetic_measurement(configuration, to, {options_.seed, options_.full_fidelity});
  Random random(derive_seed(options_.seed, configuration.canonical_text()));
  measurement.seconds = (to - from) * std::pow(options_.spread, random.uniform());
  return measurement;
}

}  // namespace netwright
