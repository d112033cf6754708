#include "netwright/oneshot/snas.h"

#include <cmath>

namespace netwright {
namespace {

class Snas : public Method {
 public:
  Snas(const MethodContext& context, const SnasOptions& options, const MethodSettings& settings)
      : Method(settings),
        options_(options),
        architecture_(context.relaxation, false, 1e-3, context.seed, context.tensors),
        optimizer_(make_optimizer(architecture_, options.optimizer)) {
    set_relaxed({architecture_.all(), [this] { return softmax_mixture(architecture_); }});
  }

  Mixture mixture(const Progress& progress, at::Generator& generator) override {
    const double ratio = options_.last_temperature / options_.first_temperature;
    const double temperature = options_.first_temperature * std::pow(ratio, progress.by_epoch());
    Mixture mixture;
    for (const torch::Tensor& logits : architecture_.rows) {
      mixture.weights.push_back(relaxed_sample(logits, gumbel_like(logits, generator), temperature));
    }
    return mixture;
  }

  void update(const SearchStep&) override {
    optimizer_.step(options_.optimizer.learning_rate);
    optimizer_.clear_gradients();
  }

  Importance importance() const override { return softmax_importance(architecture_); }
  NamedTensors state() const override { return architecture_state(architecture_, optimizer_); }
  void restore(const NamedTensors& state, const std::string& file) override {
    restore_architecture(architecture_, optimizer_, state, file);
  }

 private:
  SnasOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
};

}  // namespace

torch::Tensor relaxed_sample(const torch::Tensor& logits, const torch::Tensor& noise, double temperature) {
  return torch::softmax((torch::log_softmax(logits, 1) + noise) / temperature, 1);
}

std::unique_ptr<Method> make_snas(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  SnasOptions options;
  options.first_temperature = reader.number("first_temperature", options.first_temperature, 1e-6, 1e6);
  options.last_temperature = reader.number("last_temperature", options.last_temperature, 1e-6, 1e6);
  options.optimizer = read_optimizer(reader, options.optimizer);
  MethodSettings settings;
  settings.joint = true;
  settings.warmup_epochs = reader.number("warmup_epochs", 0, 0, 1e6);
  reader.finish();
  return std::make_unique<Snas>(context, options, settings);
}

}  // namespace netwright
