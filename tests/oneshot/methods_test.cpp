// Each method's arithmetic on supernets small enough to enumerate or to differentiate by differences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <cmath>
#include <map>

#include "netwright/base/error.h"
#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/bilevel.h"
#include "netwright/oneshot/drnas.h"
#include "netwright/oneshot/enas.h"
#include "netwright/oneshot/gaea.h"
#include "netwright/oneshot/gdas.h"
#include "netwright/oneshot/rebar.h"
#include "netwright/study/one_shot.h"
#include "oneshot/golden.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::Bench;
using testing::chosen_edges;
using testing::close;
using testing::flat;
using testing::nine_networks;
using testing::parameters_of;
using testing::Sample;

// ---- GAEA ----

TEST(Gaea, MultipliesClampsAndNormalises) {
  torch::Tensor weights = torch::tensor({{0.25, 0.25, 0.5}, {1.0, 2e-5, 0.0}}, torch::kDouble);
  const torch::Tensor gradient = torch::tensor({{1.0, -2.0, 0.0}, {0.0, 30.0, -1.0}}, torch::kDouble);
  exponentiated_step(weights, gradient, 0.1);
  const double a = 0.25 * std::exp(-0.1), b = 0.25 * std::exp(0.2), sum = a + b + 0.5;
  EXPECT_NEAR(weights[0][0].item<double>(), a / sum, 1e-15);
  EXPECT_NEAR(weights[0][1].item<double>(), b / sum, 1e-15);
  EXPECT_NEAR(weights[0][2].item<double>(), 0.5 / sum, 1e-15);
  const double second = 1.0 + 2e-5;  // both small ones are lifted to 1e-5
  EXPECT_NEAR(weights[1][0].item<double>(), 1 / second, 1e-15);
  EXPECT_NEAR(weights[1][1].item<double>(), 1e-5 / second, 1e-18);
  EXPECT_NEAR(weights[1][2].item<double>(), 1e-5 / second, 1e-18);
}

TEST(Gaea, StartsUniform) {
  for (const std::string base : {"darts", "pc_darts"}) {
    Bench bench(chosen_edges(), "{name: gaea, base: " + base + "}");
    EXPECT_EQ(parameters_of(bench).size(), base == "darts" ? 2u : 4u);
    for (const torch::Tensor& tensor : parameters_of(bench)) {
      EXPECT_TRUE(torch::allclose(tensor, torch::full_like(tensor, 1.0 / static_cast<double>(tensor.size(-1)))));
    }
  }
}

// ---- SNAS ----

TEST(Snas, TemperatureFallsByAConstantFactorAnEpoch) {
  Bench bench(nine_networks(), "{name: snas, first_temperature: 1, last_temperature: 0.01}");
  const auto weights = [&](double epoch) {
    at::Generator same = compat::cpu_generator(5);
    return bench.method->mixture({epoch, 3}, same).weights[0].detach();
  };
  const torch::Tensor z = weights(0).log();
  EXPECT_TRUE(torch::allclose(weights(1.9), torch::softmax(z / 0.1, 1), 1e-9, 1e-12));
  EXPECT_TRUE(torch::allclose(weights(2), torch::softmax(z / 0.01, 1), 1e-9, 1e-12));
}

// ---- GDAS ----

TEST(Gdas, OnlyTheChosenOperationRunsAndEveryLogitLearns) {
  const SearchSpace space = nine_networks();
  Bench bench(space, "{name: gdas}");
  const torch::Tensor logits = torch::tensor({{0.3, -0.2, 0.1}}, torch::kDouble);
  std::vector<torch::Tensor> leaves, noise;
  for (const RowGroup& group : bench.relaxation.groups) {
    leaves.push_back(logits.expand({static_cast<std::int64_t>(group.rows.size()), 3}).clone().requires_grad_());
    noise.push_back(torch::zeros_like(leaves.back().detach()));
    noise.back().select(1, 1).fill_(5);  // nor_conv in both
  }
  const Mixture mixture = straight_through_mixture(bench.relaxation, leaves, noise, 2.0);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(
        torch::equal(mixture.weights[i].detach().select(1, 1), torch::ones({leaves[i].size(0)}, torch::kDouble)));
  }
  bench.step().loss(bench.valid, mixture).backward();
  for (const auto& item : bench.net->named_parameters()) {
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
  }
  for (const torch::Tensor& leaf : leaves) EXPECT_GT(leaf.grad().abs().min().item<double>(), 0);

  // Where the skip is drawn, no convolution of the edges runs.
  for (const torch::Tensor& parameter : bench.net->parameters()) parameter.mutable_grad().reset();
  for (torch::Tensor& tensor : noise) {
    tensor.zero_();
    tensor.select(1, 0).fill_(5);
  }
  bench.step().loss(bench.valid, straight_through_mixture(bench.relaxation, leaves, noise, 2.0)).backward();
  for (const auto& item : bench.net->named_parameters()) {
    EXPECT_EQ(item.value().grad().defined(), item.key().find("nor_conv") == std::string::npos) << item.key();
  }
}

