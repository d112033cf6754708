#include "netwright/oneshot/enas.h"

#include <algorithm>
#include <numeric>

#include "netwright/base/random.h"
#include "netwright/oneshot/architecture.h"

namespace netwright {
namespace {

constexpr double squash = 2.5;
constexpr double squash_width = 5;

std::vector<std::vector<int>> combinations_of(int count, int chosen) {
  std::vector<std::vector<int>> all;
  std::vector<int> current;
  const auto extend = [&](const auto& self, int from) -> void {
    if (static_cast<int>(current.size()) == chosen) {
      all.push_back(current);
      return;
    }
    for (int next = from; next < count; ++next) {
      current.push_back(next);
      self(self, next + 1);
      current.pop_back();
    }
  };
  extend(extend, 0);
  return all;
}

// The options that a final network may have.
std::vector<int> allowed(const RelaxedRow& row) {
  std::vector<int> options;
  for (std::size_t i = 0; i < row.options.size(); ++i) {
    const bool added = !row.is_choice && row.options.size() > 1 && row.options[i] == Value(std::string("none"));
    if (!added) options.push_back(static_cast<int>(i));
  }
  return options;
}

std::vector<EnasDecision> decisions_of(const Relaxation& relaxation) {
  std::vector<EnasDecision> decisions;
  for (std::size_t row = 0; row < relaxation.rows.size(); ++row) {
    if (!relaxation.rows[row].is_choice) continue;
    EnasDecision decision;
    decision.row = static_cast<int>(row);
    decision.options = allowed(relaxation.rows[row]);
    decision.count = static_cast<std::int64_t>(decision.options.size());
    decisions.push_back(std::move(decision));
  }
  for (std::size_t s = 0; s < relaxation.sums.size(); ++s) {
    const RelaxedSum& sum = relaxation.sums[s];
    EnasDecision edges;
    edges.sum = static_cast<int>(s);
    edges.combinations =
        combinations_of(static_cast<int>(sum.edges.size()), static_cast<int>(relaxation.chosen_edges(s)));
    edges.count = static_cast<std::int64_t>(edges.combinations.size());
    decisions.push_back(std::move(edges));
    for (std::size_t i = 0; i < sum.operations.size(); ++i) {
      if (sum.rows[i] < 0) continue;
      EnasDecision operation;
      operation.sum = static_cast<int>(s);
      operation.position = static_cast<int>(i);
      operation.options = allowed(relaxation.rows[static_cast<std::size_t>(sum.rows[i])]);
      operation.count = static_cast<std::int64_t>(operation.options.size());
      decisions.push_back(std::move(operation));
    }
  }
  return decisions;
}

}  // namespace

EnasController::EnasController(const Relaxation& relaxation, std::int64_t hidden, std::uint64_t seed,
                               const torch::TensorOptions& tensors)
    : relaxation_(relaxation), decisions_(decisions_of(relaxation)), hidden_(hidden) {
  input_weight_ = add("input_weight", {4 * hidden, hidden}, seed, tensors);
  hidden_weight_ = add("hidden_weight", {4 * hidden, hidden}, seed, tensors);
  bias_ = add("bias", {4 * hidden}, seed, tensors);
  start_ = add("start", {hidden}, seed, tensors);
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    const std::string number = std::to_string(i);
    heads_.push_back(add("head." + number, {decisions_[i].count, hidden}, seed, tensors));
    head_biases_.push_back(add("head_bias." + number, {decisions_[i].count}, seed, tensors));
    embeddings_.push_back(add("embedding." + number, {decisions_[i].count, hidden}, seed, tensors));
  }
}

// Uniform in +-0.1, as published.
torch::Tensor EnasController::add(const std::string& name, at::IntArrayRef sizes, std::uint64_t seed,
                                  const torch::TensorOptions& tensors) {
  at::Generator generator = compat::cpu_generator(derive_seed(seed, name));
  torch::Tensor tensor = torch::empty(sizes, torch::kDouble).uniform_(-0.1, 0.1, generator).to(tensors);
  tensor.requires_grad_();
  parameters_.emplace_back(name, tensor);
  return tensor;
}

