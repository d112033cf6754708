// A trial that searches in a supernet: darts and its kin.
#pragma once

#include <functional>

#include "netwright/data/data_set.h"
#include "netwright/trial/protocol.h"

namespace netwright {

struct SupernetHooks {
  std::function<bool(const Measurement&)> measured;  // after each epoch; false stops there
  std::function<bool()> must_stop;                   // asked before every step
};

// Carries out start.supernet. After every epoch the whole search is stored in the trial's folder, and a start without
// a checkpoint continues from what lies there: a kill costs one epoch at most. The measurements' `accuracy` is that of
// the decoded network with the supernet's weights, on the half of the training data that decides the architecture.
Finished search_supernet(const Start& start, const SearchData& data, const DataOptions& data_options,
                         torch::Device device, const SupernetHooks& hooks);

}  // namespace netwright
