// A trained (or half trained) network in one checked file. docs/checkpoint.md describes the format.
//
// Every byte is covered by a BLAKE2b digest: no flip, truncation or addition loads silently. A file is written beside,
// flushed and renamed, and the one before it is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "netwright/base/json.h"
#include "netwright/space/configuration.h"
#include "netwright/space/graph.h"
#include "netwright/space/recipe.h"
#include "netwright/train/tensors.h"

namespace netwright {

constexpr std::uint32_t checkpoint_version = 1;

struct Checkpoint {
  Network network;
  Recipe recipe;
  Configuration configuration;  // that the network was filled from; for people
  Json data;                    // {"options", "class_names", "mean", "deviation"}: what it was trained on
  Json metrics;                 // of the last measurement
  Json progress;                // {"seed", "step", "fidelity", …}: what train/loop.h needs to go on
  std::string evaluated;        // prefix of the weights that were measured: "model.", "ema." or "swa."
  NamedTensors tensors;         // "model.…" and, where used, "ema.…", "swa.…", "optimizer.…", "random.…"
};

// Tensors are copied to the processor. Throws an Error when one has a type that the format does not know.
std::string encode_checkpoint(const Checkpoint& checkpoint);

// `file` is only used in messages. Throws an invalid Error for anything that encode_checkpoint did not write, having
// allocated no more than the bytes themselves hold.
Checkpoint decode_checkpoint(std::string_view bytes, const std::string& file);

// Writes `path`; what was there before becomes `path` + ".previous". At every moment one of the two is whole. Throws an
// Error that names the path and the cause.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);

Checkpoint load_checkpoint(const std::string& path);

// `path`, or where that is damaged or absent the one before it, and then `warning` says so. Throws the first file's
// error when neither loads.
struct LoadedCheckpoint {
  Checkpoint checkpoint;
  std::string warning;
};
LoadedCheckpoint load_checkpoint_or_previous(const std::string& path);

// The weights that were measured: model, EMA or SWA.
NamedTensors evaluated_weights(const Checkpoint& checkpoint);

}  // namespace netwright
