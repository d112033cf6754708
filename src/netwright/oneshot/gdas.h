// GDAS (Dong and Yang 2019, "Searching for a Robust Neural Architecture in Four GPU Hours").
#pragma once

#include <memory>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct GdasOptions {
  double first_temperature = 10;
  double last_temperature = 0.1;  // linearly over epoch / (epochs - 1)
  ArchitectureOptimizer optimizer;
};

// Each forward pass draws one operation a row; only it runs. Backward takes its weight for the softmax of
// log_softmax(a) + Gumbel over the temperature, so every parameter of the row learns.
std::unique_ptr<Method> make_gdas(const MethodContext& context);

// A mixture of hard weights with soft gradients, of one draw by group.
Mixture straight_through_mixture(const Relaxation& relaxation, const std::vector<torch::Tensor>& logits,
                                 const std::vector<torch::Tensor>& noise, double temperature);

}  // namespace netwright