template <class Choose>
EnasController::Draw EnasController::run(const Choose& choose) const {
  Draw draw;
  torch::Tensor input = start_, hidden = torch::zeros_like(start_), cell = torch::zeros_like(start_);
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    const std::vector<torch::Tensor> gates =
        (torch::mv(input_weight_, input) + torch::mv(hidden_weight_, hidden) + bias_).chunk(4);
    cell = torch::sigmoid(gates[1]) * cell + torch::sigmoid(gates[0]) * torch::tanh(gates[2]);
    hidden = torch::sigmoid(gates[3]) * torch::tanh(cell);
    const torch::Tensor logits = torch::mv(heads_[i], hidden) + head_biases_[i];
    const torch::Tensor log_p = torch::log_softmax(squash * torch::tanh(logits / squash_width), 0);
    const std::int64_t decided = choose(i, log_p.detach());
    const torch::Tensor entropy = -(log_p.exp() * log_p).sum();
    draw.log_probability = i == 0 ? log_p[decided] : draw.log_probability + log_p[decided];
    draw.entropy = i == 0 ? entropy : draw.entropy + entropy;
    draw.decisions.push_back(decided);
    input = embeddings_[i][decided];
  }
  return draw;
}

EnasController::Draw EnasController::draw(at::Generator& generator) const {
  return run([&](std::size_t, const torch::Tensor& log_p) {
    return (log_p + gumbel_like(log_p, generator)).argmax(0).template item<std::int64_t>();
  });
}

EnasController::Draw EnasController::follow(const std::vector<std::int64_t>& decisions) const {
  return run([&](std::size_t i, const torch::Tensor&) { return decisions[i]; });
}

EnasController::Draw EnasController::greedy() const {
  return run([](std::size_t, const torch::Tensor& log_p) { return log_p.argmax(0).template item<std::int64_t>(); });
}

Picks EnasController::picks(const std::vector<std::int64_t>& decided) const {
  Picks picks;
  picks.options.assign(relaxation_.rows.size(), 0);
  picks.edges.resize(relaxation_.sums.size());
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    const EnasDecision& decision = decisions_[i];
    const auto at = static_cast<std::size_t>(decided[i]);
    if (decision.row >= 0) {
      picks.options[static_cast<std::size_t>(decision.row)] = decision.options[at];
    } else if (decision.position < 0) {
      picks.edges[static_cast<std::size_t>(decision.sum)] = decision.combinations[at];
    } else {
      const auto sum = static_cast<std::size_t>(decision.sum);
      const int edge = picks.edges[sum][static_cast<std::size_t>(decision.position)];
      const int row = relaxation_.sums[sum].rows[static_cast<std::size_t>(edge)];
      picks.options[static_cast<std::size_t>(row)] = decision.options[at];
    }
  }
  return picks;
}

void MovingAverage::add(double value) {
  sum_ = decay_ * sum_ + (1 - decay_) * value;
  weight_ = decay_ * weight_ + (1 - decay_);
}

void MovingAverage::restore(const torch::Tensor& state) {
  sum_ = state[0].item<double>();
  weight_ = state[1].item<double>();
}

namespace {

OptimizerOptions controller_adam() {
  OptimizerOptions options;
  options.name = "adam";
  options.weight_decay = 0;
  return options;
}

class Enas : public Method {
 public:
  Enas(const MethodContext& context, const EnasOptions& options, const MethodSettings& settings)
      : Method(settings),
        relaxation_(context.relaxation),
        options_(options),
        controller_(context.relaxation, options.hidden, context.seed, context.tensors),
        optimizer_(controller_.parameters(), controller_adam()),
        baseline_(options.baseline) {}

