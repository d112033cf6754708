// A checkpoint as a network that can be used: for testing and export.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "netwright/nn/builder.h"
#include "netwright/space/operation.h"
#include "netwright/train/checkpoint.h"
#include "netwright/trial/data_options.h"

namespace netwright {

// The network with the weights that were measured (model, EMA or SWA), in evaluation mode, without auxiliary
// classifier. Throws an invalid Error when the checkpoint's weights are not those of its network.
std::shared_ptr<NetworkModule> trained_module(const Checkpoint& checkpoint,
                                              const OperationTable& table = OperationTable::standard());

// What the checkpoint says of its data. Throws an invalid Error when it does not.
struct TrainedData {
  DataOptions options;
  std::vector<std::string> class_names;
  std::vector<float> mean;  // of each channel; empty for rows
  std::vector<float> deviation;
};
TrainedData trained_data(const Checkpoint& checkpoint);

}  // namespace netwright
