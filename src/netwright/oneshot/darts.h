// DARTS (Liu, Simonyan and Yang 2019, "DARTS: Differentiable Architecture Search"), and with the implicit gradient of
// Lorraine, Vicol and Duvenaud 2020 ("Optimizing Millions of Hyperparameters by Implicit Differentiation").
#pragma once

#include <memory>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct DartsOptions {
  std::string order = "first";  // first, second (finite difference), exact (double backward), implicit
  int neumann_terms = 3;        // of implicit: of the series for the inverse Hessian
  bool edges = false;           // a softmax over each node's edges too
  ArchitectureOptimizer optimizer;
  MethodSettings settings;
};

// Reads order, neumann_terms, learning_rate, weight_decay and warmup_epochs; what is absent is as in `defaults`.
DartsOptions read_darts(const MethodContext& context, DartsOptions defaults);

// Parameters begin at 1e-3 times normal numbers. Options are weighted by the softmax of each row.
std::unique_ptr<Method> make_darts(const MethodContext& context);
std::unique_ptr<Method> make_darts(const MethodContext& context, const DartsOptions& options);

}  // namespace netwright
