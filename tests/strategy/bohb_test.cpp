// What BOHB's model must compute, beyond the contract of every strategy.
#include "netwright/strategy/bohb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "netwright/base/error.h"
#include "netwright/bench/synthetic.h"
#include "netwright/strategy/kernel_density.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

// Two rows of a number and an option of three: deviations 0.2 and 0.5, so bandwidths 1.06·σ·2^(−1/6).
TEST(KernelDensity, BandwidthsFollowTheNormalReferenceRule) {
  const KernelDensity density({{0.3, 0}, {0.7, 1}}, {0, 3}, 1e-3);
  const double shrink = 1.06 * std::pow(2.0, -1 / 6.0);
  EXPECT_NEAR(density.bandwidths()[0], 0.2 * shrink, 1e-15);
  EXPECT_NEAR(density.bandwidths()[1], 0.5 * shrink, 1e-15);
  const KernelDensity same({{0.3, 2}, {0.3, 2}}, {0, 3}, 1e-3);
  EXPECT_THAT(same.bandwidths(), testing::ElementsAre(1e-3, 1e-3));
  // An option far from the others, 0 and 9 of ten, would have 4.5·…: no more than 1 − 1/10.
  const KernelDensity far({{0.0}, {9.0}}, {10}, 1e-3);
  EXPECT_THAT(far.bandwidths(), testing::ElementsAre(0.9));
}

// The mean of products: a normal's density times 1 − h for the observed option, h/(3 − 1) for another.
TEST(KernelDensity, IsTheMeanOfProductKernels) {
  const KernelDensity density({{0.3, 0}, {0.7, 1}}, {0, 3}, 1e-3);
  const double h = density.bandwidths()[0], c = density.bandwidths()[1];
  const auto normal = [h](double z) {
    return std::exp(-0.5 * z * z / (h * h)) / (h * std::sqrt(2 * std::numbers::pi));
  };
  EXPECT_NEAR(density.density({0.4, 0}), 0.5 * (normal(0.1) * (1 - c) + normal(0.3) * c / 2), 1e-14);
  EXPECT_NEAR(density.density({0.4, 2}), 0.5 * (normal(0.1) * c / 2 + normal(0.3) * c / 2), 1e-14);
}

TEST(KernelDensity, SamplesAroundItsRows) {
  const KernelDensity density({{0.02, 1}, {0.02, 1}}, {0, 4}, 0.1);
  Random random(1);
  int kept = 0;
  double sum = 0;
  const int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    const auto drawn = density.sample(random, 3);
    ASSERT_GE(drawn[0], 0);
    ASSERT_LE(drawn[0], 1);
    kept += drawn[1] == 1;
    sum += drawn[0] / draws;
  }
  EXPECT_NEAR(kept / static_cast<double>(draws), 0.9 + 0.1 / 4, 0.01);  // any option includes its own
  // The mean of a normal of deviation 0.3 about 0.02, truncated to [0, 1]: 0.02 + 0.3·(φ(a) − φ(b))/(Φ(b) − Φ(a)) with
  // a = −0.02/0.3, b = 0.98/0.3.
  EXPECT_NEAR(sum, 0.2461, 0.005);
}

class Bohb : public testing::Test {
 protected:
  std::unique_ptr<Strategy> make(const std::string& options) {
    const Yaml yaml = parse_yaml(options, "test");
    return make_strategy({space_, objectives_, yaml});
  }

  void tell(Strategy& strategy, const std::string& operation, double accuracy, double fidelity,
            TrialState state = TrialState::complete) {
    Trial trial;
    trial.id = ++trials_;
    trial.state = state;
    trial.target_fidelity = fidelity;
    for (int i = 0; i < 6; ++i) trial.configuration.set("edge" + std::to_string(i), operation);
    if (state != TrialState::failed) trial.measurements = {{fidelity, 1, {{"accuracy", accuracy}}}};
    strategy.tell(trial);
  }

  // The share of an operation among the edges of many proposals.
  double share(Strategy& strategy, const std::string& operation) {
    int found = 0;
    Random random(5);
    for (int i = 0; i < 500; ++i) {
      const Configuration proposal = *strategy.ask(random);
      for (const auto& [name, value] : proposal.values()) found += value == Value(operation);
    }
    return found / 3000.0;
  }

  SearchSpace space_ = edges_space();
  std::vector<Objective> objectives_ = {Objective{}};
  std::int64_t trials_ = 0;
};

// Six choices: 7 good trials and 7 others are the fewest.
TEST_F(Bohb, BeginsWhenBothDensitiesHaveMoreTrialsThanChoices) {
  const auto strategy = make("{name: bohb, random_share: 0}");
  for (int i = 0; i < 7; ++i) tell(*strategy, "nor_conv_3x3", 0.9, 9);
  for (int i = 0; i < 6; ++i) tell(*strategy, "none", 0.1, 9);
  EXPECT_NEAR(share(*strategy, "nor_conv_3x3"), 0.2, 0.03);
  tell(*strategy, "none", 0.1, 9);
  EXPECT_GT(share(*strategy, "nor_conv_3x3"), 0.95);
}

TEST_F(Bohb, OneInThreeProposalsIsRandom) {
  const auto strategy = make("name: bohb");
  for (int i = 0; i < 7; ++i) tell(*strategy, "nor_conv_3x3", 0.9, 9);
  for (int i = 0; i < 7; ++i) tell(*strategy, "none", 0.1, 9);
  EXPECT_NEAR(share(*strategy, "nor_conv_3x3"), 2 / 3.0 + 0.2 / 3, 0.05);
}

