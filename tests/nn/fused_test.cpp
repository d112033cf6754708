// The fused kernels against LibTorch's operations in float64, over shapes that exercise every tail.
#include "netwright/nn/fused.h"

#include <gtest/gtest.h>

#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

struct Shapes {
  std::int64_t samples, in, out, height, width, kernel;
};

class FusedBlockTest : public testing::TestWithParam<Shapes> {};

struct Result {
  Tensor y, dx, dweight, dscale, dshift, mean, variance;
};

Result run(ConvolutionBlock& block, const Tensor& values, const Tensor& weights) {
  block.zero_grad();
  Tensor x = values.detach().clone().contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  const Tensor y = block.forward(x);
  (y * weights).sum().backward();
  return {y,
          x.grad(),
          block.weight.grad(),
          block.norm->weight.defined() ? block.norm->weight.grad() : Tensor(),
          block.norm->weight.defined() ? block.norm->bias.grad() : Tensor(),
          block.norm->running_mean.clone(),
          block.norm->running_var.clone()};
}

void expect_close(const Tensor& actual, const Tensor& expected, const char* what) {
  ASSERT_EQ(actual.defined(), expected.defined()) << what;
  if (!actual.defined()) return;
  const double scale = 1 + expected.abs().max().item<double>();
  EXPECT_LT((actual - expected).abs().max().item<double>() / scale, 1e-5) << what;
}

std::shared_ptr<ConvolutionBlock> make_block(const ConvolutionOptions& options) {
  auto block = std::make_shared<ConvolutionBlock>(options);
  at::Generator generator = compat::cpu_generator(1);
  block->initialize(generator);
  block->norm->initialize(generator);
  randomize(*block, 4);
  return block;
}

