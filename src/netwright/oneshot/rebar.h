// Search by REBAR gradients (Tucker et al. 2017, "REBAR: Low-variance, Unbiased Gradient Estimates for Discrete Latent
// Variable Models").
#pragma once

#include <memory>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/estimators.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct RebarOptions {
  double temperature = 0.5;  // of the relaxation that the control variate is
  ArchitectureOptimizer optimizer{.learning_rate = 3e-3, .weight_decay = 0};
};

// A step trains the weights of one drawn network. The architecture follows the gradient of the expected validation
// loss: a hard forward pass and two relaxed ones.
std::unique_ptr<Method> make_rebar(const MethodContext& context);

// The supernet's validation loss as a function of weights, for estimators; and one drawn network.
WeightedLoss objective_of(const SearchStep& step, const Relaxation& relaxation);
Mixture draw_network(const Relaxation& relaxation, const std::vector<torch::Tensor>& logits, at::Generator& generator);

}  // namespace netwright
