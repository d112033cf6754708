// torch's global generator of a device on loan: layers with dropout draw from it, and who trains keeps its state.
#pragma once

#include <cstdint>

#include "netwright/nn/torch_compat.h"

namespace netwright {

// Sets a state, and on the way out takes the state that has come of it.
class BorrowedGenerator {
 public:
  BorrowedGenerator(const torch::Device& device, torch::Tensor& state);
  ~BorrowedGenerator();
  BorrowedGenerator(const BorrowedGenerator&) = delete;
  BorrowedGenerator& operator=(const BorrowedGenerator&) = delete;

  at::Generator& generator() { return generator_; }

 private:
  at::Generator generator_;
  torch::Tensor& state_;
};

// The state of a generator seeded so. The global one is left as it is.
torch::Tensor seeded_state(const torch::Device& device, std::uint64_t seed);

}  // namespace netwright
