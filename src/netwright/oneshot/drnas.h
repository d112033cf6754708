// DrNAS (Chen et al. 2021, "DrNAS: Dirichlet Neural Architecture Search").
#pragma once

#include <memory>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct DrnasOptions {
  double regularisation = 1e-3;  // times the divergence from the uniform Dirichlet, summed over rows
  ArchitectureOptimizer optimizer{.learning_rate = 6e-4};
};

// Each forward pass draws a row's weights from Dirichlet(elu(a) + 1), with pathwise derivatives.
std::unique_ptr<Method> make_drnas(const MethodContext& context);

// A draw from Dirichlet(concentration) over the last dimension, differentiable in the concentration (Figurnov, Mohamed
// and Mnih 2018, "Implicit Reparameterization Gradients").
torch::Tensor dirichlet_sample(const torch::Tensor& concentration, at::Generator& generator);
// KL(Dirichlet(concentration) || Dirichlet(1)), summed over rows.
torch::Tensor divergence_from_uniform(const torch::Tensor& concentration);

}  // namespace netwright
