#include "netwright/oneshot/steps.h"

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/parts.h"

namespace netwright {
namespace {

NamedTensors weights_of(const torch::nn::Module& module) {
  NamedTensors weights;
  for (const auto& item : module.named_parameters()) weights.emplace_back(item.key(), item.value());
  return weights;
}

}  // namespace

SearchSteps::SearchSteps(Supernet& net, Method& method, const OptimizerOptions& optimizer, double gradient_clip,
                         std::int64_t parts)
    : net_(net),
      method_(method),
      options_(optimizer),
      gradient_clip_(gradient_clip),
      parts_(parts),
      weights_(net.parameters()),
      optimizer_(weights_of(net), optimizer) {}

StepResult SearchSteps::run(const Batch& train, const Batch& valid, const Progress& progress, double learning_rate,
                            at::Generator& generator, double label_smoothing) {
  const bool learns = progress.epoch >= method_.settings().warmup_epochs;
  const bool joint = method_.settings().joint;
  const SearchStep step{net_,
                        train,
                        valid,
                        progress,
                        generator,
                        learning_rate,
                        options_.momentum,
                        options_.weight_decay,
                        weights_,
                        [this] { return optimizer_.first_moments(); },
                        parts_};
  if (learns && !joint) method_.update(step);
  const Mixture mixture = method_.mixture(progress, generator);
  const StepResult result =
      train_weights(train, learns && joint ? mixture : detached(mixture), learning_rate, label_smoothing);
  if (learns && joint) method_.update(step);
  return result;
}

StepResult SearchSteps::train_weights(const Batch& train, const Mixture& mixture, double learning_rate,
                                      double label_smoothing) {
  const PartsLoss found = loss_in_parts(net_, train, mixture, {parts_, /*by_weights=*/true, label_smoothing});
  optimizer_.clear_gradients();
  found.loss.backward();
  StepResult result;
  result.loss = found.loss.item<double>();
  result.correct = found.correct;
  result.gradient_norm = optimizer_.gradient_norm();
  optimizer_.step(learning_rate, clipping_scale(result.gradient_norm, gradient_clip_));
  optimizer_.clear_gradients();
  return result;
}

}  // namespace netwright
