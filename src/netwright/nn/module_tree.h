// Layers under their paths in a torch module, and their first weights. For builders.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "netwright/nn/operations.h"

namespace netwright {

using NamedLayers = std::vector<std::pair<std::string, std::shared_ptr<Layer>>>;  // by path, parents first

// Registers each layer under its path. torch's names hold no dots, so "n1.0" is child "0" of "n1": the layer of that
// path (a sum, say), or else an empty module.
void register_layers(const std::shared_ptr<torch::nn::Module>& root, const NamedLayers& layers);

// Initialises every unit (units.h) below `root` from a generator of its own, seeded by `seed` and the unit's name.
void initialize_units(torch::nn::Module& root, std::uint64_t seed);

}  // namespace netwright
