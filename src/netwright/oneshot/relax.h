// Search by RELAX gradients (Grathwohl et al. 2018, "Backpropagation through the Void: Optimizing Control Variates for
// Black-box Gradient Estimation").
#pragma once

#include <memory>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct RelaxOptions {
  double temperature = 0.5;
  std::int64_t hidden = 32;               // units of the network in the control variate
  double surrogate_learning_rate = 1e-3;  // of Adam on that network
  ArchitectureOptimizer optimizer{.learning_rate = 3e-3, .weight_decay = 0};
};

// As rebar, with a control variate that learns.
std::unique_ptr<Method> make_relax(const MethodContext& context);

}  // namespace netwright