// What trials paused at low rungs said no longer counts once the full fidelity has trials enough.
TEST_F(Bohb, LargestFidelityWithEnoughTrialsDecides) {
  const auto strategy = make("{name: bohb, random_share: 0}");
  for (int i = 0; i < 10; ++i) tell(*strategy, "skip_connect", 0.9, 1, TrialState::paused);
  for (int i = 0; i < 10; ++i) tell(*strategy, "nor_conv_3x3", 0.1, 1, TrialState::paused);
  EXPECT_GT(share(*strategy, "skip_connect"), 0.95);
  for (int i = 0; i < 7; ++i) tell(*strategy, "skip_connect", 0.2, 9);
  for (int i = 0; i < 6; ++i) tell(*strategy, "nor_conv_3x3", 0.8, 9);
  EXPECT_GT(share(*strategy, "skip_connect"), 0.95);
  tell(*strategy, "nor_conv_3x3", 0.8, 9);
  EXPECT_GT(share(*strategy, "nor_conv_3x3"), 0.95);
}

// Of 100 trials max(7, 15) are good. The 15 best: 8 of one operation and 7 of another.
TEST_F(Bohb, FifteenInAHundredAreGood) {
  const auto strategy = make("{name: bohb, random_share: 0, samples: 1}");
  for (int i = 0; i < 8; ++i) tell(*strategy, "nor_conv_3x3", 0.9, 9);
  for (int i = 0; i < 7; ++i) tell(*strategy, "nor_conv_1x1", 0.8, 9);
  for (int i = 0; i < 85; ++i) tell(*strategy, "none", 0.1, 9);
  const double expected = share(*strategy, "nor_conv_1x1");
  // Codes 3 and 2 of five options: deviation √(8·7)/15; an edge keeps its row's operation with 1 − h + h/5.
  const double h = 1.06 * std::sqrt(56.0) / 15 * std::pow(15.0, -0.1);
  EXPECT_NEAR(expected, 7 / 15.0 * (1 - h) + h / 5, 0.05);
}

// What a proposal costs must not grow with the trials: of 2,000 trials as many as `points` stand for each kind, and
// they say the same.
TEST_F(Bohb, ThousandsOfTrialsAreThinnedOutEvenly) {
  const auto shares = [&](const std::string& options) {
    const Yaml yaml = parse_yaml(options, "test");
    const auto strategy = make_strategy({space_, {Objective{}}, yaml});
    Random random(5);
    for (int i = 0; i < 2000; ++i) {
      Trial trial;
      trial.id = i + 1;
      trial.state = TrialState::complete;
      trial.configuration = space_.sample(random);
      const bool good = *trial.configuration.find("edge0") == Value(std::string("nor_conv_3x3"));
      trial.measurements = {{1, 1, {{"accuracy", (good ? 0.5 : 0.0) + 0.5 * random.uniform()}}}};
      strategy->tell(trial);
    }
    double share = 0;
    for (int i = 0; i < 300; ++i) {
      share += *strategy->ask(random)->find("edge0") == Value(std::string("nor_conv_3x3")) ? 1.0 / 300 : 0;
    }
    return share;
  };
  const double whole = shares("{name: bohb, points: 1000000}"), thinned = shares("{name: bohb, points: 100}");
  EXPECT_GT(whole, 0.6);
  EXPECT_NEAR(thinned, whole, 0.1);
}

TEST_F(Bohb, FailuresAreWorseThanEveryScore) {
  const auto strategy = make("{name: bohb, random_share: 0}");
  for (int i = 0; i < 7; ++i) tell(*strategy, "none", 1.0, 9, TrialState::failed);
  EXPECT_NEAR(share(*strategy, "none"), 0.2, 0.03);
  for (int i = 0; i < 7; ++i) tell(*strategy, "nor_conv_3x3", -100, 9);
  EXPECT_GT(share(*strategy, "nor_conv_3x3"), 0.95);
}

// Conditional and numerical choices: proposals stay valid and better than random ones.
TEST_F(Bohb, FindsBetterConfigurationsThanRandomSearch) {
  space_ = mixed_space();
  const auto mean_of_last = [&](const std::string& options) {
    double sum = 0;
    for (std::uint64_t run = 0; run < 10; ++run) {
      const auto strategy = make(options);
      Random random(run);
      for (int i = 0; i < 150; ++i) {
        Trial trial;
        trial.id = i + 1;
        trial.state = TrialState::complete;
        trial.configuration = *strategy->ask(random);
        space_.validate(trial.configuration);
        const double rate = std::log10(std::get<double>(*trial.configuration.find("rate")));
        const auto depth = static_cast<double>(std::get<std::int64_t>(*trial.configuration.find("depth")));
        const double accuracy = depth - std::abs(rate + 2);
        trial.measurements = {{1, 1, {{"accuracy", accuracy}}}};
        if (i >= 100) sum += accuracy / 500;
        strategy->tell(trial);
      }
    }
    return sum;
  };
  EXPECT_GT(mean_of_last("{name: bohb, random_share: 0}"), mean_of_last("name: random") + 0.7);
}

TEST_F(Bohb, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(make("{name: bohb, random_share: 1.5}"), Error);
  EXPECT_THROW(make("{name: bohb, samples: 0}"), Error);
  objectives_.push_back(Objective{});
  EXPECT_THROW(make("name: bohb"), Error);
}

}  // namespace
}  // namespace netwright
