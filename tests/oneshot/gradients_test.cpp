// The gradient that each method's update follows, against one found by differences or by enumeration on a small
// supernet.
#include <gtest/gtest.h>

#include <cmath>

#include "netwright/base/random.h"
#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/bilevel.h"
#include "netwright/oneshot/drnas.h"
#include "netwright/oneshot/enas.h"
#include "netwright/oneshot/estimators.h"
#include "netwright/oneshot/gaea.h"
#include "netwright/oneshot/rebar.h"
#include "oneshot/golden.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::Bench;
using testing::chosen_edges;
using testing::close;
using testing::copies;
using testing::difference_quotients;
using testing::flat;
using testing::learned_gradients;
using testing::nine_networks;
using testing::parameters_of;

constexpr double by_quotients = 1e-5;  // ReLUs change side on the way

// Parameters large enough to tell options apart.
std::vector<torch::Tensor> spread(const Bench& bench) {
  at::Generator generator = compat::cpu_generator(77);
  for (const torch::Tensor& tensor : parameters_of(bench)) tensor.normal_(0, 0.7, generator);
  return copies(parameters_of(bench));
}

// On the simplex, not even.
void unbalance(const Bench& bench) {
  at::Generator generator = compat::cpu_generator(78);
  for (const torch::Tensor& tensor : parameters_of(bench)) {
    tensor.copy_(torch::softmax(torch::empty_like(tensor).normal_(0, 0.7, generator), -1));
  }
}

// The same draws that bench.generator, or another of its seed, would give.
at::Generator same_draws() {
  return compat::cpu_generator(11);
}

double valid_loss(Bench& bench) {
  const torch::NoGradGuard no_grad;
  at::Generator unused = same_draws();
  return bench.step().loss(bench.valid, bench.method->mixture({0, 10}, unused)).item<double>();
}

// A momentum for every weight, always the same.
std::vector<torch::Tensor> momentum(const Bench& bench) {
  at::Generator generator = compat::cpu_generator(79);
  std::vector<torch::Tensor> buffers;
  for (const torch::Tensor& parameter : bench.net->parameters()) {
    buffers.push_back(0.01 * torch::empty_like(parameter.detach()).normal_(0, 1, generator));
  }
  return buffers;
}

SearchStep step_with_momentum(Bench& bench) {
  const SearchStep step = bench.step();
  return {step.net, step.train, step.valid, step.progress, step.generator,
          0.1,      0.9,        3e-3,       step.weights,  [&] { return momentum(bench); }};
}

// The validation loss after one step of SGD on the training loss.
double unrolled_loss(Bench& bench) {
  const SearchStep step = step_with_momentum(bench);
  at::Generator unused = same_draws();
  const auto parameters = bench.net->parameters();
  const auto kept = copies(parameters);
  const auto buffers = momentum(bench);
  const Mixture mixture = detached(bench.method->mixture({0, 10}, unused));
  const auto slopes = torch::autograd::grad({step.loss(step.train, mixture)}, parameters, {}, false, false, true);
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor direction = step.momentum * buffers[i] + step.weight_decay * parameters[i];
    if (slopes[i].defined()) direction += slopes[i];
    parameters[i].sub_(step.learning_rate * direction);
  }
  const double loss = step.loss(step.valid, mixture).item<double>();
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(kept[i]);
  return loss;
}

// ---- DARTS and PC-DARTS ----

TEST(DartsGradient, FirstOrderIsThatOfTheValidationLoss) {
  for (const std::string name : {"darts", "pc_darts"}) {
    Bench bench(chosen_edges(), "{name: " + name + "}");
    const auto before = spread(bench);
    ASSERT_EQ(before.size(), name == "darts" ? 2u : 4u) << "pc_darts has edge weights";
    const auto expected = difference_quotients([&] { return valid_loss(bench); }, parameters_of(bench));
    bench.method->update(bench.step());
    const auto found = learned_gradients(bench, before);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(close(found[i], expected[i], by_quotients)) << name << ", tensor " << i;
      EXPECT_GT(expected[i].abs().max().item<double>(), 1e-6) << "it receives a gradient";
    }
  }
}

