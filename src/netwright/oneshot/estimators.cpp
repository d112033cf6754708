#include "netwright/oneshot/estimators.h"

#include <stdexcept>

#include "netwright/base/random.h"
#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/snas.h"

namespace netwright {
namespace {

constexpr double memory = 0.99;  // of the running means that the scale comes from

RowWeights derivatives(const torch::Tensor& of, const RowWeights& by, bool create_graph = false) {
  RowWeights found = torch::autograd::grad({of}, by, {}, /*retain_graph=*/true, create_graph, /*allow_unused=*/true);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].defined()) found[i] = torch::zeros_like(by[i].detach());
  }
  return found;
}

double inner_product(const RowWeights& a, const RowWeights& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] * b[i]).sum().item<double>();
  return sum;
}

// a + factor * b
RowWeights plus(const RowWeights& a, double factor, const RowWeights& b) {
  const torch::NoGradGuard no_grad;
  RowWeights sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.push_back(a[i] + factor * b[i]);
  return sum;
}

RowWeights times(double factor, const RowWeights& a) {
  RowWeights product;
  for (const torch::Tensor& tensor : a) product.push_back(factor * tensor.detach());
  return product;
}

RowWeights softened(const RowWeights& z, double temperature) {
  RowWeights soft;
  for (const torch::Tensor& tensor : z) soft.push_back(torch::softmax(tensor / temperature, 1));
  return soft;
}

RowWeights hardened(const RowWeights& z) {
  RowWeights hard;
  for (const torch::Tensor& tensor : z) {
    const torch::Tensor best = tensor.detach().argmax(1, /*keepdim=*/true);
    hard.push_back(torch::zeros_like(tensor.detach()).scatter_(1, best, 1.0));
  }
  return hard;
}

torch::Tensor log_probability(const RowWeights& logits, const RowWeights& hard) {
  torch::Tensor sum;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const torch::Tensor part = (torch::log_softmax(logits[i], 1) * hard[i]).sum();
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

double hard_loss(const WeightedLoss& objective, const RowWeights& hard) {
  const torch::NoGradGuard no_grad;
  return objective(hard, true).item<double>();
}

RowWeights gumbel_draw(const RowWeights& logits, at::Generator& generator) {
  RowWeights z;
  for (const torch::Tensor& tensor : logits) {
    z.push_back(torch::log_softmax(tensor, 1) + gumbel_like(tensor, generator));
  }
  return z;
}

// What both estimators with a control variate by relaxation are made of: plain + s * control is unbiased for any s.
struct Parts {
  double loss = 0;
  RowWeights plain;    // f(b) d log p(b)
  RowWeights control;  // -f(soft(z|b)) d log p(b) + d f(soft(z)) - d f(soft(z|b))
  RowWeights score;    // d log p(b)
  ConditionalDraw draw;
};

Parts parts_of(const RowWeights& logits, const WeightedLoss& objective, double temperature, at::Generator& generator) {
  Parts parts;
  parts.draw = draw_conditionally(logits, generator);
  parts.loss = hard_loss(objective, parts.draw.hard);
  parts.score = derivatives(parts.draw.log_probability, logits);
  parts.plain = times(parts.loss, parts.score);
  const torch::Tensor free = objective(softened(parts.draw.relaxed, temperature), false);
  const torch::Tensor tied = objective(softened(parts.draw.conditional, temperature), false);
  parts.control = plus(derivatives(free, logits), -1, derivatives(tied, logits));
  parts.control = plus(parts.control, -tied.item<double>(), parts.score);
  return parts;
}

}  // namespace

