#include "netwright/train/averaging.h"

#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/nn/units.h"

namespace netwright {
namespace {

// A linear layer and a batch norm.
struct Small : torch::nn::Module {
  Small() {
    linear = register_module("linear", std::make_shared<LinearUnit>(4, 3));
    norm = register_module("norm", std::make_shared<BatchNorm>(3, true));
    at::Generator generator = compat::cpu_generator(1);
    linear->initialize(generator);
    norm->initialize(generator);
  }
  torch::Tensor forward(const torch::Tensor& x) { return norm->forward(linear->forward(x)); }

  std::shared_ptr<LinearUnit> linear;
  std::shared_ptr<BatchNorm> norm;
};

void set_all(torch::nn::Module& module, double value) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : module_tensors(module)) tensor.detach().fill_(value);
}

TEST(WeightAverage, FollowsTheWeightsBySteps) {
  Small module;
  set_all(module, 1);
  WeightAverage average(module);
  set_all(module, 5);
  average.blend(0.25);
  EXPECT_TRUE(torch::allclose(*find_tensor(average.tensors(), "linear.weight"), torch::full({3, 4}, 2.0)));
  EXPECT_TRUE(torch::allclose(*find_tensor(average.tensors(), "norm.running_var"), torch::full({3}, 2.0)));
  EXPECT_EQ(average.updates(), 1);
  EXPECT_TRUE(torch::allclose(module.linear->weight, torch::full({3, 4}, 5.0)));
}

TEST(WeightAverage, SharesOfOneOverCountGiveThePlainMean) {
  Small module;
  WeightAverage average(module);
  for (const double value : {2.0, 4.0, 9.0}) {
    set_all(module, value);
    average.blend(1 / (1 + static_cast<double>(average.updates())));
  }
  EXPECT_TRUE(torch::allclose(*find_tensor(average.tensors(), "linear.bias"), torch::full({3}, 5.0)));
}

TEST(WeightAverage, ExchangingTwiceChangesNothing) {
  Small module;
  WeightAverage average(module);
  set_all(module, 0.1);
  average.blend(0.3);
  const torch::Tensor live = module.linear->weight.detach().clone();
  const torch::Tensor averaged = find_tensor(average.tensors(), "linear.weight")->clone();
  {
    const AveragedWeights weights(&average);
    EXPECT_TRUE(torch::equal(module.linear->weight, averaged));
  }
  EXPECT_TRUE(torch::equal(module.linear->weight, live));
  EXPECT_TRUE(torch::equal(*find_tensor(average.tensors(), "linear.weight"), averaged));
}

TEST(WeightAverage, RefusesTensorsOfAnother) {
  Small module;
  WeightAverage average(module);
  EXPECT_THROW(average.restore({{"linear.weight", torch::zeros({3, 4})}}, 1, "file"), Error);
}

TEST(Ema, DecayStartsLow) {
  EXPECT_DOUBLE_EQ(ema_share(0.999, 0), 0.9);
  EXPECT_DOUBLE_EQ(ema_share(0.999, 90), 0.09);
  EXPECT_NEAR(ema_share(0.999, 100'000), 0.001, 1e-12);
}

TEST(BatchNormStatistics, AreTheMeanOverBatches) {
  const auto shared = std::make_shared<Small>();
  Small& module = *shared;
  set_all(module, 0.5);
  torch::manual_seed(1);
  const std::vector<torch::Tensor> batches = {torch::randn({8, 4}), torch::randn({8, 4}) * 2 + 1, torch::randn({8, 4})};
  torch::Tensor mean = torch::zeros({3}), variance = torch::zeros({3});
  for (const torch::Tensor& batch : batches) {
    const torch::Tensor y = module.linear->forward(batch).detach();
    mean += y.mean(0) / 3;
    variance += y.var(0, /*unbiased=*/true) / 3;
  }
  const torch::Tensor weight = module.linear->weight.detach().clone();
  std::size_t next = 0;
  recompute_batch_norm(module, [&] {
    if (next == batches.size()) return false;
    module.forward(batches[next++]);
    return true;
  });
  EXPECT_TRUE(torch::allclose(module.norm->running_mean, mean, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(module.norm->running_var, variance, 1e-5, 1e-6));
  EXPECT_TRUE(torch::equal(module.linear->weight, weight));
  EXPECT_FALSE(module.is_training());
}

TEST(BatchNormStatistics, StayWithoutABatch) {
  const auto shared = std::make_shared<Small>();
  Small& module = *shared;
  set_all(module, 0.5);
  recompute_batch_norm(module, [] { return false; });
  EXPECT_TRUE(torch::equal(module.norm->running_mean, torch::full({3}, 0.5)));
}

}  // namespace
}  // namespace netwright
