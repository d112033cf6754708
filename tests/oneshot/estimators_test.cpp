// Estimators of the gradient of an expected loss against the exact one, by enumeration.
#include "netwright/oneshot/estimators.h"

#include <gtest/gtest.h>

#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/snas.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::flat;
using testing::Sample;

// Three rows in two groups; a loss in which they act together.
struct Problem {
  Problem() {
    at::Generator generator = compat::cpu_generator(7);
    logits = {torch::empty({2, 3}, torch::kDouble).normal_(0, 0.7, generator).requires_grad_(),
              torch::empty({1, 4}, torch::kDouble).normal_(0, 0.7, generator).requires_grad_()};
    const torch::Tensor bend = torch::empty({10, 10}, torch::kDouble).normal_(0, 1, generator);
    const torch::Tensor slope = torch::empty({10}, torch::kDouble).normal_(0, 1, generator);
    objective = [bend, slope](const RowWeights& weights, bool) {
      const torch::Tensor w = torch::cat({weights[0].reshape({-1}), weights[1].reshape({-1})});
      return 2 + torch::dot(slope, w) + 0.5 * torch::dot(w, torch::mv(bend, w));
    };
  }
  RowWeights logits;
  WeightedLoss objective;
};

TEST(Estimators, ExactGradientIsThatOfTheExpectedLoss) {
  Problem problem;
  const Estimate exact = exact_gradient(problem.logits, problem.objective);
  constexpr double step = 1e-6;
  for (std::size_t group = 0; group < problem.logits.size(); ++group) {
    for (std::int64_t i = 0; i < problem.logits[group].numel(); ++i) {
      const auto shifted = [&](double by) {
        RowWeights logits;
        for (const torch::Tensor& tensor : problem.logits) logits.push_back(tensor.detach().clone().requires_grad_());
        logits[group].detach().reshape({-1})[i].add_(by);
        return exact_gradient(logits, problem.objective).loss;
      };
      const double slope = (shifted(step) - shifted(-step)) / (2 * step);
      EXPECT_NEAR(exact.gradients[group].reshape({-1})[i].item<double>(), slope, 1e-7);
    }
  }
}

// Mean over draws within 3 standard errors of the exact gradient; returns the summed variance.
template <class Draw>
double expect_unbiased(const Draw& draw, int draws) {
  Problem problem;
  const torch::Tensor exact = flat(exact_gradient(problem.logits, problem.objective).gradients);
  at::Generator generator = compat::cpu_generator(1);
  Sample sample;
  for (int i = 0; i < draws; ++i) sample.add(flat(draw(problem, generator).gradients));
  EXPECT_LT(sample.distance(exact), 3.0);
  return sample.variance().sum().template item<double>();
}

TEST(Estimators, RebarAndRelaxAreUnbiasedAndVaryLessThanReinforce) {
  constexpr int draws = 8000;
  Problem like;
  const double mean = exact_gradient(like.logits, like.objective).loss;
  const double reinforce = expect_unbiased(
      [&](Problem& p, at::Generator& g) { return reinforce_gradient(p.logits, p.objective, mean, g); }, draws);
  Rebar rebar(0.5);
  const double by_rebar =
      expect_unbiased([&](Problem& p, at::Generator& g) { return rebar(p.logits, p.objective, g); }, draws);
  Relax relax(like.logits, 0.5, 16, 1e-3, 3);
  const double by_relax =
      expect_unbiased([&](Problem& p, at::Generator& g) { return relax(p.logits, p.objective, g); }, draws);
  EXPECT_LT(by_rebar, reinforce);
  EXPECT_LT(by_relax, reinforce);
}

// Also where the relaxation is too steep to be of much use as a control variate.
TEST(Estimators, RebarIsUnbiasedAtALowTemperature) {
  Rebar rebar(0.1);
  expect_unbiased([&](Problem& p, at::Generator& g) { return rebar(p.logits, p.objective, g); }, 8000);
}