Estimate exact_gradient(const RowWeights& logits, const WeightedLoss& objective) {
  std::vector<std::int64_t> counts;  // of options, row by row
  double combinations = 1;
  for (const torch::Tensor& tensor : logits) {
    for (std::int64_t row = 0; row < tensor.size(0); ++row) counts.push_back(tensor.size(1));
  }
  for (const std::int64_t count : counts) combinations *= static_cast<double>(count);
  if (combinations > (1 << 20)) throw std::logic_error("exact_gradient: too many combinations to enumerate");
  std::vector<std::int64_t> options(counts.size(), 0);
  torch::Tensor expected;
  while (true) {
    RowWeights hard;
    std::size_t at = 0;
    for (const torch::Tensor& tensor : logits) {
      hard.push_back(torch::zeros_like(tensor.detach()));
      for (std::int64_t row = 0; row < tensor.size(0); ++row) hard.back()[row][options[at++]] = 1;
    }
    const torch::Tensor term = log_probability(logits, hard).exp() * hard_loss(objective, hard);
    expected = expected.defined() ? expected + term : term;
    std::size_t digit = 0;
    while (digit < options.size() && ++options[digit] == counts[digit]) options[digit++] = 0;
    if (digit == options.size()) break;
  }
  return {expected.item<double>(), derivatives(expected, logits)};
}

Estimate gumbel_softmax_gradient(const RowWeights& logits, const WeightedLoss& objective, double temperature,
                                 at::Generator& generator) {
  const torch::Tensor loss = objective(softened(gumbel_draw(logits, generator), temperature), false);
  return {loss.item<double>(), derivatives(loss, logits)};
}

Estimate straight_through_gradient(const RowWeights& logits, const WeightedLoss& objective, double temperature,
                                   at::Generator& generator) {
  const RowWeights z = gumbel_draw(logits, generator);
  const RowWeights soft = softened(z, temperature), hard = hardened(z);
  RowWeights through;
  for (std::size_t i = 0; i < soft.size(); ++i) through.push_back(hard[i] + (soft[i] - soft[i].detach()));
  const torch::Tensor loss = objective(through, false);
  return {loss.item<double>(), derivatives(loss, logits)};
}

Estimate reinforce_gradient(const RowWeights& logits, const WeightedLoss& objective, double baseline,
                            at::Generator& generator) {
  const RowWeights hard = hardened(gumbel_draw(logits, generator));
  const double loss = hard_loss(objective, hard);
  const RowWeights score = derivatives(log_probability(logits, hard), logits);
  return {loss, times(loss - baseline, score)};
}

// Given that option k has the largest z, z_k is Gumbel, and the others are Gumbel cut off there (Maddison, Tarlow and
// Minka 2014): with exponential e_i, z_k = -log e_k and z_i = -log(e_i / p_i + e_k).
ConditionalDraw draw_conditionally(const RowWeights& logits, at::Generator& generator) {
  ConditionalDraw draw;
  draw.relaxed = gumbel_draw(logits, generator);
  draw.hard = hardened(draw.relaxed);
  draw.log_probability = log_probability(logits, draw.hard);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const torch::Tensor& chosen = draw.hard[i];
    const torch::Tensor exponential = torch::exp(-gumbel_like(logits[i], generator));
    const torch::Tensor top = (exponential * chosen).sum(1, /*keepdim=*/true);
    const torch::Tensor others = exponential * torch::exp(-torch::log_softmax(logits[i], 1)) * (1 - chosen);
    draw.conditional.push_back(-torch::log(others + top));
  }
  return draw;
}

Estimate Rebar::operator()(const RowWeights& logits, const WeightedLoss& objective, at::Generator& generator) {
  const Parts parts = parts_of(logits, objective, temperature_, generator);
  Estimate estimate{parts.loss, plus(parts.plain, scale_, parts.control)};
  learn_scale(parts.plain, parts.control);
  return estimate;
}

// The control has mean 0, so the variance of plain + s control is least at s = -E[plain . control] / E[control .
// control].
void Rebar::learn_scale(const RowWeights& plain, const RowWeights& control) {
  product_ = memory * product_ + (1 - memory) * inner_product(plain, control);
  square_ = memory * square_ + (1 - memory) * inner_product(control, control);
  if (square_ > 0) scale_ = -product_ / square_;
}

torch::Tensor Rebar::state() const {
  return torch::tensor({scale_, product_, square_}, torch::kDouble);
}

void Rebar::restore(const torch::Tensor& state) {
  scale_ = state[0].item<double>();
  product_ = state[1].item<double>();
  square_ = state[2].item<double>();
}