TEST_P(FusedBlockTest, EqualsPlainOperations) {
  const Shapes s = GetParam();
  for (const Activation before : {Activation::none, Activation::relu}) {
    for (const Activation after : {Activation::none, Activation::relu, Activation::relu6}) {
      for (const Norm norm : {Norm::affine, Norm::plain}) {
        const ConvolutionOptions options{
            .in = s.in, .out = s.out, .kernel = s.kernel, .norm = norm, .before = before, .after = after};
        ASSERT_TRUE(fusible(options));
        // A mean far from zero, where a careless variance would lose its digits.
        const Tensor x = random_input({s.in, s.height, s.width}, s.samples) + 3;
        const Tensor weights = random_input({s.out, s.height, s.width}, s.samples, 9);
        const auto block = make_block(options), exact = make_block(options);
        exact->to(torch::kDouble);
        const Result actual = run(*block, x, weights);
        const Result expected = run(*exact, x.to(torch::kDouble), weights.to(torch::kDouble));
        EXPECT_TRUE(actual.y.is_contiguous(at::MemoryFormat::ChannelsLast));
        expect_close(actual.y, expected.y, "y");
        expect_close(actual.dx, expected.dx, "dx");
        expect_close(actual.dweight, expected.dweight, "dweight");
        expect_close(actual.dscale, expected.dscale, "dscale");
        expect_close(actual.dshift, expected.dshift, "dshift");
        expect_close(actual.mean, expected.mean, "running mean");
        expect_close(actual.variance, expected.variance, "running variance");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FusedBlockTest,
                         testing::Values(Shapes{2, 16, 16, 8, 8, 3}, Shapes{3, 3, 16, 9, 7, 3},
                                         Shapes{2, 8, 24, 5, 5, 5}, Shapes{1, 36, 36, 6, 7, 3},
                                         Shapes{5, 17, 9, 4, 1, 1}, Shapes{2, 1, 5, 28, 28, 3},
                                         Shapes{1, 4, 8, 90, 120, 3}, Shapes{7, 33, 40, 1, 1, 3}),
                         [](const testing::TestParamInfo<Shapes>& info) {
                           const Shapes& s = info.param;
                           return std::to_string(s.samples) + "x" + std::to_string(s.in) + "to" +
                                  std::to_string(s.out) + "x" + std::to_string(s.height) + "x" +
                                  std::to_string(s.width) + "_kernel" + std::to_string(s.kernel);
                         });

TEST(Fused, ThreadsOnlyChangeRounding) {
  const auto block = make_block({.in = 16, .out = 16, .kernel = 3, .norm = Norm::affine, .before = Activation::relu});
  const Tensor x = random_input({16, 12, 12}, 5), weights = random_input({16, 12, 12}, 5, 9);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Result one = run(*block, x, weights);
  const Result again = run(*block, x, weights);
  EXPECT_TRUE(torch::equal(one.y, again.y));
  EXPECT_TRUE(torch::equal(one.dweight, again.dweight));
  at::set_num_threads(3);
  const Result three = run(*block, x, weights);
  at::set_num_threads(threads);
  expect_close(three.y, one.y, "y");
  expect_close(three.dx, one.dx, "dx");
  expect_close(three.dweight, one.dweight, "dweight");
}

TEST(Fused, NormOfImagesAndRows) {
  for (const Shape& shape : {Shape{20, 5, 3}, Shape{13}}) {
    const auto norm = std::make_shared<BatchNorm>(shape.channels, true);
    randomize(*norm, 3);
    const auto exact = std::make_shared<BatchNorm>(shape.channels, true);
    randomize(*exact, 3);
    exact->to(torch::kDouble);
    const Tensor x = random_input(shape, 11).requires_grad_();
    const Tensor x64 = x.detach().to(torch::kDouble).requires_grad_();
    const Tensor y = norm->forward(x, Activation::relu), y64 = exact->forward(x64, Activation::relu);
    expect_close(y, y64, "y");
    y.square().sum().backward();
    y64.square().sum().backward();
    expect_close(x.grad(), x64.grad(), "dx");
    expect_close(norm->weight.grad(), exact->weight.grad(), "dscale");
    expect_close(norm->bias.grad(), exact->bias.grad(), "dshift");
    expect_close(norm->running_var, exact->running_var, "running variance");
  }
}

TEST(Fused, SecondDerivativesAreExact) {
  const ConvolutionOptions options{
      .in = 4, .out = 6, .kernel = 3, .norm = Norm::affine, .before = Activation::relu, .after = Activation::relu};
  const auto second = [&](torch::ScalarType type) {
    const auto block = make_block(options);
    block->to(type);
    Tensor x = random_input({4, 5, 5}, 3).to(type).requires_grad_();
    const Tensor loss = block->forward(x).pow(3).sum();
    const Tensor gradient = torch::autograd::grad({loss}, {x}, {}, true, true)[0];
    return torch::autograd::grad({gradient.pow(2).sum()}, {x, block->weight, block->norm->weight});
  };
  const auto actual = second(torch::kFloat), expected = second(torch::kDouble);
  for (std::size_t i = 0; i < 3; ++i) {
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_LT((actual[i] - expected[i]).abs().max().item<double>() / scale, 1e-4) << i;
  }
}

TEST(Fused, FrozenInputNeedsNoGradient) {
  const auto block = make_block({.in = 3, .out = 8, .kernel = 3, .norm = Norm::plain});
  const Tensor x = random_input({3, 6, 6}, 2);
  block->forward(x).square().sum().backward();
  EXPECT_TRUE(block->weight.grad().defined());
  torch::NoGradGuard guard;
  EXPECT_FALSE(block->forward(x).requires_grad());
}

TEST(Fused, OtherCasesAreLeftToTorch) {
  EXPECT_FALSE(fusible(ConvolutionOptions{.in = 4, .out = 4, .kernel = 3, .stride = 2, .norm = Norm::affine}));
  EXPECT_FALSE(fusible(ConvolutionOptions{.in = 4, .out = 4, .kernel = 3, .groups = 4, .norm = Norm::affine}));
  EXPECT_FALSE(fusible(ConvolutionOptions{.in = 4, .out = 4, .kernel = 3}));
  EXPECT_FALSE(fusible(torch::zeros({2, 3}, torch::kDouble)));
}

}  // namespace
}  // namespace netwright
