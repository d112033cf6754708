// What an experiment file says of a one-shot search besides its method's values.
#pragma once

#include <cstdint>
#include <string>

#include "netwright/base/yaml.h"

namespace netwright {

// How the network is read off the supernet (docs/oneshot/README.md, Decoding).
struct DecodingOptions {
  std::string rule;              // empty: the method's own
  std::int64_t samples = 100;    // networks drawn by best_of_samples
  std::int64_t examples = 5000;  // images, at most, each time a rule asks for an accuracy
  std::int64_t tune_steps = 0;   // of the weights' training between decisions of perturbation
};

// A rule's name, or a mapping {name, samples, examples, tune_steps}. Throws an invalid Error at its place.
DecodingOptions parse_decoding(const Yaml& node, const Yaml& strategy);

// Throws an invalid Error at a key of `strategy` that its method does not have. Values are checked by the trainer.
void check_method_keys(const Yaml& strategy);

}  // namespace netwright
