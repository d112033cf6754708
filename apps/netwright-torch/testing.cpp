#include "apps/netwright-torch/testing.h"

#include "netwright/base/error.h"

namespace netwright {
namespace {

void check_fit(const Checkpoint& checkpoint, const Shape& shape, std::int64_t classes) {
  if (checkpoint.network.input == shape && checkpoint.network.classes == classes) return;
  throw invalid({},
                "the network takes " + to_string(checkpoint.network.input) + " and knows " +
                    std::to_string(checkpoint.network.classes) + " classes, the data are " + to_string(shape) + " of " +
                    std::to_string(classes),
                "give the data options that it was trained with");
}

Json measure_with(const Checkpoint& checkpoint, EvaluationLoader& loader, const std::string& prefix,
                  const torch::Device& device) {
  const auto module = trained_module(checkpoint);
  module->to(device);
  return to_json(evaluate(*module, loader, checkpoint.network.classes, device), prefix);
}

}  // namespace

Json measure_on(const Checkpoint& checkpoint, const ValidationData& data, const torch::Device& device) {
  check_fit(checkpoint, data.shape(), data.classes());
  EvaluationLoader loader(data, evaluation_batch(data.shape()), checkpoint.recipe.augmentation.normalize);
  return measure_with(checkpoint, loader, "", device);
}

Json measure_on(const Checkpoint& checkpoint, const TestData& data, FinalEvaluation final_evaluation,
                const torch::Device& device) {
  check_fit(checkpoint, data.shape(), data.classes());
  EvaluationLoader loader(data, final_evaluation, evaluation_batch(data.shape()),
                          checkpoint.recipe.augmentation.normalize);
  return measure_with(checkpoint, loader, "test_", device);
}

}  // namespace netwright
