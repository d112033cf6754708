// SNAS (Xie et al. 2019, "SNAS: Stochastic Neural Architecture Search").
#pragma once

#include <memory>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct SnasOptions {
  double first_temperature = 1;
  double last_temperature = 0.03;  // reached in the last epoch, by a constant factor an epoch
  ArchitectureOptimizer optimizer;
};

// Each forward pass draws weights softmax((log a + Gumbel) / temperature); parameters and weights learn from the same
// loss on the same batch.
std::unique_ptr<Method> make_snas(const MethodContext& context);

// The Gumbel-softmax weights of one draw: softmax((log_softmax(logits) + noise) / temperature) over options.
torch::Tensor relaxed_sample(const torch::Tensor& logits, const torch::Tensor& noise, double temperature);

}  // namespace netwright