TEST(DartsGradient, ExactOrderIsThatOfTheLossAfterOneStep) {
  for (const std::string name : {"darts", "pc_darts"}) {
    Bench bench(chosen_edges(), "{name: " + name + ", order: exact}");
    const auto before = spread(bench);
    const auto expected = difference_quotients([&] { return unrolled_loss(bench); }, parameters_of(bench));
    const auto first = difference_quotients([&] { return valid_loss(bench); }, parameters_of(bench));
    bench.method->update(step_with_momentum(bench));
    EXPECT_TRUE(close(flat(learned_gradients(bench, before)), flat(expected), 1e-4)) << name;
    EXPECT_FALSE(close(flat(first), flat(expected), 1e-2)) << "the step tells the orders apart";
  }
}

// What bilevel_test.cpp has checked, with the step's own numbers.
TEST(DartsGradient, EachOrderIsOfTheStepsOwnNumbers) {
  const std::map<std::string, std::function<ArchitectureGradient(const Bilevel&, const SearchStep&)>> orders = {
      {"second",
       [](const Bilevel& problem, const SearchStep& step) {
         return second_order_gradient(problem,
                                      {step.learning_rate, step.momentum, step.weight_decay, step.momentum_buffers()});
       }},
      {"implicit",
       [](const Bilevel& problem, const SearchStep& step) {
         return implicit_gradient(problem, NeumannSeries{3, step.learning_rate, step.weight_decay});
       }},
      {"implicit, iterations: 5, damping: 0.5",
       [](const Bilevel& problem, const SearchStep& step) {
         return implicit_gradient(problem, NeumannSeries{5, step.learning_rate, step.weight_decay + 0.5});
       }},
      {"implicit, solver: conjugate_gradient, damping: 3",
       [](const Bilevel& problem, const SearchStep& step) {
         return implicit_gradient(problem, ConjugateGradient{10, step.weight_decay + 3});
       }},
      {"implicit, solver: conjugate_gradient, iterations: 2, damping: 3",
       [](const Bilevel& problem, const SearchStep& step) {
         return implicit_gradient(problem, ConjugateGradient{2, step.weight_decay + 3});
       }}};
  std::vector<torch::Tensor> all;
  for (const auto& [options, gradient] : orders) {
    Bench bench(nine_networks(), "{name: darts, order: " + options + "}");
    const auto before = spread(bench);
    std::vector<torch::Tensor> leaves;
    for (const torch::Tensor& tensor : before) leaves.push_back(tensor.clone().requires_grad_());
    const SearchStep step = step_with_momentum(bench);
    const auto mixture = [&] {
      Mixture mixture;
      for (const torch::Tensor& leaf : leaves) mixture.weights.push_back(torch::softmax(leaf, 1));
      return mixture;
    };
    const Bilevel problem{bench.net->parameters(), leaves, [&] { return step.loss(step.train, mixture()); },
                          [&] { return step.loss(step.valid, mixture()); }};
    const auto expected = gradient(problem, step).gradients;
    bench.method->update(step);
    const auto found = learned_gradients(bench, before);
    EXPECT_TRUE(close(flat(found), flat(expected), 1e-9)) << options;
    for (const torch::Tensor& other : all) EXPECT_FALSE(close(flat(found), other, 1e-6)) << options;
    all.push_back(flat(found));
  }
}

// ---- GAEA ----

// The update divides by each row's sum, so what it tells of a gradient is the gradient but for a constant a row.
std::vector<torch::Tensor> exponents(const std::vector<torch::Tensor>& before, const std::vector<torch::Tensor>& after,
                                     double rate) {
  std::vector<torch::Tensor> found;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const torch::Tensor slope = (before[i] / after[i]).log() / rate;
    found.push_back(slope - slope.mean(-1, true));
  }
  return found;
}

std::vector<torch::Tensor> centred(std::vector<torch::Tensor> tensors) {
  for (torch::Tensor& tensor : tensors) tensor = tensor - tensor.mean(-1, true);
  return tensors;
}

