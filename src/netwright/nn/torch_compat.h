// What differs between LibTorch 1.13 (Debian 12), 2.6 (Debian 13) and 2.11 (pip), gathered here so that nothing else
// asks for a version.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <cstdint>
#include <optional>

namespace netwright::compat {

// What an autograd function takes for a tensor that may be absent.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
using OptionalTensor = std::optional<at::Tensor>;
#else
using OptionalTensor = c10::optional<at::Tensor>;
#endif

inline OptionalTensor optional(const at::Tensor& tensor) {
  return tensor.defined() ? OptionalTensor(tensor) : OptionalTensor();
}

// A generator of its own: drawing from it leaves torch's global one alone.
inline at::Generator cpu_generator(std::uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

}  // namespace netwright::compat
