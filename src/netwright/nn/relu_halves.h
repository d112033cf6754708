// relu(x) at even rows and columns, and at odd ones: what a factorized reduction's two convolutions of stride 2 read.
#pragma once

#include "netwright/nn/torch_compat.h"

namespace netwright {

struct Halves {
  torch::Tensor even, odd;  // samples x channels x (height + 1) / 2 x (width + 1) / 2, channels_last
};

// One pass over x, and one over its gradient, where LibTorch makes four tensors of x's size. Odd positions outside the
// image are zero. Differentiable twice. Precondition: summable(x), four dimensions.
Halves relu_halves(const torch::Tensor& x);

}  // namespace netwright