TEST(GaeaGradient, FirstOrderIsThatOfTheValidationLossAndTheEntropy) {
  for (const std::string base : {"darts", "pc_darts"}) {
    Bench bench(chosen_edges(), "{name: gaea, base: " + base + ", learning_rate: 0.2, entropy: 0.3}");
    unbalance(bench);
    const auto before = copies(parameters_of(bench));
    const auto loss = [&] {
      double sum = valid_loss(bench);
      for (std::size_t i = 0; i < bench.relaxation.groups.size(); ++i) {
        const torch::Tensor weights = parameters_of(bench)[i];
        sum += 0.3 * (weights * (weights * static_cast<double>(weights.size(1))).log()).sum().item<double>();
      }
      return sum;
    };
    const auto expected = difference_quotients(loss, parameters_of(bench));
    bench.method->update(bench.step());
    const auto found = exponents(before, copies(parameters_of(bench)), 0.2);
    ASSERT_EQ(found.size(), base == "darts" ? 2u : 4u);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_TRUE(close(found[i], centred(expected)[i], by_quotients)) << base << ", tensor " << i;
      EXPECT_TRUE(torch::allclose(parameters_of(bench)[i].sum(-1), torch::ones({}, torch::kDouble)));
    }
  }
}

TEST(GaeaGradient, HigherOrdersAreThoseOfTheLossAfterOneStep) {
  for (const std::string base : {"darts", "pc_darts"}) {
    std::vector<torch::Tensor> exact;
    for (const std::string order : {"exact", "second"}) {
      Bench bench(chosen_edges(), "{name: gaea, base: " + base + ", order: " + order + "}");
      unbalance(bench);
      const auto before = copies(parameters_of(bench));
      const auto first = difference_quotients([&] { return valid_loss(bench); }, parameters_of(bench));
      if (exact.empty()) {
        exact = centred(difference_quotients([&] { return unrolled_loss(bench); }, parameters_of(bench)));
      }
      bench.method->update(step_with_momentum(bench));
      const torch::Tensor found = flat(exponents(before, copies(parameters_of(bench)), 0.1));
      // The finite difference crosses ReLUs.
      EXPECT_TRUE(close(found, flat(exact), order == "exact" ? 1e-4 : 0.05)) << base << ' ' << order;
      EXPECT_FALSE(close(flat(centred(first)), flat(exact), 0.06)) << "the step tells the orders apart";
    }
  }
}

// ---- SNAS ----

TEST(SnasGradient, IsThatOfTheTrainingLossAtItsDraw) {
  Bench bench(nine_networks(), "{name: snas}");
  EXPECT_TRUE(bench.method->settings().joint);
  const auto before = spread(bench);
  const auto loss = [&] {
    at::Generator same = same_draws();
    return bench.step().loss(bench.train, bench.method->mixture({0, 10}, same));
  };
  const auto expected = difference_quotients([&] { return loss().item<double>(); }, parameters_of(bench));
  loss().backward();
  bench.method->update(bench.step());
  EXPECT_TRUE(close(flat(learned_gradients(bench, before)), flat(expected), by_quotients));
}

// ---- GDAS ----

// By differences in the hard weights, then through the softmax at the temperature of the epoch.
TEST(GdasGradient, IsStraightThroughAtTheEpochsTemperature) {
  for (const auto& [epoch, temperature] : {std::pair(0.0, 10.0), std::pair(5.5, 4.5), std::pair(9.0, 0.1)}) {
    Bench bench(nine_networks(), "{name: gdas}");
    const auto before = spread(bench);
    at::Generator same = same_draws();
    std::vector<torch::Tensor> soft;
    for (const torch::Tensor& logits : before) {
      soft.push_back(torch::softmax((torch::log_softmax(logits, 1) + gumbel_like(logits, same)) / temperature, 1));
    }
    const Picks picks = largest(bench.relaxation, soft);
    Mixture hard;
    hard.only = picks;
    hard.weights = one_hot(bench.relaxation, picks, soft);
    const auto slopes =
        difference_quotients([&] { return bench.step().loss(bench.valid, hard).item<double>(); }, hard.weights);
    bench.method->update(bench.step({epoch, 10}));
    const auto found = learned_gradients(bench, before);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const torch::Tensor expected = soft[i] * (slopes[i] - (soft[i] * slopes[i]).sum(1, true)) / temperature;
      EXPECT_TRUE((found[i] - expected).abs().max().item<double>() < 1e-6) << "epoch " << epoch;
      if (epoch < 9) {
        EXPECT_GT((slopes[i].abs().amax(1, true) * found[i].abs()).max().item<double>(), 0);
      }
    }
  }
}

