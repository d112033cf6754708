// A second set of weights that follows the trained ones: an exponential moving average of every step (EMA), or the
// plain mean of several epochs' weights (SWA, Izmailov et al. 2018).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "netwright/nn/torch_compat.h"
#include "netwright/train/tensors.h"

namespace netwright {

class WeightAverage {
 public:
  // Starts as a copy of the module's parameters and buffers, on their device. Follows that module from then on; the
  // module must outlive it.
  explicit WeightAverage(const torch::nn::Module& module);

  // average += share * (current - average), running statistics included. share 1 copies.
  void blend(double share);

  std::int64_t updates() const { return updates_; }
  const NamedTensors& tensors() const { return average_; }
  void restore(const NamedTensors& tensors, std::int64_t updates, const std::string& file);

  // Exchanges the module's values with the average's. Done twice it is as if nothing had happened, bit for bit.
  void exchange();

 private:
  NamedTensors current_;  // the module's own
  NamedTensors average_;
  std::int64_t updates_ = 0;
};

// While it lives, the module has the averaged weights. A null average changes nothing.
class AveragedWeights {
 public:
  explicit AveragedWeights(WeightAverage* average) : average_(average) {
    if (average_ != nullptr) average_->exchange();
  }
  ~AveragedWeights() {
    if (average_ != nullptr) average_->exchange();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  WeightAverage* average_;
};

// Share of the newest weights in an EMA of that decay after `updates` earlier ones. The decay starts low,
// (1 + t) / (10 + t), so that short trainings are not dominated by the random weights they began with.
double ema_share(double decay, std::int64_t updates);

// Replaces the running statistics of every batch norm by the mean of its batch statistics; averaged weights have none
// of their own that would fit them. `forward_next` runs the module on the next batch and returns false, having run
// nothing, when there is none. Nothing else learns, drops or draws random numbers meanwhile: only batch norms are in
// training mode. The module ends in evaluation mode. Without any batch the statistics stay.
void recompute_batch_norm(torch::nn::Module& module, const std::function<bool()>& forward_next);

}  // namespace netwright
