// Gradients through weights that follow the architecture, on problems whose answer is known or can be differenced.
#include "netwright/oneshot/bilevel.h"

#include <gtest/gtest.h>

#include "oneshot/golden.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

using testing::close;
using testing::copies;
using testing::difference_quotients;
using testing::flat;

// Smooth, not quadratic, with weights and architecture that act together in both losses; two tensors of weights.
struct Smooth {
  torch::Tensor w = torch::tensor({0.4, -0.7, 0.2}, torch::kDouble).requires_grad_();
  torch::Tensor u = torch::tensor({{0.3, 0.9}}, torch::kDouble).requires_grad_();
  torch::Tensor a = torch::tensor({0.5, -0.3, 0.8}, torch::kDouble).requires_grad_();
  Unrolling unrolling{0.1, 0.9, 0.05, {torch::tensor({0.2, 0.1, -0.3}, torch::kDouble), {}}, 1e-4};

  torch::Tensor train() const {
    return (torch::exp(0.5 * w * a) + (w - a).square() * w.cos()).sum() + (u.square() * a.slice(0, 0, 2)).sum();
  }
  torch::Tensor valid() const {
    return (torch::tanh(w * a) + 0.3 * w.square()).sum() + (u * w.slice(0, 1, 3)).sin().sum();
  }
  Bilevel problem() {
    return {{w, u}, {a}, [this] { return train(); }, [this] { return valid(); }};
  }
  // The validation loss at w - rate (momentum buffer + gradient + decay w), as a function of a.
  double unrolled_loss() {
    const auto slopes = torch::autograd::grad({train()}, {w, u});
    const torch::NoGradGuard no_grad;
    const torch::Tensor kept_w = w.clone(), kept_u = u.clone();
    w -= unrolling.learning_rate * (unrolling.momentum * unrolling.buffers[0] + slopes[0] + unrolling.weight_decay * w);
    u -= unrolling.learning_rate * (slopes[1] + unrolling.weight_decay * u);
    const double loss = valid().item<double>();
    w.copy_(kept_w);
    u.copy_(kept_u);
    return loss;
  }
};

TEST(SecondOrder, IsTheDerivativeOfTheLossAfterOneStep) {
  Smooth smooth;
  const auto expected = difference_quotients([&] { return smooth.unrolled_loss(); }, {smooth.a}, 1e-6);
  const ArchitectureGradient exact = exact_second_order_gradient(smooth.problem(), smooth.unrolling);
  EXPECT_TRUE(close(exact.gradients[0], expected[0], 1e-8));
  EXPECT_NEAR(exact.valid_loss, smooth.unrolled_loss(), 1e-14);
  const ArchitectureGradient difference = second_order_gradient(smooth.problem(), smooth.unrolling);
  EXPECT_TRUE(close(difference.gradients[0], expected[0], 1e-7));
  const ArchitectureGradient first = first_order_gradient(smooth.problem());
  EXPECT_FALSE(close(first.gradients[0], expected[0], 1e-2)) << "the problem tells the orders apart";
}

TEST(FirstOrder, IsTheDerivativeAtFixedWeights) {
  Smooth smooth;
  const auto expected = difference_quotients([&] { return smooth.valid().item<double>(); }, {smooth.a}, 1e-6);
  EXPECT_TRUE(close(first_order_gradient(smooth.problem()).gradients[0], expected[0], 1e-8));
}

// Training loss w'Hw/2 - w'Ba + d |w|^2/2, whose optimum is w(a) = (H + d I)^-1 B a.
struct Quadratic {
  explicit Quadratic(double damping) : damping(damping) { solve(); }

  void solve() {
    const torch::NoGradGuard no_grad;
    w.copy_(torch::mv(inverse(), torch::mv(mixing, a)));
  }
  torch::Tensor inverse() const { return torch::inverse(hessian + damping * torch::eye(3, torch::kDouble)); }
  torch::Tensor valid() const { return 0.5 * (w - target).square().sum() + (a.square() * w.slice(0, 0, 2)).sum(); }
  // Without the damping, which the solvers add.
  Bilevel problem() {
    return {{w},
            {a},
            [this] { return 0.5 * torch::dot(w, torch::mv(hessian, w)) - torch::dot(w, torch::mv(mixing, a)); },
            [this] { return valid(); }};
  }
  // By the optimum's closed form.
  torch::Tensor expected() {
    return difference_quotients(
        [&] {
          solve();
          return valid().item<double>();
        },
        {a}, 1e-6)[0];
  }

