// A cheap made-up objective over the configurations of any space, for tests of strategies and benchmarks without
// training.
//
// An NK landscape (Kauffman & Weinberger 1989) with K = 1: each choice contributes a number fixed by its own value and
// that of the next choice by name; the objective is their mean. Good values of single choices can be found and kept,
// yet choices are not independent, so it tells a strategy that learns from one that does not.
#pragma once

#include <cstdint>

#include "netwright/space/configuration.h"
#include "netwright/trial/trial.h"

namespace netwright {

struct SyntheticOptions {
  std::uint64_t seed = 0;     // which landscape
  double full_fidelity = 10;  // where the learning curve has reached 95 % of its limit
};

// accuracy in [0, 1), rising with fidelity towards its limit; loss = 1 - accuracy; parameters, a made-up cost between
// 1,000 and 2,000 that does not depend on fidelity. No seconds. The same arguments give the same numbers everywhere.
Measurement synthetic_measurement(const Configuration& configuration, double fidelity,
                                  const SyntheticOptions& options = {});

}  // namespace netwright