TEST(Gdas, TheGradientIsThatOfTheChosenWeight) {
  Bench bench(nine_networks(), "{name: gdas}");
  at::Generator generator = compat::cpu_generator(12);
  std::vector<torch::Tensor> leaves, noise;
  for (const RowGroup& group : bench.relaxation.groups) {
    leaves.push_back(torch::empty({static_cast<std::int64_t>(group.rows.size()), 3}, torch::kDouble)
                         .normal_(0, 1, generator)
                         .requires_grad_());
    noise.push_back(torch::zeros_like(leaves.back().detach()));
    noise.back().select(1, 1).fill_(5);
  }
  const Mixture mixture = straight_through_mixture(bench.relaxation, leaves, noise, 2.0);
  bench.step().loss(bench.valid, mixture).backward();
  // Against the derivative by the chosen weight alone, through the softmax.
  Mixture by_weights;
  for (const torch::Tensor& weights : mixture.weights)
    by_weights.weights.push_back(weights.detach().clone().requires_grad_());
  by_weights.only = mixture.only;
  const auto slopes = torch::autograd::grad({bench.step().loss(bench.valid, by_weights)}, by_weights.weights);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_EQ(slopes[i].select(1, 0).abs().max().item<double>(), 0);
    const torch::Tensor p = torch::softmax((torch::log_softmax(leaves[i].detach(), 1) + noise[i]) / 2.0, 1);
    const torch::Tensor expected = p * (slopes[i] - (p * slopes[i]).sum(1, true)) / 2.0;
    EXPECT_TRUE(close(leaves[i].grad(), expected, 1e-10));
  }
}

TEST(Gdas, TemperatureFallsLinearly) {
  EXPECT_DOUBLE_EQ((Progress{0, 5}.by_epoch()), 0);
  EXPECT_DOUBLE_EQ((Progress{1.99, 5}.by_epoch()), 0.25);
  EXPECT_DOUBLE_EQ((Progress{4.5, 5}.by_epoch()), 1);
}

// ---- DrNAS ----

TEST(Drnas, PathwiseDerivativesAreThoseOfTheMean) {
  const torch::Tensor concentration = torch::tensor({{0.8, 1.7, 1.1}}, torch::kDouble).requires_grad_();
  const torch::Tensor direction = torch::tensor({{1.0, -2.0, 0.5}}, torch::kDouble);
  const torch::Tensor mean = (direction * concentration / concentration.sum()).sum();
  const torch::Tensor expected = torch::autograd::grad({mean}, {concentration})[0];
  at::Generator generator = compat::cpu_generator(3);
  Sample gradient, value;
  for (int i = 0; i < 20'000; ++i) {
    const torch::Tensor drawn = dirichlet_sample(concentration, generator);
    gradient.add(torch::autograd::grad({(direction * drawn).sum()}, {concentration})[0]);
    value.add(drawn.detach());
  }
  EXPECT_LT(gradient.distance(expected), 3.0);
  const torch::Tensor p = (concentration / concentration.sum()).detach();
  EXPECT_LT(value.distance(p), 3.0);
  const torch::Tensor spread = p * (1 - p) / (concentration.sum().detach() + 1);
  EXPECT_LT((value.variance() - spread).abs().max().item<double>(), 0.003);
}

