#include "netwright/export/fold.h"

#include "netwright/nn/units.h"

namespace netwright {
namespace {

void fold(ConvolutionBlock& block) {
  const torch::NoGradGuard no_grad;
  const BatchNorm& norm = *block.norm;
  torch::Tensor scale = torch::rsqrt(norm.running_var.to(torch::kDouble) + BatchNorm::epsilon);
  if (norm.weight.defined()) scale = scale * norm.weight.detach().to(torch::kDouble);
  torch::Tensor shift = -norm.running_mean.to(torch::kDouble) * scale;
  if (norm.bias.defined()) shift = shift + norm.bias.detach().to(torch::kDouble);
  if (block.bias.defined()) shift = shift + block.bias.detach().to(torch::kDouble) * scale;

  const torch::Tensor weight = block.weight.detach().to(torch::kDouble) * scale.view({-1, 1, 1, 1});
  block.weight.detach().copy_(weight);
  if (block.bias.defined()) {
    block.bias.detach().copy_(shift);
  } else {
    block.bias = block.register_parameter("bias", shift.to(block.weight.scalar_type()));
  }
  block.unregister_module("norm");
  block.norm.reset();
}

}  // namespace

void fold_batch_norms(NetworkModule& module) {
  for (const auto& part : module.modules()) {
    auto* block = dynamic_cast<ConvolutionBlock*>(part.get());
    if (block != nullptr && block->norm) fold(*block);
  }
  module.eval();
}

}  // namespace netwright
