// Named ways in which a supernet runs faster or in less memory than one operation at a time with a tensor each. What
// each does is in oneshot/passes.h, what each gains in docs/benchmarks.md. All but bf16 leave the arithmetic as it is,
// to rounding.
#pragma once

#include <string>
#include <vector>

#include "netwright/base/yaml.h"

namespace netwright {

struct SupernetPasses {
  bool channels_last = true;  // images lie in memory channel by channel of a pixel, not image by image of a channel
  bool blocks = true;         // ReLU, convolution, batch norm and activation are one function (nn/fused.h)
  bool share = true;          // operations without weights are computed once a value, not once an edge
  bool sums = true;           // a node's edges, their weights and the sum are one function (nn/weighted_sum.h)
  bool separable = true;      // with separable convolutions and their batch norms in it
  bool gradients = true;      // gradients of what several read are added up in the kernels (nn/accumulated.h)
  bool recompute = false;     // cells keep nothing but their inputs and are run again on the way back (nn/recompute.h)
  bool bf16 = false;          // sums keep what pointwise convolutions gave as bfloat16: half the memory, less exact

  // LibTorch's operations alone, one tensor an operation: what the others are compared with.
  static SupernetPasses none() { return {false, false, false, false, false, false, false, false}; }
};

const std::vector<std::string>& pass_names();
// Throws an invalid Error for another name than a pass's.
bool& pass_by_name(SupernetPasses& passes, const std::string& name);
// {bf16: true, sums: false}: what differs from the defaults. Throws an invalid Error with place and remedy.
SupernetPasses parse_passes(const Yaml& node);

}  // namespace netwright