  Mixture mixture(const Progress&, at::Generator& generator) override {
    const torch::NoGradGuard no_grad;
    return single(controller_.picks(controller_.draw(generator).decisions));
  }

  // The average has seen the reward before the advantage is taken, so the first one is 0.
  void update(const SearchStep& step) override {
    torch::Tensor loss;
    for (int i = 0; i < options_.networks; ++i) {
      const EnasController::Draw draw = controller_.draw(step.generator);
      const double reward = accuracy(step, controller_.picks(draw.decisions));
      baseline_.add(reward);
      const torch::Tensor term = -(reward - baseline_.value()) * draw.log_probability - options_.entropy * draw.entropy;
      loss = loss.defined() ? loss + term : term;
    }
    optimizer_.clear_gradients();
    (loss / options_.networks).backward();
    optimizer_.step(options_.learning_rate);
    optimizer_.clear_gradients();
  }

  // The likeliest decisions, one after another.
  Importance importance() const override {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> like;
    for (const RowGroup& group : relaxation_.groups) {
      like.push_back(
          torch::zeros({static_cast<std::int64_t>(group.rows.size()), static_cast<std::int64_t>(group.options.size())},
                       torch::kDouble));
    }
    const Picks picks = controller_.picks(controller_.greedy().decisions);
    Importance importance{one_hot(relaxation_, picks, like), {}};
    for (std::size_t s = 0; s < relaxation_.sums.size(); ++s) {
      importance.edges.push_back(
          torch::zeros({static_cast<std::int64_t>(relaxation_.sums[s].edges.size())}, torch::kDouble));
      for (const int edge : picks.edges[s]) importance.edges.back()[edge] = 1;
    }
    return importance;
  }

  NamedTensors state() const override {
    NamedTensors state = controller_.parameters();
    for (auto& [name, tensor] : state) tensor = tensor.detach();
    state.emplace_back("baseline", baseline_.state());
    append_with_prefix(state, optimizer_.state(), "optimizer.");
    return state;
  }
  void restore(const NamedTensors& state, const std::string& file) override {
    torch::Tensor baseline = torch::zeros({2}, torch::kDouble);
    NamedTensors from, to = controller_.parameters();
    to.emplace_back("baseline", baseline);
    for (const auto& [name, tensor] : state) {
      if (!name.starts_with("optimizer.")) from.emplace_back(name, tensor);
    }
    copy_tensors(from, to, file);
    baseline_.restore(baseline);
    optimizer_.restore(with_prefix_removed(state, "optimizer."), file);
  }

 private:
  static double accuracy(const SearchStep& step, const Picks& picks) {
    const torch::NoGradGuard no_grad;
    const torch::TensorOptions like = step.net.options();
    const torch::Tensor logits = step.net.forward(step.valid.inputs.to(like), single(picks));
    const torch::Tensor labels = step.valid.labels.to(like.device());
    return logits.argmax(1).eq(labels).to(torch::kDouble).mean().item<double>();
  }

  const Relaxation& relaxation_;
  EnasOptions options_;
  EnasController controller_;
  Optimizer optimizer_;
  MovingAverage baseline_;
};

}  // namespace

std::unique_ptr<Method> make_enas(const MethodContext& context) {
  MappingReader reader(context.options, "the method");
  reader.required("name");
  EnasOptions options;
  options.hidden = reader.integer("hidden", options.hidden, 1, 1 << 16);
  options.learning_rate = reader.number("learning_rate", options.learning_rate, 0, 100);
  options.entropy = reader.number("entropy", options.entropy, -100, 100);
  options.baseline = reader.number("baseline", options.baseline, 0, 0.999999);
  options.networks = static_cast<int>(reader.integer("networks", options.networks, 1, 10'000));
  MethodSettings settings;
  settings.decoding = "best_of_samples";
  settings.warmup_epochs = reader.number("warmup_epochs", 0, 0, 1e6);
  reader.finish();
  return std::make_unique<Enas>(context, options, settings);
}

}  // namespace netwright
