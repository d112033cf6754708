// What an architecture is in one forward pass of a supernet: a weight for every option, or a choice of one.
#pragma once

#include <optional>
#include <vector>

#include "netwright/nn/torch_compat.h"
#include "netwright/space/relaxation.h"

namespace netwright {

struct Mixture {
  // By group of the Relaxation: rows x options. An undefined tensor, or none: weights of 1.
  std::vector<torch::Tensor> weights;
  // By sum over chosen edges: a weight an edge, on what the edge's options give. Undefined, or none: 1.
  std::vector<torch::Tensor> edges;
  // Where set, only these options run (-1: all of the row's), and only these edges of chosen sums are there.
  std::optional<Picks> only;
};

// One network of the space, its weights 1.
Mixture single(Picks picks);

}  // namespace netwright