// ---- DrNAS ----

TEST(DrnasGradient, IsPathwiseWithTheDivergence) {
  for (const double regularisation : {1e-3, 0.7}) {
    const bool usual = regularisation == 1e-3;
    Bench bench(nine_networks(), usual ? "{name: drnas}" : "{name: drnas, regularisation: 0.7}");
    const auto before = spread(bench);
    std::vector<torch::Tensor> leaves;
    Mixture drawn;
    torch::Tensor penalty = torch::zeros({}, torch::kDouble);
    at::Generator same = same_draws();
    for (const torch::Tensor& tensor : before) {
      leaves.push_back(tensor.clone().requires_grad_());
      const torch::Tensor concentration = torch::where(leaves.back() > 0, leaves.back() + 1, leaves.back().exp());
      drawn.weights.push_back(dirichlet_sample(concentration, same));
      penalty = penalty + divergence_from_uniform(concentration);
    }
    Mixture weights = detached(drawn);
    for (torch::Tensor& tensor : weights.weights) tensor = tensor.clone();
    const auto slopes =
        difference_quotients([&] { return bench.step().loss(bench.valid, weights).item<double>(); }, weights.weights);
    torch::Tensor surrogate = regularisation * penalty;
    for (std::size_t i = 0; i < slopes.size(); ++i) surrogate = surrogate + (slopes[i] * drawn.weights[i]).sum();
    const auto expected = torch::autograd::grad({surrogate}, leaves, {}, /*retain_graph=*/true);
    bench.method->update(bench.step());
    const auto found = learned_gradients(bench, before);
    // The usual divergence is small; it must show all the same.
    const auto share = torch::autograd::grad({regularisation * penalty}, leaves);
    EXPECT_LT((flat(found) - flat(expected)).abs().max().item<double>(), 0.05 * flat(share).abs().max().item<double>());
    EXPECT_TRUE(close(flat(found), flat(expected), by_quotients));
  }
}

// ---- REBAR and RELAX ----

// estimators_test.cpp has the estimators; the methods hand them the validation loss and follow them. A fresh RELAX is
// REBAR.
TEST(ControlVariateGradient, IsTheEstimatorsOfTheValidationLoss) {
  for (const std::string name : {"rebar", "relax"}) {
    Bench bench(nine_networks(), "{name: " + name + "}");
    const auto before = spread(bench);
    std::vector<torch::Tensor> logits;
    for (const torch::Tensor& tensor : before) logits.push_back(tensor.clone().requires_grad_());
    const WeightedLoss objective = [&](const RowWeights& weights, bool hard) {
      Mixture mixture{weights, {}, {}};
      if (hard) mixture = single(largest(bench.relaxation, weights));
      return bench.step().loss(bench.valid, mixture);
    };
    at::Generator same = same_draws();
    Rebar estimator(0.5);
    const Estimate expected = estimator(logits, objective, same);
    bench.method->update(bench.step());
    EXPECT_TRUE(close(flat(learned_gradients(bench, before, 0)), flat(expected.gradients), 1e-10)) << name;
  }
}

// The hard loss that they enumerate is that of one network: what the mixture of its one-hot weights gives.
TEST(ControlVariateGradient, HardWeightsAreOneNetwork) {
  Bench bench(nine_networks(), "{name: rebar}");
  const SearchStep step = bench.step();
  const WeightedLoss objective = objective_of(step, bench.relaxation);
  for (int first = 0; first < 3; ++first) {
    for (int second = 0; second < 3; ++second) {
      const std::vector<torch::Tensor> hard = one_hot(bench.relaxation, {{first, second}, {}}, parameters_of(bench));
      EXPECT_NEAR(objective(hard, true).item<double>(), objective(hard, false).item<double>(), 1e-10);
    }
  }
}

// ---- ENAS ----

