// The loss of a batch, computed in equal parts one after another: memory for a part, gradients of the whole.
//
// Batch norms take the statistics of a part, not of the batch; this alone is what parts change. The loss is the mean
// over the batch, each part counting by its examples.
#pragma once

#include "netwright/data/loader.h"
#include "netwright/oneshot/supernet.h"

namespace netwright {

struct PartsOptions {
  std::int64_t parts = 1;  // fewer where they would have less than two examples
  bool by_weights = true;  // with several parts: whether the loss is differentiable in the net's weights
  double label_smoothing = 0;
};

struct PartsLoss {
  torch::Tensor loss;        // mean cross-entropy
  std::int64_t correct = 0;  // predictions
};

// Differentiable in the mixture's tensors and the net's weights; with several parts once only, because their gradients
// are taken here and handed on by backward: create_graph through it is an error of LibTorch.
PartsLoss loss_in_parts(Supernet& net, const Batch& batch, const Mixture& mixture, const PartsOptions& options = {});

}  // namespace netwright
