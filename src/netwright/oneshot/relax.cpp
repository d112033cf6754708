#include "netwright/oneshot/relax.h"

#include "netwright/base/random.h"
#include "netwright/oneshot/rebar.h"

namespace netwright {
namespace {

class RelaxMethod : public Method {
 public:
  RelaxMethod(const MethodContext& context, const RelaxOptions& options, const MethodSettings& settings)
      : Method(settings),
        relaxation_(context.relaxation),
        options_(options),
        architecture_(context.relaxation, false, 1e-3, context.seed, context.tensors),
        optimizer_(make_optimizer(architecture_, options.optimizer)),
        estimator_(architecture_.rows, options.temperature, options.hidden, options.surrogate_learning_rate,
                   derive_seed(context.seed, "surrogate")) {
    set_relaxed({architecture_.all(), [this] { return softmax_mixture(architecture_); }});
  }

  Mixture mixture(const Progress&, at::Generator& generator) override {
    return draw_network(relaxation_, architecture_.rows, generator);
  }

  void update(const SearchStep& step) override {
    const Estimate found = estimator_(architecture_.rows, objective_of(step, relaxation_), step.generator);
    step_along(architecture_, optimizer_, options_.optimizer.learning_rate, found.gradients);
  }

  Importance importance() const override { return softmax_importance(architecture_); }
  NamedTensors state() const override {
    NamedTensors state = architecture_state(architecture_, optimizer_);
    append_with_prefix(state, estimator_.state(), "estimator.");
    return state;
  }
  void restore(const NamedTensors& state, const std::string& file) override {
    NamedTensors rest;
    for (const auto& [name, tensor] : state) {
      if (!name.starts_with("estimator.")) rest.emplace_back(name, tensor);
    }
    restore_architecture(architecture_, optimizer_, rest, file);
    estimator_.restore(with_prefix_removed(state, "estimator."), file);
  }

 private:
  const Relaxation& relaxation_;
  RelaxOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
  Relax estimator_;
};

}  // namespace

std::unique_ptr<Method> make_relax(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  RelaxOptions options;
  options.temperature = reader.number("temperature", options.temperature, 1e-6, 1e6);
  options.hidden = reader.integer("hidden", options.hidden, 1, 1 << 16);
  options.surrogate_learning_rate = reader.number("surrogate_learning_rate", options.surrogate_learning_rate, 0, 10);
  options.optimizer = read_optimizer(reader, options.optimizer);
  MethodSettings settings;
  settings.warmup_epochs = reader.number("warmup_epochs", 0, 0, 1e6);
  reader.finish();
  return std::make_unique<RelaxMethod>(context, options, settings);
}

}  // namespace netwright
