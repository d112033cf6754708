// Architecture parameters as tensors: a matrix for each group of rows, and where edges are weighted a vector for each
// sum over chosen edges.
#pragma once

#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/oneshot/decoding.h"
#include "netwright/oneshot/mixture.h"
#include "netwright/train/optimizer.h"

namespace netwright {

struct Architecture {
  // Normal with that deviation, from a generator of its own; leaves that require gradients.
  Architecture(const Relaxation& relaxation, bool with_edges, double deviation, std::uint64_t seed,
               const torch::TensorOptions& options);

  std::vector<torch::Tensor> rows;   // by group: rows x options
  std::vector<torch::Tensor> edges;  // by sum; empty unless edges are weighted
  NamedTensors named;                // all of them: "alpha.GROUP", "beta.SUM"

  std::vector<torch::Tensor> all() const;  // rows, then edges
};

// Adam as DARTS has it.
struct ArchitectureOptimizer {
  double learning_rate = 3e-4;
  double beta1 = 0.5;
  double beta2 = 0.999;
  double weight_decay = 1e-3;
};
// Reads learning_rate and weight_decay.
ArchitectureOptimizer read_optimizer(MappingReader& reader, ArchitectureOptimizer defaults);
Optimizer make_optimizer(const Architecture& architecture, const ArchitectureOptimizer& options);

// One step along these gradients, one a tensor of all().
void step_along(const Architecture& architecture, Optimizer& optimizer, double learning_rate,
                const std::vector<torch::Tensor>& gradients);

// Softmax over options, and over each sum's edges.
Mixture softmax_mixture(const Architecture& architecture);
Importance softmax_importance(const Architecture& architecture);
Mixture detached(const Mixture& mixture);

// Standard Gumbel noise in the shape of `like`.
torch::Tensor gumbel_like(const torch::Tensor& like, at::Generator& generator);
// The option with the largest number in each row of each group; all edges of chosen sums.
Picks largest(const Relaxation& relaxation, const std::vector<torch::Tensor>& rows);
// One where picked, else 0; by group, as `like`.
std::vector<torch::Tensor> one_hot(const Relaxation& relaxation, const Picks& picks,
                                   const std::vector<torch::Tensor>& like);

// State of a method that consists of architecture tensors and one optimizer.
NamedTensors architecture_state(const Architecture& architecture, const Optimizer& optimizer);
void restore_architecture(const Architecture& architecture, Optimizer& optimizer, const NamedTensors& state,
                          const std::string& file);

}  // namespace netwright
