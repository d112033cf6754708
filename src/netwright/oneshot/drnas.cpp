#include "netwright/oneshot/drnas.h"

#include <cmath>

#include "netwright/oneshot/bilevel.h"

namespace netwright {
namespace {

// elu(a) + 1. Below 0 that is exp(a); written so it stays above 0 where elu rounds to -1.
torch::Tensor concentration_of(const torch::Tensor& parameters) {
  return torch::where(parameters > 0, parameters + 1, parameters.clamp_max(0).exp());
}

class Drnas : public Method {
 public:
  Drnas(const MethodContext& context, const DrnasOptions& options, const MethodSettings& settings)
      : Method(settings),
        options_(options),
        architecture_(context.relaxation, false, 1e-3, context.seed, context.tensors),
        optimizer_(make_optimizer(architecture_, options.optimizer)) {
    set_relaxed({architecture_.all(), [this] { return Mixture{mean(), {}, {}}; }});
  }

  Mixture mixture(const Progress&, at::Generator& generator) override {
    Mixture mixture;
    for (const torch::Tensor& parameters : architecture_.rows) {
      mixture.weights.push_back(dirichlet_sample(concentration_of(parameters), generator));
    }
    return mixture;
  }

  void update(const SearchStep& step) override {
    const auto loss = [&] {
      torch::Tensor value = step.loss(step.valid, mixture(step.progress, step.generator));
      for (const torch::Tensor& parameters : architecture_.rows) {
        value = value + options_.regularisation * divergence_from_uniform(concentration_of(parameters));
      }
      return value;
    };
    const ArchitectureGradient found = first_order_gradient({{}, architecture_.all(), {}, loss});
    step_along(architecture_, optimizer_, options_.optimizer.learning_rate, found.gradients);
  }

  Importance importance() const override {
    const torch::NoGradGuard no_grad;
    return {mean(), {}};
  }
  NamedTensors state() const override { return architecture_state(architecture_, optimizer_); }
  void restore(const NamedTensors& state, const std::string& file) override {
    restore_architecture(architecture_, optimizer_, state, file);
  }

 private:
  // Of the distribution.
  std::vector<torch::Tensor> mean() const {
    std::vector<torch::Tensor> weights;
    for (const torch::Tensor& parameters : architecture_.rows) {
      const torch::Tensor concentration = concentration_of(parameters);
      weights.push_back(concentration / concentration.sum(1, /*keepdim=*/true));
    }
    return weights;
  }

  DrnasOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
};

}  // namespace

torch::Tensor dirichlet_sample(const torch::Tensor& concentration, at::Generator& generator) {
  // Independent gammas over their sum; LibTorch differentiates a gamma draw implicitly.
  const torch::Tensor gammas = at::_standard_gamma(concentration, generator).clamp_min(1e-30);
  return gammas / gammas.sum(-1, /*keepdim=*/true);
}

torch::Tensor divergence_from_uniform(const torch::Tensor& concentration) {
  const torch::Tensor total = concentration.sum(-1, /*keepdim=*/true);
  const torch::Tensor excess = (concentration - 1) * (torch::digamma(concentration) - torch::digamma(total));
  const torch::Tensor per_row =
      torch::lgamma(total).squeeze(-1) - torch::lgamma(concentration).sum(-1) + excess.sum(-1);
  return (per_row - std::lgamma(static_cast<double>(concentration.size(-1)))).sum();
}

std::unique_ptr<Method> make_drnas(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  DrnasOptions options;
  options.regularisation = reader.number("regularisation", options.regularisation, 0, 1e6);
  options.optimizer = read_optimizer(reader, options.optimizer);
  MethodSettings settings;
  settings.warmup_epochs = reader.number("warmup_epochs", 0, 0, 1e6);
  reader.finish();
  return std::make_unique<Drnas>(context, options, settings);
}

}  // namespace netwright
