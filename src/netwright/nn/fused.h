// Autograd functions on top of kernels/: batch norm in training with an activation, alone or after a convolution.
//
// They compute what the composition of LibTorch's own operations computes, to float32 rounding; convolution blocks and
// batch norms (units.h) use them where they apply and LibTorch's operations everywhere else: on other devices, in other
// types, in evaluation. Second derivatives are exact too: backward with create_graph falls back to LibTorch's.
#pragma once

#include "netwright/nn/torch_compat.h"
#include "netwright/nn/units.h"

namespace netwright {

// While one lives, convolution blocks, batch norms and pools of this thread use LibTorch's operations alone: what fused
// ones are compared with, and what double backward takes least time through.
class PlainExecution {
 public:
  explicit PlainExecution(bool wanted = true);
  ~PlainExecution();
  PlainExecution(const PlainExecution&) = delete;
  PlainExecution& operator=(const PlainExecution&) = delete;

  static bool active();  // in this thread

 private:
  bool before_;
};

// Whether the tensor may go through the functions below: float32 on a CPU with AVX2, image or rows.
bool fusible(const torch::Tensor& x);
bool fusible(Activation after);  // none, relu, relu6
// Dense, stride 1, odd kernel, padding that keeps the size, batch norm, fusible activations.
bool fusible(const ConvolutionOptions& options);

// activation(batch_norm(x)) by the batch's statistics; updates `norm`'s running ones.
torch::Tensor fused_norm(const torch::Tensor& x, BatchNorm& norm, Activation after);

// The whole block by the batch's statistics; updates block.norm's running ones.
torch::Tensor fused_block(const torch::Tensor& x, ConvolutionBlock& block);

}  // namespace netwright
