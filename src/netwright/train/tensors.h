// Named tensors: what a module, an optimizer or an average of weights consists of, for checkpoints.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "netwright/nn/torch_compat.h"

namespace netwright {

// Names are unique. The tensors share memory with whoever handed them out.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// Null when absent.
const torch::Tensor* find_tensor(const NamedTensors& tensors, const std::string& name);

// Parameters and buffers of a module, parameters first, by their dotted names.
NamedTensors module_tensors(const torch::nn::Module& module);

// Those tensors of `source` whose names begin with `prefix`, without it.
NamedTensors with_prefix_removed(const NamedTensors& source, const std::string& prefix);
void append_with_prefix(NamedTensors& to, const NamedTensors& tensors, const std::string& prefix);

// Copies values into `to`, whose layout and device stay. Throws an invalid Error at `file` unless both have exactly the
// same names, shapes and types; then nothing has been written.
void copy_tensors(const NamedTensors& from, const NamedTensors& to, const std::string& file);

// Whether both lie in memory alike, so that their elements correspond one to one in storage order.
bool same_layout(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace netwright
