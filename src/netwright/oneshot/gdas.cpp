#include "netwright/oneshot/gdas.h"

#include "netwright/oneshot/bilevel.h"
#include "netwright/oneshot/snas.h"

namespace netwright {
namespace {

class Gdas : public Method {
 public:
  Gdas(const MethodContext& context, const GdasOptions& options, const MethodSettings& settings)
      : Method(settings),
        relaxation_(context.relaxation),
        options_(options),
        architecture_(context.relaxation, false, 1e-3, context.seed, context.tensors),
        optimizer_(make_optimizer(architecture_, options.optimizer)) {
    set_relaxed({architecture_.all(), [this] { return softmax_mixture(architecture_); }});
  }

  Mixture mixture(const Progress& progress, at::Generator& generator) override {
    const double fall = options_.first_temperature - options_.last_temperature;
    const double temperature = options_.first_temperature - fall * progress.by_epoch();
    std::vector<torch::Tensor> noise;
    for (const torch::Tensor& logits : architecture_.rows) noise.push_back(gumbel_like(logits, generator));
    return straight_through_mixture(relaxation_, architecture_.rows, noise, temperature);
  }

  void update(const SearchStep& step) override {
    const auto loss = [&] { return step.loss(step.valid, mixture(step.progress, step.generator)); };
    const ArchitectureGradient found = first_order_gradient({{}, architecture_.all(), {}, loss});
    step_along(architecture_, optimizer_, options_.optimizer.learning_rate, found.gradients);
  }

  Importance importance() const override { return softmax_importance(architecture_); }
  NamedTensors state() const override { return architecture_state(architecture_, optimizer_); }
  void restore(const NamedTensors& state, const std::string& file) override {
    restore_architecture(architecture_, optimizer_, state, file);
  }

 private:
  const Relaxation& relaxation_;
  GdasOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
};

}  // namespace

Mixture straight_through_mixture(const Relaxation& relaxation, const std::vector<torch::Tensor>& logits,
                                 const std::vector<torch::Tensor>& noise, double temperature) {
  std::vector<torch::Tensor> soft;
  for (std::size_t i = 0; i < logits.size(); ++i) soft.push_back(relaxed_sample(logits[i], noise[i], temperature));
  Mixture mixture;
  mixture.only = largest(relaxation, soft);
  const std::vector<torch::Tensor> hard = one_hot(relaxation, *mixture.only, soft);
  for (std::size_t i = 0; i < soft.size(); ++i) mixture.weights.push_back(hard[i] + (soft[i] - soft[i].detach()));
  return mixture;
}

std::unique_ptr<Method> make_gdas(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  GdasOptions options;
  options.first_temperature = reader.number("first_temperature", options.first_temperature, 1e-6, 1e6);
  options.last_temperature = reader.number("last_temperature", options.last_temperature, 1e-6, 1e6);
  options.optimizer = read_optimizer(reader, options.optimizer);
  MethodSettings settings;
  settings.warmup_epochs = reader.number("warmup_epochs", 0, 0, 1e6);
  reader.finish();
  return std::make_unique<Gdas>(context, options, settings);
}

}  // namespace netwright
