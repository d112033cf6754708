#include "netwright/oneshot/gaea.h"

#include "netwright/oneshot/architecture.h"

namespace netwright {
namespace {

constexpr double least_weight = 1e-5;

class Gaea : public Method {
 public:
  Gaea(const MethodContext& context, const GaeaOptions& options, const MethodSettings& settings)
      : Method(settings),
        options_(options),
        architecture_(context.relaxation, options.base == "pc_darts", 0, context.seed, context.tensors) {
    const torch::NoGradGuard no_grad;
    for (torch::Tensor& weights : architecture_.rows) weights.fill_(1.0 / static_cast<double>(weights.size(1)));
    for (torch::Tensor& weights : architecture_.edges) weights.fill_(1.0 / static_cast<double>(weights.size(0)));
    set_relaxed({architecture_.all(), [this] { return Mixture{architecture_.rows, architecture_.edges, {}}; }});
  }

  Mixture mixture(const Progress&, at::Generator&) override { return {architecture_.rows, architecture_.edges, {}}; }

  void update(const SearchStep& step) override {
    const auto mixture = [&]() -> Mixture { return {architecture_.rows, architecture_.edges, {}}; };
    std::function<torch::Tensor()> penalty;
    if (options_.entropy != 0) penalty = [&] { return options_.entropy * divergence_from_uniform_weights(); };
    const ArchitectureGradient found = bilevel_gradient(options_.bilevel, step, architecture_.all(), mixture, penalty);
    std::vector<torch::Tensor> tensors = architecture_.all();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      exponentiated_step(tensors[i], found.gradients[i], options_.learning_rate);
    }
  }

  Importance importance() const override {
    Importance importance;
    for (const torch::Tensor& weights : architecture_.rows) importance.weights.push_back(weights.detach());
    for (const torch::Tensor& weights : architecture_.edges) importance.edges.push_back(weights.detach());
    return importance;
  }
  NamedTensors state() const override {
    NamedTensors state = architecture_.named;
    for (auto& [name, tensor] : state) tensor = tensor.detach();
    return state;
  }
  void restore(const NamedTensors& state, const std::string& file) override {
    copy_tensors(state, architecture_.named, file);
  }

 private:
  // Sum a log(a |O|).
  torch::Tensor divergence_from_uniform_weights() const {
    torch::Tensor sum;
    for (const torch::Tensor& weights : architecture_.rows) {
      const double options = static_cast<double>(weights.size(1));
      const torch::Tensor term = (weights * (weights * options).log()).sum();
      sum = sum.defined() ? sum + term : term;
    }
    return sum;
  }

  GaeaOptions options_;
  Architecture architecture_;
};

}  // namespace

void exponentiated_step(torch::Tensor& weights, const torch::Tensor& gradient, double rate) {
  const torch::NoGradGuard no_grad;
  weights.mul_(torch::exp(-rate * gradient)).clamp_min_(least_weight);
  weights.div_(weights.sum(-1, /*keepdim=*/true));
}

std::unique_ptr<Method> make_gaea(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  GaeaOptions options;
  options.base = reader.one_of("base", options.base, {"darts", "pc_darts"});
  options.bilevel = read_bilevel(reader);
  options.learning_rate = reader.number("learning_rate", options.learning_rate, 0, 100);
  options.entropy = reader.number("entropy", options.entropy, -100, 100);
  MethodSettings settings;
  if (options.base == "pc_darts") {
    settings.partial = 4;
    options.warmup_epochs = 15;
  }
  settings.warmup_epochs = reader.number("warmup_epochs", options.warmup_epochs, 0, 1e6);
  reader.finish();
  return std::make_unique<Gaea>(context, options, settings);
}

}  // namespace netwright