  double damping;
  torch::Tensor hessian = torch::tensor({{2.0, 0.5, 0.3}, {0.5, 1.0, -0.2}, {0.3, -0.2, 0.4}}, torch::kDouble);
  torch::Tensor mixing = torch::tensor({{1.0, 0.5}, {-0.3, 2.0}, {0.7, -1.0}}, torch::kDouble);
  torch::Tensor target = torch::tensor({0.3, -0.4, 1.0}, torch::kDouble);
  torch::Tensor a = torch::tensor({0.2, -0.6}, torch::kDouble).requires_grad_();
  torch::Tensor w = torch::zeros({3}, torch::kDouble).requires_grad_();
};

TEST(ImplicitGradient, IsTheDerivativeAtTheOptimum) {
  for (const double damping : {0.0, 0.25}) {
    Quadratic quadratic(damping);
    const torch::Tensor expected = quadratic.expected();
    quadratic.solve();
    const Bilevel problem = quadratic.problem();
    const auto by_series = implicit_gradient(problem, NeumannSeries{400, 0.4, damping});
    EXPECT_TRUE(close(by_series.gradients[0], expected, 1e-8)) << damping;
    const auto by_conjugates = implicit_gradient(problem, ConjugateGradient{3, damping});
    EXPECT_TRUE(close(by_conjugates.gradients[0], expected, 1e-8)) << damping;
    EXPECT_FALSE(close(implicit_gradient(problem, ConjugateGradient{1, damping}).gradients[0], expected, 1e-2));
    EXPECT_NEAR(by_conjugates.valid_loss, quadratic.valid().item<double>(), 1e-14);
  }
}

TEST(ImplicitGradient, OneTermOfTheSeriesIsOneStep) {
  Quadratic quadratic(0);
  const Bilevel problem = quadratic.problem();
  const auto v = torch::autograd::grad({quadratic.valid()}, {quadratic.w, quadratic.a});
  const torch::Tensor expected = v[1] + 0.4 * torch::mv(quadratic.mixing.t(), v[0]);
  EXPECT_TRUE(close(implicit_gradient(problem, NeumannSeries{0, 0.4, 0}).gradients[0], expected, 1e-12));
}

// Steps beyond what the dimension needs change nothing, nor do they divide by a residual that is gone.
TEST(ImplicitGradient, ConjugateGradientsStopAtTheSolution) {
  Quadratic quadratic(0.1);
  const Bilevel problem = quadratic.problem();
  const torch::Tensor exact = implicit_gradient(problem, ConjugateGradient{3, 0.1}).gradients[0];
  EXPECT_TRUE(close(implicit_gradient(problem, ConjugateGradient{500, 0.1, 0}).gradients[0], exact, 1e-12));
  EXPECT_TRUE(close(implicit_gradient(problem, ConjugateGradient{1, 0.1, 1e9}).gradients[0],
                    implicit_gradient(problem, ConjugateGradient{500, 0.1, 1e9}).gradients[0], 1e-15));
}

TEST(ImplicitGradient, ConjugateGradientsLeaveOutWhatIsNotConvex) {
  Quadratic quadratic(0);
  quadratic.hessian = -quadratic.hessian;
  const Bilevel problem = quadratic.problem();
  EXPECT_TRUE(torch::equal(implicit_gradient(problem, ConjugateGradient{10, 0}).gradients[0],
                           first_order_gradient(problem).gradients[0]));
  // Enough damping makes it convex again: the same as a Hessian of 3 I - H.
  const torch::Tensor damped = implicit_gradient(problem, ConjugateGradient{3, 3}).gradients[0];
  quadratic.hessian = quadratic.hessian + 3 * torch::eye(3, torch::kDouble);
  EXPECT_TRUE(close(damped, implicit_gradient(problem, ConjugateGradient{3, 0}).gradients[0], 1e-12));
}

// A training loss that is linear in the weights has no second derivatives in them.
TEST(ImplicitGradient, OfALinearLossIsTheFirstOrders) {
  const torch::Tensor w = torch::tensor({1.0, 2.0}, torch::kDouble).requires_grad_();
  const torch::Tensor a = torch::tensor({0.5, -1.0}, torch::kDouble).requires_grad_();
  const Bilevel problem{{w}, {a}, [&] { return 3 * w.sum() + a.sum(); }, [&] { return (w * a).sum(); }};
  EXPECT_TRUE(torch::equal(implicit_gradient(problem, ConjugateGradient{}).gradients[0], w.detach()));
  EXPECT_TRUE(torch::equal(implicit_gradient(problem, NeumannSeries{}).gradients[0], w.detach()));
}

}  // namespace
}  // namespace netwright
