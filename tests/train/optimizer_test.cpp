#include "netwright/train/optimizer.h"

#include <gtest/gtest.h>

#include <functional>

#include "netwright/base/error.h"

namespace netwright {
namespace {

// Parameters of several shapes and memory formats, and the same once more for torch's optimizer.
struct Pair {
  std::vector<torch::Tensor> ours, theirs;

  explicit Pair(torch::ScalarType type) {
    torch::manual_seed(3);
    const std::vector<torch::Tensor> values = {torch::randn({7, 3, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast),
                                               torch::randn({9, 1, 5, 5}), torch::randn({13, 17}), torch::randn({13})};
    for (const torch::Tensor& value : values) {
      ours.push_back(value.to(type).clone().requires_grad_());
      theirs.push_back(value.to(type).clone().requires_grad_());
    }
  }

  NamedTensors named() const {
    return {{"image", ours[0]}, {"depthwise", ours[1]}, {"matrix", ours[2]}, {"bias", ours[3]}};
  }

  // Equal gradients that depend on the values, some of them laid out otherwise than their parameter.
  void differentiate(int step) {
    for (auto* side : {&ours, &theirs}) {
      torch::manual_seed(100 + step);
      for (torch::Tensor& p : *side) {
        const torch::Tensor gradient = torch::randn(p.sizes(), p.options().requires_grad(false)) + 0.3 * p.detach();
        p.mutable_grad() = gradient.contiguous();
      }
    }
  }

  double largest_difference() const {
    double largest = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      largest = std::max(largest, (ours[i] - theirs[i]).abs().max().item<double>());
    }
    return largest;
  }
};

struct Case {
  std::string name;
  OptimizerOptions options;
  std::function<std::unique_ptr<torch::optim::Optimizer>(const std::vector<torch::Tensor>&)> theirs;
};

OptimizerOptions options_of(const std::string& name, double momentum, bool nesterov, double decay) {
  OptimizerOptions options;
  options.name = name;
  options.momentum = momentum;
  options.nesterov = nesterov;
  options.weight_decay = decay;
  options.beta1 = 0.8;
  options.beta2 = 0.95;
  return options;
}

std::vector<Case> cases() {
  using namespace torch::optim;
  return {
      {"plain", options_of("sgd", 0, false, 0),
       [](const auto& p) { return std::make_unique<SGD>(p, SGDOptions(0.1)); }},
      {"momentum", options_of("sgd", 0.9, false, 0.01),
       [](const auto& p) { return std::make_unique<SGD>(p, SGDOptions(0.1).momentum(0.9).weight_decay(0.01)); }},
      {"nesterov", options_of("sgd", 0.9, true, 0.01),
       [](const auto& p) {
         return std::make_unique<SGD>(p, SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01));
       }},
      {"adam", options_of("adam", 0, false, 0.02),
       [](const auto& p) {
         return std::make_unique<Adam>(p, AdamOptions(0.1).betas({0.8, 0.95}).weight_decay(0.02));
       }},
      {"adamw", options_of("adamw", 0, false, 0.02),
       [](const auto& p) {
         return std::make_unique<AdamW>(p, AdamWOptions(0.1).betas({0.8, 0.95}).weight_decay(0.02));
       }},
  };
}

double difference_after(const Case& test, torch::ScalarType type, int steps) {
  Pair pair(type);
  Optimizer ours(pair.named(), test.options);
  const auto theirs = test.theirs(pair.theirs);
  for (int step = 0; step < steps; ++step) {
    pair.differentiate(step);
    ours.step(0.1);
    theirs->step();
  }
  return pair.largest_difference();
}

TEST(Optimizer, AgreesWithTorchInFloat) {
  for (const Case& test : cases()) EXPECT_LT(difference_after(test, torch::kFloat, 20), 2e-6) << test.name;
}

TEST(Optimizer, AgreesWithTorchInDouble) {
  for (const Case& test : cases()) EXPECT_LT(difference_after(test, torch::kDouble, 20), 1e-13) << test.name;
}

TEST(Optimizer, LearningRateMayChangeEveryStep) {
  Pair pair(torch::kFloat);
  Optimizer ours(pair.named(), options_of("sgd", 0.9, true, 0.01));
  torch::optim::SGD theirs(pair.theirs, torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01));
  for (int step = 0; step < 10; ++step) {
    pair.differentiate(step);
    ours.step(0.1 / (1 + step));
    static_cast<torch::optim::SGDOptions&>(theirs.param_groups()[0].options()).lr(0.1 / (1 + step));
    theirs.step();
  }
  EXPECT_LT(pair.largest_difference(), 2e-6);
}

