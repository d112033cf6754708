// relu_halves against LibTorch's operations, values, gradients and second derivatives.
#include "netwright/nn/relu_halves.h"

#include <gtest/gtest.h>

#include "netwright/nn/factorized_reduce.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

Halves plain(const Tensor& x) {
  const Tensor passed = torch::relu(x);
  return {passed.slice(2, 0, {}, 2).slice(3, 0, {}, 2), shifted(passed).slice(2, 0, {}, 2).slice(3, 0, {}, 2)};
}

// Values of both, the gradient of x through those that are `used`, and a second derivative.
std::vector<Tensor> run(const Tensor& given, bool kernels, bool use_even, bool use_odd) {
  const Tensor x = given.detach().clone(at::MemoryFormat::ChannelsLast).requires_grad_();
  const Halves halves = kernels ? relu_halves(x) : plain(x);
  Tensor loss;
  for (const Tensor& half : {use_even ? halves.even : Tensor(), use_odd ? halves.odd : Tensor()}) {
    if (!half.defined()) continue;
    const Tensor weights = random_input({half.size(1), half.size(2), half.size(3)}, half.size(0), 6).to(half.options());
    const Tensor part = (half.pow(3) * weights).sum();
    loss = loss.defined() ? loss + part : part;
  }
  const Tensor first = torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true)[0];
  const Tensor again = torch::autograd::grad({loss}, {x}, {}, true, /*create_graph=*/true)[0];
  const Tensor second = torch::autograd::grad({again.pow(2).sum()}, {x})[0];
  return {halves.even.detach(), halves.odd.detach(), first, again.detach(), second};
}

TEST(ReluHalves, EqualPlainOperations) {
  for (const Shape& shape : {Shape{8, 6, 8}, Shape{5, 7, 9}, Shape{3, 1, 4}, Shape{2, 5, 2}, Shape{1, 1, 1}}) {
    for (const auto type : {torch::kDouble, torch::kFloat}) {
      const Tensor x = random_input(shape, 3).to(type);
      for (const auto& [even, odd] : {std::pair{true, true}, {true, false}, {false, true}}) {
        const auto actual = run(x, true, even, odd), expected = run(x, false, even, odd);
        for (std::size_t i = 0; i < actual.size(); ++i) {
          EXPECT_TRUE(torch::allclose(actual[i], expected[i], 1e-6, 1e-6)) << i << " of " << to_string(shape);
        }
      }
    }
  }
}

TEST(ReluHalves, PassNotANumberOn) {
  const Tensor x = torch::full({1, 2, 2, 2}, std::nan("")).requires_grad_();
  const Halves halves = relu_halves(x);
  EXPECT_TRUE(halves.even.isnan().all().item<bool>());
  (halves.even.sum() + halves.odd.sum()).backward();
  EXPECT_EQ(x.grad().sum().item<float>(), 4);
}

}  // namespace
}  // namespace netwright
