// How much memory a search in a supernet takes at most, said before it starts, and the batch that fits in a limit.
//
// The prediction is arithmetic on the supernet's steps; nothing is run. It counts what lives between forward and
// backward: the outputs that something reads again, what fused functions keep beside them (nn/weighted_sum.h: one z a
// stage of a separable convolution; nn/fused.h: z of a block; nn/fused_pool.h: nothing), of LibTorch's own operations
// every intermediate, of recomputed cells their inputs and one cell's at a time, and the gradients that are alive at
// the worst moment of the backward pass. Operations of a user's own are taken for three tensors of their larger side.
// It is for the processor's memory; on another device the same numbers are of that device's, without `resident`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/oneshot/supernet.h"
#include "netwright/space/recipe.h"

namespace netwright {

struct MemoryQuestion {
  std::int64_t resident = 0;    // bytes that the process has already: libraries, data (base/bytes.h)
  std::string order = "first";  // of the architecture's gradient: first, second, exact, implicit
  bool one_option = false;      // a pass runs one option a row, not all
  int graphs = 1;               // forward passes that wait for their backward at once
  OptimizerOptions optimizer;   // of the weights
  std::int64_t element = 4;     // bytes of a number
  std::int64_t watched = 0;     // images on which the health's eigenvalue is taken, in float64; 0: none
  std::int64_t evaluated = 0;   // images at a time of an accuracy
};

// All in bytes.
struct MemoryPrediction {
  std::int64_t resident = 0;   // as in the question, and what libraries add once they run
  std::int64_t weights = 0;    // with buffers and gradients
  std::int64_t optimizer = 0;  // moments, and the copies of the weights that an order needs
  std::int64_t per_image = 0;  // activations of a search step
  std::int64_t beside = 0;     // activations of what runs between steps and has batches of its own: health, accuracies

  std::int64_t fixed() const { return resident + weights + optimizer; }
  // Of a search whose batches are computed in parts of so many images.
  std::int64_t peak(std::int64_t batch) const;
};

MemoryPrediction predict_memory(const Supernet& net, const OperationTable& table, const MemoryQuestion& question);

// What a method makes of the memory: order, one_option and graphs. `method` is the strategy's mapping with its name.
void ask_for_method(const Yaml& method, MemoryQuestion& question);
// Whether batches may be computed in parts: not where second derivatives go through the loss.
bool divides_batches(const Yaml& method);

struct BatchWish {
  bool automatic = false;  // the batch is free: the largest of 256, 128, … 8 that fits, at most `batch`
  std::int64_t batch = 64;
  std::int64_t accumulate = 0;  // parts; 0: as few as fit
};

struct BatchPlan {
  std::int64_t batch = 0;
  std::int64_t parts = 1;
  std::int64_t peak = 0;  // predicted, bytes
  bool fits = false;      // otherwise the plan is the least that may be had
};

// Parts divide the batch evenly and have at least 8 images, unless the wish states their number. `divides`: whether
// there may be more than one.
BatchPlan plan_batch(const MemoryPrediction& prediction, std::int64_t limit, const BatchWish& wish, bool divides);

}  // namespace netwright
