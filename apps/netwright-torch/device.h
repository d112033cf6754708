// The device that a person named.
#pragma once

#include <string>

#include "netwright/nn/torch_compat.h"

namespace netwright {

// "cpu", "cuda" or "cuda:1". Throws an invalid Error for other names and for a device that this machine or this
// LibTorch does not have.
torch::Device open_device(const std::string& name);

}  // namespace netwright
