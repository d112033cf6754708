// What differs between LibTorch 1.13 (Debian 12), 2.6 (Debian 13) and 2.11 (pip), gathered here so that nothing else
// asks for a version.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <cstdint>

namespace netwright::compat {

// A generator of its own: drawing from it leaves torch's global one alone.
inline at::Generator cpu_generator(std::uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

}  // namespace netwright::compat