TEST(Estimators, TheConditionalDrawIsADrawGivenTheChoice) {
  Problem problem;
  at::Generator generator = compat::cpu_generator(4);
  Sample free, tied;
  for (int i = 0; i < 4000; ++i) {
    const ConditionalDraw draw = draw_conditionally(problem.logits, generator);
    for (std::size_t g = 0; g < problem.logits.size(); ++g) {
      ASSERT_TRUE(torch::equal(draw.conditional[g].argmax(1), draw.hard[g].argmax(1)));
      ASSERT_TRUE(torch::equal(draw.relaxed[g].argmax(1), draw.hard[g].argmax(1)));
    }
    free.add(flat(draw.relaxed));
    tied.add(flat(draw.conditional));
  }
  // Gumbel noise has mean 0.5772 (Euler) and variance pi^2 / 6, free or tied.
  std::vector<torch::Tensor> mean;
  for (const torch::Tensor& logits : problem.logits) mean.push_back(torch::log_softmax(logits, 1) + 0.5772156649015329);
  EXPECT_LT(free.distance(flat(mean)), 3.0);
  EXPECT_LT(tied.distance(flat(mean)), 3.0);
  EXPECT_LT((tied.variance() - 1.6449340668).abs().max().item<double>(), 0.2);
}

TEST(Estimators, GumbelSoftmaxFollowsItsOwnDraw) {
  Problem problem;
  constexpr double temperature = 0.7;
  const auto at = [&](const RowWeights& logits) {
    at::Generator same = compat::cpu_generator(9);
    return gumbel_softmax_gradient(logits, problem.objective, temperature, same);
  };
  const Estimate found = at(problem.logits);
  constexpr double step = 1e-6;
  for (std::int64_t i = 0; i < problem.logits[0].numel(); ++i) {
    const auto shifted = [&](double by) {
      RowWeights logits;
      for (const torch::Tensor& tensor : problem.logits) logits.push_back(tensor.detach().clone().requires_grad_());
      logits[0].detach().reshape({-1})[i].add_(by);
      return at(logits).loss;
    };
    EXPECT_NEAR(found.gradients[0].reshape({-1})[i].item<double>(), (shifted(step) - shifted(-step)) / (2 * step),
                1e-6);
  }
}

// Forward hard, backward the softmax's derivative times the objective's at the hard point.
TEST(Estimators, StraightThroughIsHardForwardAndSoftBackward) {
  Problem problem;
  at::Generator generator = compat::cpu_generator(9), same = compat::cpu_generator(9);
  const Estimate found = straight_through_gradient(problem.logits, problem.objective, 0.7, generator);
  RowWeights soft, hard;
  for (const torch::Tensor& logits : problem.logits) {
    soft.push_back(relaxed_sample(logits, gumbel_like(logits, same), 0.7));
    const torch::Tensor best = soft.back().detach().argmax(1, true);
    hard.push_back(
        torch::zeros_like(best.expand_as(soft.back()), torch::kDouble).scatter_(1, best, 1.0).requires_grad_());
  }
  const torch::Tensor loss = problem.objective(hard, false);
  EXPECT_DOUBLE_EQ(found.loss, loss.item<double>());
  const auto slopes = torch::autograd::grad({loss}, hard);
  const auto expected = torch::autograd::grad(soft, problem.logits, slopes);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(torch::allclose(found.gradients[i], expected[i], 1e-10, 1e-12));
  }
}

TEST(Estimators, StateGoesOnAsItWas) {
  Problem problem;
  at::Generator a = compat::cpu_generator(2), b = compat::cpu_generator(2);
  Relax whole(problem.logits, 0.5, 8, 1e-2, 3), first(problem.logits, 0.5, 8, 1e-2, 3),
      second(problem.logits, 0.5, 8, 1e-2, 99);
  torch::Tensor expected, found;
  for (int i = 0; i < 6; ++i) expected = flat(whole(problem.logits, problem.objective, a).gradients);
  for (int i = 0; i < 3; ++i) first(problem.logits, problem.objective, b);
  NamedTensors stored;
  for (const auto& [name, tensor] : first.state()) stored.emplace_back(name, tensor.clone());
  second.restore(stored, "file");
  for (int i = 3; i < 6; ++i) found = flat(second(problem.logits, problem.objective, b).gradients);
  EXPECT_TRUE(torch::equal(expected, found));
}

}  // namespace
}  // namespace netwright
