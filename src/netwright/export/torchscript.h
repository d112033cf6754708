// A trained network as TorchScript, for torch::jit::load and Python's torch.jit.load.
//
// The exported module takes float images in [0, 1], N x C x H x W, of any N (rows: standardised features, N x
// features), and returns logits, N x classes. Normalisation by the training images' mean and deviation is inside. Batch
// norms are folded where a convolution precedes them. Weights are parameters of submodules named as in the graph.
//
// Attributes: classes (int), input_shape (list of int), class_names (list of str), mean, deviation (buffers, absent
// without normalisation). The file netwright.json inside the archive (torch.jit.load's _extra_files) holds a JSON
// document: {"schema", "netwright", "input", "input_range", "classes", "class_names", "mean", "deviation",
// "configuration", "recipe", "metrics"}.
#pragma once

#include <string>

#include "netwright/base/json.h"
#include "netwright/space/operation.h"
#include "netwright/train/checkpoint.h"

namespace netwright {

struct TorchScriptResult {
  double largest_difference = 0;  // of logits to those of the checkpoint's own module, on random batches
  double latency_ms = 0;          // of one sample, median, by the exported module, on this machine
  std::int64_t parameters = 0;    // numbers in the file's parameters
};

// Writes the measured weights (model, EMA or SWA) to `path`, atomically, after the file's content has been loaded again
// and its logits agreed with the network's own within 1e-5 of the largest on random batches of several sizes. Throws an
// Error (ExitCode::failure) when they do not, and then writes nothing.
TorchScriptResult export_torchscript(const Checkpoint& checkpoint, const std::string& path,
                                     const OperationTable& table = OperationTable::standard());

// What netwright.json holds.
Json export_description(const Checkpoint& checkpoint);

}  // namespace netwright
