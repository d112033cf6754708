// One step of a search: the architecture's update on one batch, then the weights' on the other.
#pragma once

#include "netwright/oneshot/method.h"
#include "netwright/train/optimizer.h"

namespace netwright {

struct StepResult {
  double loss = 0;           // of the weights' batch, before its update
  double gradient_norm = 0;  // of the weights, before clipping
  std::int64_t correct = 0;  // predictions on the weights' batch
};

class SearchSteps {
 public:
  // Both outlive it. `gradient_clip`: largest norm of the weights' gradients; 0: none. `parts`: how many a batch is
  // computed in (parts.h); the updates are those of whole batches.
  SearchSteps(Supernet& net, Method& method, const OptimizerOptions& optimizer, double gradient_clip,
              std::int64_t parts = 1);

  // Architecture first, as published, unless the method warms up; a joint method updates it after the weights'
  // backward.
  StepResult run(const Batch& train, const Batch& valid, const Progress& progress, double learning_rate,
                 at::Generator& generator, double label_smoothing = 0);
  // The weights' part alone, under a given mixture.
  StepResult train_weights(const Batch& train, const Mixture& mixture, double learning_rate,
                           double label_smoothing = 0);

  Optimizer& optimizer() { return optimizer_; }
  const Optimizer& optimizer() const { return optimizer_; }

 private:
  Supernet& net_;
  Method& method_;
  OptimizerOptions options_;
  double gradient_clip_;
  std::int64_t parts_;
  std::vector<torch::Tensor> weights_;
  Optimizer optimizer_;
};

}  // namespace netwright