// ---- RELAX ----

namespace {

torch::Tensor parameter(at::IntArrayRef sizes, double deviation, const torch::Tensor& like, std::uint64_t seed,
                        const char* name) {
  at::Generator generator = compat::cpu_generator(derive_seed(seed, name));
  return (torch::empty(sizes, torch::kDouble).normal_(0, 1, generator) * deviation)
      .to(like.options().requires_grad(false))
      .requires_grad_();
}

OptimizerOptions plain_adam() {
  OptimizerOptions options;
  options.name = "adam";
  options.weight_decay = 0;
  return options;
}

std::int64_t elements(const RowWeights& tensors) {
  std::int64_t count = 0;
  for (const torch::Tensor& tensor : tensors) count += tensor.numel();
  return count;
}

}  // namespace

// The last layer begins at 0: at first RELAX is REBAR.
Relax::Relax(const RowWeights& like, double temperature, std::int64_t hidden, double learning_rate, std::uint64_t seed)
    : rebar_(temperature),
      learning_rate_(learning_rate),
      first_weight_(parameter({hidden, elements(like)}, 0.1, like.front(), seed, "first")),
      first_bias_(parameter({hidden}, 0.1, like.front(), seed, "bias")),
      second_weight_(parameter({1, hidden}, 0, like.front(), seed, "second")),
      optimizer_(parameters(), plain_adam()) {}

NamedTensors Relax::parameters() const {
  return {{"first_weight", first_weight_}, {"first_bias", first_bias_}, {"second_weight", second_weight_}};
}

torch::Tensor Relax::surrogate(const RowWeights& z) const {
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& tensor : z) flat.push_back(tensor.reshape({-1}));
  const torch::Tensor hidden = torch::tanh(torch::mv(first_weight_, torch::cat(flat)) + first_bias_);
  return torch::mv(second_weight_, hidden).sum();
}

Estimate Relax::operator()(const RowWeights& logits, const WeightedLoss& objective, at::Generator& generator) {
  const Parts parts = parts_of(logits, objective, rebar_.temperature_, generator);
  const RowWeights fixed = plus(parts.plain, rebar_.scale_, parts.control);
  const torch::Tensor free = surrogate(parts.draw.relaxed), tied = surrogate(parts.draw.conditional);
  const RowWeights by_free = derivatives(free, logits, /*create_graph=*/true);
  const RowWeights by_tied = derivatives(tied, logits, /*create_graph=*/true);

  Estimate estimate{parts.loss, {}};
  torch::Tensor square;  // of the estimate: its mean is the variance but for a constant
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const torch::Tensor learned = by_free[i] - by_tied[i] - tied * parts.score[i].detach();
    const torch::Tensor whole = fixed[i].detach() + learned;
    estimate.gradients.push_back(whole.detach());
    square = square.defined() ? square + whole.square().sum() : whole.square().sum();
  }
  const std::vector<torch::Tensor> own = {first_weight_, first_bias_, second_weight_};
  const std::vector<torch::Tensor> found = derivatives(square, own);
  for (std::size_t i = 0; i < own.size(); ++i) own[i].mutable_grad() = found[i];
  optimizer_.step(learning_rate_);
  optimizer_.clear_gradients();
  rebar_.learn_scale(parts.plain, parts.control);
  return estimate;
}

NamedTensors Relax::state() const {
  NamedTensors state = parameters();
  for (auto& [name, tensor] : state) tensor = tensor.detach();
  state.emplace_back("scale", rebar_.state());
  append_with_prefix(state, optimizer_.state(), "optimizer.");
  return state;
}

void Relax::restore(const NamedTensors& state, const std::string& file) {
  torch::Tensor scale = torch::zeros({3}, torch::kDouble);
  NamedTensors to = parameters(), from;
  to.emplace_back("scale", scale);
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with("optimizer.")) from.emplace_back(name, tensor);
  }
  copy_tensors(from, to, file);
  rebar_.restore(scale);
  optimizer_.restore(with_prefix_removed(state, "optimizer."), file);
}

}  // namespace netwright
