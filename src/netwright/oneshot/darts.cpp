#include "netwright/oneshot/darts.h"

#include "netwright/oneshot/bilevel.h"

namespace netwright {
namespace {

class Darts : public Method {
 public:
  Darts(const MethodContext& context, const DartsOptions& options)
      : Method(options.settings),
        options_(options),
        architecture_(context.relaxation, options.edges, 1e-3, context.seed, context.tensors),
        optimizer_(make_optimizer(architecture_, options.optimizer)) {
    set_relaxed({architecture_.all(), [this] { return softmax_mixture(architecture_); }});
  }

  Mixture mixture(const Progress&, at::Generator&) override { return softmax_mixture(architecture_); }

  void update(const SearchStep& step) override {
    step_along(architecture_, optimizer_, options_.optimizer.learning_rate, gradient(step).gradients);
  }

  Importance importance() const override { return softmax_importance(architecture_); }
  NamedTensors state() const override { return architecture_state(architecture_, optimizer_); }
  void restore(const NamedTensors& state, const std::string& file) override {
    restore_architecture(architecture_, optimizer_, state, file);
  }

 private:
  ArchitectureGradient gradient(const SearchStep& step) const {
    const Bilevel problem{step.net.parameters(), architecture_.all(),
                          [&] { return step.loss(step.train, softmax_mixture(architecture_)); },
                          [&] { return step.loss(step.valid, softmax_mixture(architecture_)); }};
    if (options_.order == "first") return first_order_gradient(problem);
    if (options_.order == "implicit") {
      return implicit_gradient(problem, {options_.neumann_terms, step.learning_rate, step.weight_decay});
    }
    Unrolling unrolling{step.learning_rate, step.momentum, step.weight_decay, {}};
    unrolling.buffers = step.momentum_buffers();
    return options_.order == "second" ? second_order_gradient(problem, unrolling)
                                      : exact_second_order_gradient(problem, unrolling);
  }

  DartsOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
};

}  // namespace

DartsOptions read_darts(const MethodContext& context, DartsOptions defaults) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  defaults.order = reader.one_of("order", defaults.order, {"first", "second", "exact", "implicit"});
  defaults.neumann_terms = static_cast<int>(reader.integer("neumann_terms", defaults.neumann_terms, 0, 1000));
  defaults.optimizer = read_optimizer(reader, defaults.optimizer);
  defaults.settings.warmup_epochs = reader.number("warmup_epochs", defaults.settings.warmup_epochs, 0, 1e6);
  reader.finish();
  return defaults;
}

std::unique_ptr<Method> make_darts(const MethodContext& context, const DartsOptions& options) {
  return std::make_unique<Darts>(context, options);
}

std::unique_ptr<Method> make_darts(const MethodContext& context) {
  return make_darts(context, read_darts(context, {}));
}

}  // namespace netwright
