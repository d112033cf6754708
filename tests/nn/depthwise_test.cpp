// Depthwise convolutions in float64 against LibTorch's, values, gradients and second derivatives.
#include "netwright/nn/depthwise.h"

#include <gtest/gtest.h>

#include "netwright/nn/fused.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

struct Case {
  Shape input;
  std::int64_t kernel = 3, stride = 1, padding = 1, dilation = 1;
};

// The result, both gradients, each alone, and second derivatives of both.
std::vector<Tensor> run(const Case& given, bool kernels) {
  const std::int64_t channels = given.input.channels;
  const Tensor x = random_input(given.input, 3).to(torch::kDouble).requires_grad_();
  const Tensor weight = random_input({channels, given.kernel, given.kernel}, 1, 2)
                            .to(torch::kDouble)
                            .view({channels, 1, given.kernel, given.kernel})
                            .requires_grad_();
  const Tensor y = kernels ? depthwise(x, weight, given.stride, given.padding, given.dilation)
                           : torch::conv2d(x, weight, {}, given.stride, given.padding, given.dilation, channels);
  const Tensor loss = y.pow(3).sum();
  std::vector<Tensor> found = {y.detach()};
  const auto take = [&](const std::vector<Tensor>& of, const Tensor& from, bool create_graph) {
    auto gradients = torch::autograd::grad({from}, of, {}, /*retain_graph=*/true, create_graph);
    found.insert(found.end(), gradients.begin(), gradients.end());
    return gradients;
  };
  take({x, weight}, loss, false);
  take({x}, loss, false);
  take({weight}, loss, false);
  const auto first = take({x, weight}, loss, true);
  take({x, weight}, first[0].pow(2).sum() + first[1].pow(2).sum(), false);
  return found;
}

TEST(Depthwise, EqualsLibTorchs) {
  for (const Case& given : {Case{{8, 6, 7}}, Case{{5, 7, 6}, 5, 2, 2}, Case{{3, 9, 8}, 7, 1, 3},
                            Case{{2, 5, 5}, 3, 2, 2, 2}, Case{{17, 4, 3}, 5, 1, 4, 2}, Case{{3, 2, 2}, 7, 2, 3},
                            Case{{4, 6, 6}, 2, 1, 0}, Case{{2, 7, 5}, 3, 3, 1}, Case{{1, 1, 1}}}) {
    const auto actual = run(given, true), expected = run(given, false);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_TRUE(torch::allclose(actual[i], expected[i], 1e-12, 1e-12))
          << i << " of " << to_string(given.input) << " kernel " << given.kernel << " stride " << given.stride;
    }
  }
}

TEST(Depthwise, IsForTrainingInDouble) {
  const Tensor x = torch::ones({2, 6, 4, 4}, torch::kDouble);
  ConvolutionOptions options{.in = 6, .out = 6, .kernel = 3, .groups = 6};
  if (!depthwise_wanted(x, options)) GTEST_SKIP() << "a processor without these kernels";
  EXPECT_FALSE(depthwise_wanted(x.to(torch::kFloat), options));
  {
    const PlainExecution guard;
    EXPECT_FALSE(depthwise_wanted(x, options));
  }
  for (const std::int64_t groups : {1, 3}) {
    options.groups = groups;
    EXPECT_FALSE(depthwise_wanted(x, options)) << groups;
  }
  // Traced for export a network in evaluation must be LibTorch's operations alone.
  ConvolutionBlock block({.in = 6, .out = 6, .kernel = 3, .groups = 6});
  block.to(torch::kDouble);
  EXPECT_EQ(block.forward(x).grad_fn()->name(), "DepthwiseBackward");
  block.eval();
  EXPECT_NE(block.forward(x).grad_fn()->name(), "DepthwiseBackward");
}

}  // namespace
}  // namespace netwright