TEST(Optimizer, ClipsLikeTorch) {
  Pair pair(torch::kFloat);
  Optimizer ours(pair.named(), options_of("sgd", 0.9, false, 0.01));
  torch::optim::SGD theirs(pair.theirs, torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.01));
  for (int step = 0; step < 20; ++step) {
    pair.differentiate(step);
    const double expected = torch::nn::utils::clip_grad_norm_(pair.theirs, 5);
    EXPECT_NEAR(ours.gradient_norm(), expected, 1e-5 * expected);
    ours.step(0.1, clipping_scale(ours.gradient_norm(), 5));
    theirs.step();
  }
  EXPECT_LT(pair.largest_difference(), 2e-6);
  EXPECT_EQ(clipping_scale(3, 5), 1);
  EXPECT_EQ(clipping_scale(300, 0), 1);
}

TEST(Optimizer, LeavesNormsAndBiasesUndecayedWhenAsked) {
  Pair pair(torch::kFloat);
  OptimizerOptions options = options_of("sgd", 0, false, 0.5);
  options.decay_norm_and_bias = false;
  Optimizer ours(pair.named(), options);
  const torch::Tensor bias = pair.ours.back().detach().clone(), matrix = pair.ours[2].detach().clone();
  for (torch::Tensor& p : pair.ours) p.mutable_grad() = torch::zeros_like(p);
  ours.step(0.1);
  EXPECT_TRUE(torch::equal(pair.ours.back(), bias));
  EXPECT_TRUE(torch::allclose(pair.ours[2], matrix * 0.95));
}

TEST(Optimizer, ParameterWithoutGradientStaysAndKeepsItsOwnCount) {
  Pair pair(torch::kDouble);
  Optimizer ours(pair.named(), options_of("adam", 0, false, 0));
  torch::optim::Adam theirs(pair.theirs, torch::optim::AdamOptions(0.1).betas({0.8, 0.95}));
  for (int step = 0; step < 6; ++step) {
    pair.differentiate(step);
    if (step % 2 == 0) {
      pair.ours[1].mutable_grad().reset();
      pair.theirs[1].mutable_grad().reset();
    }
    ours.step(0.1);
    theirs.step();
  }
  EXPECT_LT(pair.largest_difference(), 1e-13);
}

TEST(Optimizer, ContinuesFromItsState) {
  for (const Case& test : cases()) {
    Pair pair(torch::kFloat), again(torch::kFloat);
    Optimizer straight(pair.named(), test.options);
    Optimizer first(again.named(), test.options);
    for (int step = 0; step < 4; ++step) {
      pair.differentiate(step);
      straight.step(0.1);
      again.differentiate(step);
      first.step(0.1);
    }
    Optimizer second(again.named(), test.options);
    second.restore(first.state(), "state");
    for (int step = 4; step < 8; ++step) {
      pair.differentiate(step);
      straight.step(0.1);
      again.differentiate(step);
      second.step(0.1);
    }
    for (std::size_t i = 0; i < pair.ours.size(); ++i) EXPECT_TRUE(torch::equal(pair.ours[i], again.ours[i])) << i;
  }
}

TEST(Optimizer, RefusesAnotherStateAndAnUnknownName) {
  Pair pair(torch::kFloat);
  Optimizer sgd(pair.named(), options_of("sgd", 0.9, true, 0));
  Optimizer adam(pair.named(), options_of("adam", 0.9, true, 0));
  pair.differentiate(0);
  sgd.step(0.1);
  EXPECT_THROW(adam.restore(sgd.state(), "state"), Error);
  EXPECT_THROW(adam.restore({}, "state"), Error);
  OptimizerOptions unknown;
  unknown.name = "sdg";
  EXPECT_THROW(Optimizer({}, unknown), Error);
}

}  // namespace
}  // namespace netwright
