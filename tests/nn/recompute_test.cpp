// A recomputed part against the same part as LibTorch keeps it.
#include "netwright/nn/recompute.h"

#include <gtest/gtest.h>

#include "netwright/nn/units.h"

namespace netwright::recompute_test {
namespace {

using torch::Tensor;

struct Part {
  Tensor weight = torch::rand({6, 6}, torch::kDouble).requires_grad_();
  std::shared_ptr<BatchNorm> norm = std::make_shared<BatchNorm>(6, false);
  int runs = 0;

  Part() { norm->to(torch::kDouble); }

  // Two outputs of two inputs, with a norm and random numbers; the second output may go unused.
  std::vector<Tensor> operator()(const std::vector<Tensor>& x) {
    ++runs;
    const Tensor y = torch::dropout(norm->forward(torch::matmul(x[0], weight)), 0.5, /*train=*/true);
    return {y * x[1].tanh(), (y * y).sum()};
  }

  std::vector<Tensor> run(const std::vector<Tensor>& x, bool again) {
    return again ? recomputed([this](const std::vector<Tensor>& values) { return (*this)(values); }, x, {weight})
                 : (*this)(x);
  }
};

std::vector<Tensor> inputs() {
  torch::manual_seed(3);
  // The second input is a function of the first.
  const Tensor x = torch::randn({5, 6}, torch::kDouble).requires_grad_();
  return {x, torch::exp(x)};
}

TEST(Recomputed, GradientsAndRunningStatisticsAreThoseOfOneRun) {
  const auto gradients = [](bool again, int& runs, Tensor& running, Tensor& next) {
    const std::vector<Tensor> x = inputs();
    Part part;
    const std::vector<Tensor> y = part.run(x, again);
    const auto found = torch::autograd::grad({y[0].pow(3).sum() + y[1]}, {x[0], part.weight});
    runs = part.runs;
    running = part.norm->running_var;
    next = torch::rand({4});
    return found;
  };
  int runs = 0;
  Tensor running, next, running_kept, next_kept;
  const std::vector<Tensor> actual = gradients(true, runs, running, next);
  EXPECT_EQ(runs, 2);
  const std::vector<Tensor> expected = gradients(false, runs, running_kept, next_kept);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(actual[i], expected[i])) << i;
  EXPECT_TRUE(torch::equal(running, running_kept));
  EXPECT_TRUE(torch::equal(next, next_kept)) << "random numbers go on as if nothing had been run again";
}

TEST(Recomputed, AnOutputMayGoUnused) {
  const std::vector<Tensor> x = inputs();
  Part part;
  const std::vector<Tensor> y = part.run(x, true);
  part.weight.mutable_grad().reset();
  y[0].sum().backward();
  EXPECT_TRUE(part.weight.grad().defined());
}

TEST(Recomputed, SecondDerivativesAreExact) {
  const auto second = [](bool again) {
    const std::vector<Tensor> x = inputs();
    Part part;
    const std::vector<Tensor> y = part.run(x, again);
    const auto first = torch::autograd::grad({y[0].pow(3).sum() + y[1]}, {x[0], part.weight}, {}, true, true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(2).sum()}, {x[0], part.weight});
  };
  const std::vector<Tensor> actual = second(true), expected = second(false);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(torch::allclose(actual[i], expected[i], 1e-12, 1e-12)) << i;
  }
}

TEST(Recomputed, AnInputPassedOnAndAnUndefinedOneAreNoTrouble) {
  const Tensor x = torch::randn({3}).requires_grad_();
  const auto same = [](const std::vector<Tensor>& values) { return std::vector<Tensor>{values[0]}; };
  const std::vector<Tensor> y = recomputed(same, {x, Tensor()}, {});
  const auto found = torch::autograd::grad({(y[0] * 2).sum()}, {x});
  EXPECT_TRUE(torch::equal(found[0], torch::full({3}, 2.0F)));
}

TEST(Recomputed, WithoutGradientsItIsRunOnce) {
  const std::vector<Tensor> x = inputs();
  Part part;
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(part.run(x, true)[0].requires_grad());
  EXPECT_EQ(part.runs, 1);
}

TEST(Recomputed, APartIsPropagatedBackOnce) {
  const std::vector<Tensor> x = inputs();
  Part part;
  const Tensor loss = part.run(x, true)[1];
  torch::autograd::grad({loss}, {part.weight});
  EXPECT_ANY_THROW(torch::autograd::grad({loss}, {part.weight}));
}

}  // namespace
}  // namespace netwright::recompute_test
