// The pooling kernels against LibTorch's operations in float64, over shapes that exercise every tail.
#include "netwright/nn/fused_pool.h"

#include <gtest/gtest.h>

#include "netwright/nn/fused.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

struct Result {
  Tensor y, dx, mean, variance;
};

Result run(const Tensor& values, const PoolOptions& options, bool normalized, bool fused) {
  const auto norm = std::make_shared<BatchNorm>(values.size(1), false);
  at::Generator generator = compat::cpu_generator(1);
  norm->initialize(generator);
  norm->to(values.scalar_type());
  const Tensor x = values.detach().clone().requires_grad_();
  Tensor y;
  if (fused) {
    y = fused_pool(x, options, normalized ? norm.get() : nullptr);
  } else {
    const PlainExecution guard;
    y = plain_pool(x, options);
    if (normalized) y = norm->forward(y);
  }
  const Tensor weights = random_input({y.size(1), y.size(2), y.size(3)}, y.size(0), 5).to(y.options());
  (y * weights).sum().backward();
  return {y.detach(), x.grad(), norm->running_mean, norm->running_var};
}

void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const char* what) {
  const double scale = expected.abs().max().item<double>();
  EXPECT_LE((actual.to(torch::kDouble) - expected).abs().max().item<double>(), tolerance * scale) << what;
}

TEST(FusedPool, EqualsPlainOperations) {
  for (const Shape& shape : {Shape{16, 8, 8}, Shape{5, 7, 9}, Shape{12, 1, 6}, Shape{3, 2, 2}, Shape{20, 5, 4}}) {
    for (const bool average : {false, true}) {
      for (const std::int64_t stride : {1, 2}) {
        for (const bool normalized : {false, true}) {
          const PoolOptions options{average, 3, stride};
          // Halves: many values are equal, so that which of them is the largest matters.
          const Tensor x = (random_input(shape, 3) * 2).round() / 2 + random_input(shape, 3, 8).gt(1) * 0.25;
          ASSERT_TRUE(fusible(x, options));
          const Result expected = run(x.to(torch::kDouble), options, normalized, false);
          for (const auto type : {torch::kDouble, torch::kFloat}) {
            const double tolerance = type == torch::kDouble ? 1e-12 : 1e-5;
            const Result actual = run(x.to(type), options, normalized, true);
            EXPECT_TRUE(actual.y.is_contiguous(at::MemoryFormat::ChannelsLast));
            expect_close(actual.y, expected.y, tolerance, "y");
            expect_close(actual.dx, expected.dx, tolerance, "dx");
            expect_close(actual.mean, expected.mean, tolerance, "running mean");
            expect_close(actual.variance, expected.variance, tolerance, "running variance");
          }
        }
      }
    }
  }
}

TEST(FusedPool, SecondDerivativesAreExact) {
  const auto second = [](bool fused) {
    const auto norm = std::make_shared<BatchNorm>(4, false);
    norm->to(torch::kDouble);
    const Tensor x = random_input({4, 5, 5}, 3).to(torch::kDouble).requires_grad_();
    const PoolOptions options{true, 3, 1};
    Tensor y;
    if (fused) {
      y = fused_pool(x, options, norm.get());
    } else {
      const PlainExecution guard;
      y = norm->forward(plain_pool(x, options));
    }
    const Tensor first = torch::autograd::grad({y.pow(3).sum()}, {x}, {}, true, true)[0];
    return torch::autograd::grad({first.pow(2).sum()}, {x})[0];
  };
  expect_close(second(true), second(false), 1e-10, "second derivative");
}

TEST(FusedPool, NaNStaysNaN) {
  Tensor x = torch::zeros({1, 8, 4, 4});
  x.index_put_({0, 3, 1, 1}, std::numeric_limits<float>::quiet_NaN());
  for (const bool average : {false, true}) {
    EXPECT_EQ(torch::isnan(fused_pool(x, {average, 3, 1}, nullptr)).sum().item<std::int64_t>(), 9);
  }
}

TEST(FusedPool, OtherCasesAreLeftToTorch) {
  EXPECT_FALSE(fusible(torch::zeros({2, 3, 8, 8}), {false, 5, 1}));
  EXPECT_FALSE(fusible(torch::zeros({1, 3, 1, 1}), {false, 3, 1}));
  const PlainExecution guard;
  EXPECT_FALSE(fusible(torch::zeros({2, 3, 8, 8}), {false, 3, 1}));
}

}  // namespace
}  // namespace netwright