// Of a product of two weights, whose expectation is a_i a_j / (A (A + 1)): what a mean alone would not show.
TEST(Drnas, PathwiseDerivativesAreThoseOfAProductsExpectation) {
  const torch::Tensor concentration = torch::tensor({{0.6, 1.5, 0.9}}, torch::kDouble).requires_grad_();
  const torch::Tensor total = concentration.sum();
  const torch::Tensor product = concentration[0][0] * concentration[0][1] / (total * (total + 1));
  const torch::Tensor expected = torch::autograd::grad({product}, {concentration})[0];
  at::Generator generator = compat::cpu_generator(8);
  Sample gradient;
  for (int i = 0; i < 8'000; ++i) {
    const torch::Tensor drawn = dirichlet_sample(concentration, generator);
    gradient.add(torch::autograd::grad({drawn[0][0] * drawn[0][1]}, {concentration})[0]);
  }
  EXPECT_LT(gradient.distance(expected), 3.0);
  EXPECT_GT(expected.abs().min().item<double>(), 5 * (gradient.variance() / 8'000).sqrt().max().item<double>());
}

TEST(Drnas, DivergenceFromUniform) {
  const torch::Tensor uniform = torch::ones({2, 4}, torch::kDouble);
  EXPECT_NEAR(divergence_from_uniform(uniform).item<double>(), 0, 1e-12);
  // KL of Beta(2, 1) from uniform: ln 2 - 1/2.
  EXPECT_NEAR(divergence_from_uniform(torch::tensor({{2.0, 1.0}}, torch::kDouble)).item<double>(), std::log(2) - 0.5,
              1e-12);
}

// elu(-60) + 1 rounds to 0, no concentration at all.
TEST(Drnas, ConcentrationsStayPositive) {
  Bench bench(nine_networks(), "{name: drnas}");
  for (const torch::Tensor& tensor : parameters_of(bench)) tensor.fill_(-20);
  parameters_of(bench)[0][0][0] = -60;
  const torch::Tensor mean = bench.method->importance().weights[0][0];
  EXPECT_GT(mean[0].item<double>(), 0);
  EXPECT_NEAR(mean[1].item<double>(), 0.5, 1e-12);
}

// ---- ENAS ----

// Every sequence of decisions, with its draw.
void each_sequence(const EnasController& controller,
                   const std::function<void(const std::vector<std::int64_t>&)>& visit) {
  std::vector<std::int64_t> decided(controller.decisions().size(), 0);
  while (true) {
    visit(decided);
    std::size_t digit = 0;
    while (digit < decided.size() && ++decided[digit] == controller.decisions()[digit].count) decided[digit++] = 0;
    if (digit == decided.size()) return;
  }
}

TEST(Enas, TheControllerIsADistributionAndDrawsByIt) {
  const SearchSpace space = chosen_edges();
  const Relaxation relaxation = space.relax({});
  const EnasController controller(relaxation, 8, 4, torch::kDouble);
  std::map<std::vector<std::int64_t>, double> probability;
  double sum = 0;
  each_sequence(controller, [&](const std::vector<std::int64_t>& decided) {
    space.validate(relaxation.configuration(space, controller.picks(decided)));
    sum += probability[decided] = std::exp(controller.follow(decided).log_probability.item<double>());
  });
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_EQ(static_cast<double>(probability.size()), static_cast<double>(*space.size()));
  std::map<std::vector<std::int64_t>, int> seen;
  at::Generator generator = compat::cpu_generator(2);
  constexpr int draws = 4000;
  for (int i = 0; i < draws; ++i) ++seen[controller.draw(generator).decisions];
  for (const auto& [decided, p] : probability) {
    EXPECT_NEAR(seen[decided], draws * p, 4 * std::sqrt(draws * p * (1 - p)));
  }
}

TEST(Enas, ReinforceIsTheGradientOfTheExpectedReward) {
  const SearchSpace space = nine_networks();
  const Relaxation relaxation = space.relax({});
  const EnasController controller(relaxation, 6, 4, torch::kDouble);
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, tensor] : controller.parameters()) parameters.push_back(tensor);
  const auto reward = [](const std::vector<std::int64_t>& decided) {
    return static_cast<double>(decided[0] == 1) + 0.5 * static_cast<double>(decided[1] == 2);
  };
  torch::Tensor expected_reward = torch::zeros({}, torch::kDouble);
  each_sequence(controller, [&](const std::vector<std::int64_t>& decided) {
    expected_reward = expected_reward + reward(decided) * controller.follow(decided).log_probability.exp();
  });
  const auto gradients = [&](const torch::Tensor& of) {
    auto found = torch::autograd::grad({of}, parameters, {}, true, false, true);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i].defined()) found[i] = torch::zeros_like(parameters[i].detach());
    }
    return flat(found);
  };
  const torch::Tensor exact = gradients(expected_reward);
  const torch::Tensor direction = exact / exact.norm();
  at::Generator generator = compat::cpu_generator(6);
  Sample along;
  for (int i = 0; i < 1500; ++i) {
    const EnasController::Draw draw = controller.draw(generator);
    along.add((reward(draw.decisions) - 0.5) * torch::dot(gradients(draw.log_probability), direction));
  }
  EXPECT_LT(along.distance(exact.norm()), 3.0);
}

