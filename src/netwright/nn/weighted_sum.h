// The sum of a supernet's node as one autograd function on top of kernels/weighted_sum.h: over separable convolutions
// of several sources with their batch norms, over values from elsewhere and over sources themselves, each times a
// weight that may have a gradient.
//
// It computes what the composition of LibTorch's operations computes, to rounding, in float32 and float64. Between
// forward and backward it keeps what each pointwise convolution gave and the sources, nothing else; of float32 it can
// keep the former in half the memory, as bfloat16, from which norms and gradients are then computed: values are as
// exact as 8 bits of a fraction are. Second derivatives are exact too: backward with create_graph falls back to
// LibTorch's operations.
#pragma once

#include <vector>

#include "netwright/nn/factorized_reduce.h"
#include "netwright/nn/separable.h"

namespace netwright {

struct SumTerm {
  int source = -1;                     // of a layer, or, alone, the source itself
  Separable* separable = nullptr;      // of the source
  FactorizedReduce* reduce = nullptr;  // likewise
  torch::Tensor value{};               // from elsewhere
};

// On a CPU whose vectors the kernels know, float32 or float64, with elements.
bool summable(const torch::Tensor& x);
// Kernels, strides and dilations that the kernels know, as many channels out as in, norms in training.
bool summable(const Separable& layer);
// As many channels out as in, in training.
bool summable(const FactorizedReduce& layer);

// sum over k of weights[k] * term k, samples x channels (x height x width, channels_last); `output` is its shape.
// `weights`: one a term, in the terms' type; undefined: all 1. Updates the running statistics of the layers' norms.
// Preconditions: sources, values and layers are summable; terms have the output's shape; at least one term.
// `kept`: the type in which it keeps what pointwise convolutions gave: that of the sources, or, of float32, bfloat16.
// `tells`: values that are fused_pool's are told their gradients' parts (accumulated.h); then gradients are to be taken
// of what they are made from, not of them.
torch::Tensor weighted_sum(const std::vector<torch::Tensor>& sources, const std::vector<SumTerm>& terms,
                           const torch::Tensor& weights, const Shape& output, torch::ScalarType kept,
                           bool tells = false);

}  // namespace netwright
