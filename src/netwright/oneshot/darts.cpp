#include "netwright/oneshot/darts.h"

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
    const auto mixture = [&] { return softmax_mixture(architecture_); };
    const ArchitectureGradient found = bilevel_gradient(options_.bilevel, step, architecture_.all(), mixture);
    step_along(architecture_, optimizer_, options_.optimizer.learning_rate, found.gradients);
  }

  Importance importance() const override { return softmax_importance(architecture_); }
  NamedTensors state() const override { return architecture_state(architecture_, optimizer_); }
  void restore(const NamedTensors& state, const std::string& file) override {
    restore_architecture(architecture_, optimizer_, state, file);
  }

 private:
  DartsOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
};

}  // namespace

BilevelOptions read_bilevel(MappingReader& reader) {
  BilevelOptions options;
  options.order = reader.one_of("order", options.order, {"first", "second", "exact", "implicit"});
  options.solver = reader.one_of("solver", options.solver, {"neumann", "conjugate_gradient"});
  const int usual = options.solver == "neumann" ? options.iterations : ConjugateGradient().iterations;
  options.iterations = static_cast<int>(reader.integer("iterations", usual, 0, 1000));
  options.damping = reader.number("damping", options.damping, 0, 1e6);
  return options;
}

ArchitectureGradient bilevel_gradient(const BilevelOptions& options, const SearchStep& step,
                                      const std::vector<torch::Tensor>& architecture,
                                      const std::function<Mixture()>& mixture,
                                      const std::function<torch::Tensor()>& penalty) {
  const bool by_weights = options.order != "first";
  const Bilevel problem{step.weights, architecture, [&] { return step.loss(step.train, mixture(), by_weights); },
                        [&] {
                          const torch::Tensor loss = step.loss(step.valid, mixture(), by_weights);
                          return penalty ? loss + penalty() : loss;
                        }};
  if (options.order == "first") return first_order_gradient(problem);
  const double damping = step.weight_decay + options.damping;
  if (options.order == "implicit" && options.solver == "conjugate_gradient") {
    return implicit_gradient(problem, ConjugateGradient{options.iterations, damping});
  }
  if (options.order == "implicit") {
    return implicit_gradient(problem, NeumannSeries{options.iterations, step.learning_rate, damping});
  }
  Unrolling unrolling{step.learning_rate, step.momentum, step.weight_decay, {}};
  unrolling.buffers = step.momentum_buffers();
  return options.order == "second" ? second_order_gradient(problem, unrolling)
                                   : exact_second_order_gradient(problem, unrolling);
}

DartsOptions read_darts(const MethodContext& context, DartsOptions defaults) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  defaults.bilevel = read_bilevel(reader);
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