// -(reward - baseline) log p - entropy H, at the decisions that the update draws.
TEST(EnasGradient, IsReinforceWithTheEntropyBonus) {
  for (const double entropy : {1e-4, 0.3}) {
    const bool usual = entropy == 1e-4;
    Bench bench(nine_networks(), usual ? "{name: enas, hidden: 4}" : "{name: enas, hidden: 4, entropy: 0.3}");
    MovingAverage baseline(0.9);
    if (!usual) baseline.add(0.8);  // else the first reward is its own baseline
    NamedTensors state = bench.method->state();
    for (auto& [name, tensor] : state) {
      if (name == "baseline") tensor = baseline.state();
    }
    bench.method->restore(state, "file");
    const EnasController controller(bench.relaxation, 4, 5, torch::kDouble);
    std::vector<torch::Tensor> parameters;
    for (const auto& [name, tensor] : controller.parameters()) parameters.push_back(tensor);
    at::Generator same = same_draws();
    const std::vector<std::int64_t> decided = controller.draw(same).decisions;
    double reward = 0;
    {
      const torch::NoGradGuard no_grad;
      const torch::Tensor logits = bench.net->forward(bench.valid.inputs, single(controller.picks(decided)));
      reward = logits.argmax(1).eq(bench.valid.labels).to(torch::kDouble).mean().item<double>();
    }
    baseline.add(reward);
    if (!usual) {
      ASSERT_GT(std::abs(reward - baseline.value()), 0.01);
    }
    const auto loss = [&] {
      const torch::NoGradGuard no_grad;
      const EnasController::Draw draw = controller.follow(decided);
      return (-(reward - baseline.value()) * draw.log_probability - entropy * draw.entropy).item<double>();
    };
    const auto expected = difference_quotients(loss, parameters);
    bench.method->update(bench.step());
    const auto found = learned_gradients(bench, copies(parameters), 0, 0.9);
    // The last embedding is of no decision, so it has no gradient and no moments.
    ASSERT_EQ(found.size() + 1, expected.size());
    EXPECT_TRUE(close(flat(found), flat({expected.begin(), expected.end() - 1}), 1e-6)) << entropy;
    EXPECT_EQ(expected.back().abs().max().item<double>(), 0);
  }
}

// ---- when parameters rest ----

TEST(WarmUp, ArchitectureRestsForTheFirst15EpochsOnPartialChannels) {
  for (const std::string method : {"{name: pc_darts}", "{name: gaea, base: pc_darts}"}) {
    Bench bench(chosen_edges(), method);
    OptimizerOptions sgd;
    SearchSteps steps(*bench.net, *bench.method, sgd, 5);
    const auto before = copies(parameters_of(bench));
    const torch::Tensor weight = bench.net->parameters().front().detach().clone();
    steps.run(bench.train, bench.valid, {14.9, 50}, 0.1, bench.generator);
    EXPECT_TRUE(torch::equal(flat(parameters_of(bench)), flat(before))) << method;
    EXPECT_FALSE(torch::equal(bench.net->parameters().front().detach(), weight)) << method;
    steps.run(bench.train, bench.valid, {15, 50}, 0.1, bench.generator);
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_FALSE(torch::equal(parameters_of(bench)[i], before[i])) << method << ", tensor " << i;
    }
  }
}

// The published rate of the architecture's Adam: its first step is that long wherever there is a gradient.
TEST(LearningRate, OfTheArchitectureIsThePublishedOne) {
  const std::map<std::string, double> rates = {{"darts", 3e-4}, {"pc_darts", 6e-4}, {"snas", 3e-4}, {"drnas", 6e-4}};
  for (const auto& [name, rate] : rates) {
    Bench bench(chosen_edges(), "{name: " + name + "}");
    const auto before = spread(bench);
    at::Generator generator = same_draws();
    bench.step().loss(bench.train, bench.method->mixture({0, 10}, generator)).backward();
    bench.method->update(bench.step());
    const torch::Tensor moved = (flat(parameters_of(bench)) - flat(before)).abs();
    EXPECT_NEAR(moved.max().item<double>(), rate, 0.02 * rate) << name;
  }
}

}  // namespace
}  // namespace netwright
