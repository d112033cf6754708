// How good a network is on a split, and how fast.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/data/loader.h"
#include "netwright/nn/builder.h"

namespace netwright {

struct Evaluation {
  std::int64_t examples = 0;
  double loss = 0;      // mean cross-entropy, in nats
  double accuracy = 0;  // share of examples whose largest logit is their class
  double top5 = 0;      // share of examples whose class is among the five largest logits (all, with fewer classes)
  std::vector<std::vector<std::int64_t>> confusion;  // [class][predicted class]
};

// In evaluation mode and without gradients; the module's mode is what it was afterwards.
Evaluation evaluate(NetworkModule& module, EvaluationLoader& loader, std::int64_t classes, const torch::Device& device);

// {"<prefix>accuracy", "<prefix>loss", "<prefix>top5", "examples", "confusion"}
Json to_json(const Evaluation& evaluation, const std::string& prefix);

// Median milliseconds of inference on one sample, over repeated runs of a warm module on this device with as many
// threads as LibTorch has now. Takes about `seconds`.
double measure_latency_ms(NetworkModule& module, const torch::Device& device, double seconds = 0.5);

// Samples that evaluation takes at a time: enough to keep the processor busy, few enough for its memory.
std::int64_t evaluation_batch(const Shape& shape);

}  // namespace netwright
