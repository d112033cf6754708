// A part of a network that keeps nothing for its backward pass but its inputs: there it is run a second time (Chen et
// al. 2016, "Training deep nets with sublinear memory cost"). Memory for a third more arithmetic.
#pragma once

#include <functional>
#include <vector>

#include "netwright/nn/torch_compat.h"

namespace netwright {

using TensorFunction = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>& inputs)>;

// What `function` gives for `inputs`, which may be undefined, differentiable in them and in `parameters`, the leaves
// that the function reads besides, each once. Differentiable again: backward with create_graph keeps what it needs.
// Preconditions: the function does the same each time, by the same random numbers of the device's default generator,
// whose state is put back for it; whatever it refers to outlives the backward pass; parameters stay as they are until
// then. Running statistics of norms move once.
std::vector<torch::Tensor> recomputed(const TensorFunction& function, const std::vector<torch::Tensor>& inputs,
                                      const std::vector<torch::Tensor>& parameters);

}  // namespace netwright
