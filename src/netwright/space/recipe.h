// How a network is trained. Plain data; train/loop.h carries it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netwright/base/json.h"
#include "netwright/base/yaml.h"

namespace netwright {

struct OptimizerOptions {
  std::string name = "sgd";    // sgd, adam, adamw
  double learning_rate = 0.1;  // peak of the schedule
  double momentum = 0.9;       // sgd
  bool nesterov = true;        // sgd
  double beta1 = 0.9;          // adam, adamw
  double beta2 = 0.999;        // adam, adamw
  double weight_decay = 5e-4;
  bool decay_norm_and_bias = true;  // false: no decay on batch-norm weights and biases
};

struct LearningRateOptions {
  std::string name = "cosine";  // constant, step, cosine
  double warmup_epochs = 0;     // linear from 0
  double final_fraction = 0;    // cosine: ends at this share of the peak
  double step_epochs = 30;      // step: multiplied by gamma each so many epochs
  double gamma = 0.1;
  // Epochs over which the schedule runs; 0: the recipe's epochs. Set by Hyperband-like schedules to the largest
  // fidelity.
  double horizon_epochs = 0;
};

struct AugmentationOptions {
  std::int64_t crop_padding = 0;  // pixels of zero padding before a random crop to the original size; 0: none
  bool flip = false;              // horizontal, probability 1/2
  std::int64_t cutout = 0;        // side of a zeroed square at a random centre; 0: none
  bool normalize = true;          // by the training images' mean and deviation a channel
};

struct Recipe {
  double epochs = 10;      // may be fractional; ignored when steps > 0
  std::int64_t steps = 0;  // optimizer steps instead of epochs
  std::int64_t batch = 64;
  OptimizerOptions optimizer;
  LearningRateOptions schedule;
  AugmentationOptions augmentation;
  double gradient_clip = 0;     // largest L2 norm of all gradients together; 0: none
  double label_smoothing = 0;   // [0, 1)
  double drop_path = 0;         // final probability, ramped linearly over epochs; [0, 1)
  double auxiliary_weight = 0;  // weight of the auxiliary classifier's loss; 0: no auxiliary head
  double ema = 0;             // decay a step of an exponential moving average of weights, used for evaluation; 0: none
  double swa_start = 1;       // share of training after which weights are averaged every epoch; 1: never
  double train_fraction = 1;  // share of the training split used, class-balanced; (0, 1]
};

// Reads a mapping without holes (SearchSpace fills them first). Strict; every error is an invalid Error at the key's
// place. `base` gives the values of absent keys, so that a retraining recipe may state only what differs.
Recipe parse_recipe(const Yaml& node, const Recipe& base = {});

Json to_json(const Recipe& recipe);
Recipe recipe_from_json(const Json& json);
Yaml to_yaml(const Recipe& recipe);

}  // namespace netwright
