// DARTS (Liu, Simonyan and Yang 2019, "DARTS: Differentiable Architecture Search"), and with the implicit gradient
// (bilevel.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/bilevel.h"
#include "netwright/oneshot/method.h"

namespace netwright {

// How far the gradient of the validation loss follows the weights, which themselves follow the architecture.
struct BilevelOptions {
  std::string order = "first";     // first, second (finite difference), exact (double backward), implicit
  std::string solver = "neumann";  // of implicit: neumann or conjugate_gradient
  int iterations = 3;              // of the solver: terms beyond the first, or steps (then 10)
  double damping = 0;              // of the solver: added to the weights' decay
};

// Reads order, solver, iterations and damping.
BilevelOptions read_bilevel(MappingReader& reader);

// By `architecture`, of which `mixture` is a differentiable function. `penalty`, where given, is a function of the
// architecture alone that is added to the validation loss.
ArchitectureGradient bilevel_gradient(const BilevelOptions& options, const SearchStep& step,
                                      const std::vector<torch::Tensor>& architecture,
                                      const std::function<Mixture()>& mixture,
                                      const std::function<torch::Tensor()>& penalty = {});

struct DartsOptions {
  BilevelOptions bilevel;
  bool edges = false;  // a softmax over each node's edges too
  ArchitectureOptimizer optimizer;
  MethodSettings settings;
};

// Reads the options of read_bilevel, learning_rate, weight_decay and warmup_epochs; what is absent is as in `defaults`.
DartsOptions read_darts(const MethodContext& context, DartsOptions defaults);

// Parameters begin at 1e-3 times normal numbers. Options are weighted by the softmax of each row.
std::unique_ptr<Method> make_darts(const MethodContext& context);
std::unique_ptr<Method> make_darts(const MethodContext& context, const DartsOptions& options);

}  // namespace netwright