TEST(Enas, TheBaselineSeesTheRewardFirst) {
  MovingAverage average(0.9);
  average.add(3);
  EXPECT_DOUBLE_EQ(average.value(), 3);
  average.add(5);
  EXPECT_DOUBLE_EQ(average.value(), (0.09 * 3 + 0.1 * 5) / 0.19);
  // So the first update, without entropy, changes nothing.
  Bench bench(nine_networks(), "{name: enas, entropy: 0}");
  const torch::Tensor before = bench.parameter("bias").clone();
  bench.method->update(bench.step());
  EXPECT_TRUE(torch::equal(bench.parameter("bias"), before));
}

// However large a logit, a decision's log-odds stay within 5.
TEST(Enas, LogitsAreSquashed) {
  const SearchSpace space = nine_networks();
  const Relaxation relaxation = space.relax({});
  const EnasController controller(relaxation, 6, 4, torch::kDouble);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : controller.parameters()) tensor.zero_();
  for (const auto& [name, tensor] : controller.parameters()) {
    if (name == "head_bias.0") tensor.copy_(torch::tensor({1e3, -1e3, 5.0}, torch::kDouble));
  }
  std::vector<double> logits = {2.5, -2.5, 2.5 * std::tanh(1.0)};
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit);
  for (std::int64_t first = 0; first < 3; ++first) {
    const double expected = logits[static_cast<std::size_t>(first)] - std::log(sum) - std::log(3.0);
    EXPECT_NEAR(controller.follow({first, 0}).log_probability.item<double>(), expected, 1e-12);
  }
}

// ---- random search with weight sharing ----

TEST(RandomWs, DrawsEveryNetworkEquallyOften) {
  Bench bench(nine_networks(), "{name: random_ws}");
  std::map<std::vector<int>, int> seen;
  for (int i = 0; i < 1800; ++i) ++seen[bench.method->mixture({0, 1}, bench.generator).only->options];
  EXPECT_EQ(seen.size(), 9u);
  for (const auto& [options, count] : seen) EXPECT_NEAR(count, 200, 4 * std::sqrt(200.0));
}

// ---- REBAR and RELAX on a supernet ----

TEST(Rebar, IsUnbiasedOnASupernet) {
  Bench bench(nine_networks(), "{name: rebar}");
  std::vector<torch::Tensor> logits;
  for (const torch::Tensor& tensor : parameters_of(bench)) logits.push_back(tensor.clone().requires_grad_());
  const SearchStep step = bench.step();
  const WeightedLoss objective = objective_of(step, bench.relaxation);
  const torch::Tensor exact = flat(exact_gradient(logits, objective).gradients);
  Rebar rebar(0.5);
  Relax relax(logits, 0.5, 8, 1e-3, 1);
  Sample by_rebar, by_relax;
  for (int i = 0; i < 400; ++i) {
    by_rebar.add(flat(rebar(logits, objective, bench.generator).gradients));
    by_relax.add(flat(relax(logits, objective, bench.generator).gradients));
  }
  EXPECT_LT(by_rebar.distance(exact), 3.0);
  EXPECT_LT(by_relax.distance(exact), 3.0);
}

// ---- the table ----

TEST(Methods, RefuseWhatTheyDoNotKnow) {
  const SearchSpace space = nine_networks();
  const Relaxation relaxation = space.relax({});
  for (const MethodRow& row : methods()) {
    const Yaml options = parse_yaml("{name: " + row.name + ", temprature: 1}", "study.yaml");
    EXPECT_THROW(make_method({space, relaxation, options, 1, torch::kDouble}), Error) << row.name;
  }
  const Yaml wrong = parse_yaml("{name: dart}", "study.yaml");
  try {
    make_method({space, relaxation, wrong, 1, torch::kDouble});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("darts"));
  }
}

TEST(Methods, ImportanceIsADistributionOverOptions) {
  for (const SearchSpace& space : {nine_networks(), chosen_edges()}) {
    for (const MethodRow& row : methods()) {
      Bench bench(space, "{name: " + row.name + "}");
      bench.method->update(bench.step());
      const Importance importance = bench.method->importance();
      ASSERT_EQ(importance.weights.size(), bench.relaxation.groups.size()) << row.name;
      for (const torch::Tensor& weights : importance.weights) {
        EXPECT_TRUE(torch::allclose(weights.sum(1), torch::ones({weights.size(0)}, weights.options()), 1e-6, 1e-6))
            << row.name;
      }
    }
  }
}

TEST(Methods, TheStudyKnowsThemByTheSameNames) {
  std::vector<std::string> names;
  for (const MethodRow& row : methods()) names.push_back(row.name);
  std::vector<std::string> known = one_shot_methods();
  std::sort(names.begin(), names.end());
  std::sort(known.begin(), known.end());
  EXPECT_EQ(names, known);
}

}  // namespace
}  // namespace netwright
