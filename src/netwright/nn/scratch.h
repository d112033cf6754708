// Scratch memory for kernels, and the memory layout they read.
#pragma once

#include <cstddef>

#include "netwright/nn/torch_compat.h"

namespace netwright {

// At least so many bytes, aligned to 64, with any content; valid until the calling thread's next call. It grows to what
// the thread's largest call needs and is kept: the steady state allocates nothing.
void* scratch(std::size_t bytes);

// Images in channels_last, rows contiguous; x itself where it is so already.
torch::Tensor packed(const torch::Tensor& x);

}  // namespace netwright
