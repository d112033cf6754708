#include "netwright/oneshot/rebar.h"

namespace netwright {
namespace {

class RebarMethod : public Method {
 public:
  RebarMethod(const MethodContext& context, const RebarOptions& options, const MethodSettings& settings)
      : Method(settings),
        relaxation_(context.relaxation),
        options_(options),
        architecture_(context.relaxation, false, 1e-3, context.seed, context.tensors),
        optimizer_(make_optimizer(architecture_, options.optimizer)),
        estimator_(options.temperature) {
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
    state.emplace_back("scale", estimator_.state());
    return state;
  }
  void restore(const NamedTensors& state, const std::string& file) override {
    torch::Tensor scale = torch::zeros({3}, torch::kDouble);
    NamedTensors rest, own;
    for (const auto& [name, tensor] : state) (name == "scale" ? own : rest).emplace_back(name, tensor);
    copy_tensors(own, {{"scale", scale}}, file);
    restore_architecture(architecture_, optimizer_, rest, file);
    estimator_.restore(scale);
  }

 private:
  const Relaxation& relaxation_;
  RebarOptions options_;
  Architecture architecture_;
  Optimizer optimizer_;
  Rebar estimator_;
};

}  // namespace

WeightedLoss objective_of(const SearchStep& step, const Relaxation& relaxation) {
  return [&step, &relaxation](const RowWeights& weights, bool hard) {
    if (hard) return step.loss(step.valid, single(largest(relaxation, weights)));
    return step.loss(step.valid, {weights, {}, {}});
  };
}

Mixture draw_network(const Relaxation& relaxation, const std::vector<torch::Tensor>& logits, at::Generator& generator) {
  std::vector<torch::Tensor> drawn;
  for (const torch::Tensor& tensor : logits) {
    drawn.push_back(torch::log_softmax(tensor.detach(), 1) + gumbel_like(tensor, generator));
  }
  return single(largest(relaxation, drawn));
}

std::unique_ptr<Method> make_rebar(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  RebarOptions options;
  options.temperature = reader.number("temperature", options.temperature, 1e-6, 1e6);
  options.optimizer = read_optimizer(reader, options.optimizer);
  MethodSettings settings;
  settings.warmup_epochs = reader.number("warmup_epochs", 0, 0, 1e6);
  reader.finish();
  return std::make_unique<RebarMethod>(context, options, settings);
}

}  // namespace netwright
