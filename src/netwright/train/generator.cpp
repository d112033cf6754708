#include "netwright/train/generator.h"

namespace netwright {

BorrowedGenerator::BorrowedGenerator(const torch::Device& device, torch::Tensor& state)
    : generator_(at::globalContext().defaultGenerator(device)), state_(state) {
  generator_.set_state(state_);
}

BorrowedGenerator::~BorrowedGenerator() {
  state_ = generator_.get_state();
}

torch::Tensor seeded_state(const torch::Device& device, std::uint64_t seed) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const torch::Tensor kept = generator.get_state();
  generator.set_current_seed(seed);
  torch::Tensor state = generator.get_state();
  generator.set_state(kept);
  return state;
}

}  // namespace netwright
