// What regularised evolution must compute, beyond the contract of every strategy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "netwright/base/error.h"
#include "netwright/bench/synthetic.h"
#include "netwright/strategy/strategy.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

Objective objective(const std::string& metric, bool maximize, std::optional<double> constraint = std::nullopt) {
  Objective result;
  result.metric = metric;
  result.maximize = maximize;
  result.constraint = constraint;
  return result;
}

Configuration edges(const std::string& operation) {
  Configuration configuration;
  for (int i = 0; i < 6; ++i) configuration.set("edge" + std::to_string(i), operation);
  return configuration;
}

// Choices that two configurations do not agree on.
int differences(const Configuration& a, const Configuration& b) {
  int count = 0;
  for (const auto& [name, value] : a.values()) {
    const Value* other = b.find(name);
    count += other == nullptr || *other != value;
  }
  return count;
}

class Evolution : public testing::Test {
 protected:
  std::unique_ptr<Strategy> make(const std::string& options) {
    const Yaml yaml = parse_yaml(options, "test");
    return make_strategy({space_, objectives_, yaml});
  }

  Trial trial(const Configuration& configuration, std::map<std::string, double> metrics,
              TrialState state = TrialState::complete) {
    Trial result;
    result.id = ++trials_;
    result.state = state;
    result.configuration = configuration;
    result.measurements = {{1, 1, std::move(metrics)}};
    return result;
  }

  // Which of the told configurations are parents of many children, by the operation that they consist of.
  std::set<std::string> parents(Strategy& strategy) {
    std::set<std::string> found;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      Random random(seed);
      const Configuration child = *strategy.ask(random);
      for (const char* operation : {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"}) {
        if (differences(child, edges(operation)) == 1) found.insert(operation);
      }
    }
    return found;
  }

  SearchSpace space_ = edges_space();
  std::vector<Objective> objectives_ = {objective("accuracy", true)};
  std::int64_t trials_ = 0;
};

TEST_F(Evolution, ChildDiffersFromAMemberInExactlyOneChoice) {
  const auto strategy = make("{name: evolution, population: 1}");
  Random random(1);
  Configuration parent = *strategy->ask(random);
  for (int i = 0; i < 200; ++i) {
    strategy->tell(trial(parent, {{"accuracy", 0.5}}));
    const Configuration child = *strategy->ask(random);
    EXPECT_EQ(differences(parent, child), 1);
    parent = child;
  }
}

TEST_F(Evolution, OldestLeavesThoughItIsTheBest) {
  const auto strategy = make("{name: evolution, population: 2, tournament: 2}");
  strategy->tell(trial(edges("none"), {{"accuracy", 0.9}}));
  strategy->tell(trial(edges("skip_connect"), {{"accuracy", 0.1}}));
  EXPECT_TRUE(parents(*strategy).contains("none"));
  strategy->tell(trial(edges("nor_conv_3x3"), {{"accuracy", 0.2}}));
  EXPECT_THAT(parents(*strategy), testing::UnorderedElementsAre("skip_connect", "nor_conv_3x3"));
}

// With replacement, the best of P is missed by S draws with probability (1 − 1/P)^S.
TEST_F(Evolution, TournamentDrawsWithReplacement) {
  const auto strategy = make("{name: evolution, population: 4, tournament: 3}");
  const std::vector<std::string> operations = {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"};
  for (std::size_t i = 0; i < 4; ++i) {
    strategy->tell(trial(edges(operations[i]), {{"accuracy", 0.1 * static_cast<double>(i)}}));
  }
  int best = 0;
  const int asked = 4000;
  Random random(2);
  for (int i = 0; i < asked; ++i) best += differences(*strategy->ask(random), edges("nor_conv_3x3")) == 1;
  EXPECT_NEAR(best / static_cast<double>(asked), 1 - std::pow(0.75, 3), 0.03);
}

TEST_F(Evolution, OnlyCompleteTrialsWithEveryMetricBecomeParents) {
  const auto strategy = make("{name: evolution, population: 2, tournament: 2}");
  strategy->tell(trial(edges("none"), {{"accuracy", 1.0}}, TrialState::failed));
  strategy->tell(trial(edges("skip_connect"), {{"accuracy", 1.0}}, TrialState::pruned));
  strategy->tell(trial(edges("avg_pool_3x3"), {{"loss", 0.0}}));
  strategy->tell(trial(edges("avg_pool_3x3"), {{"accuracy", std::nan("")}}));
  EXPECT_THAT(parents(*strategy), testing::SizeIs(testing::Le(1)));  // still at random
  strategy->tell(trial(edges("nor_conv_1x1"), {{"accuracy", 0.1}}));
  strategy->tell(trial(edges("nor_conv_3x3"), {{"accuracy", 0.1}}));
  EXPECT_THAT(parents(*strategy), testing::UnorderedElementsAre("nor_conv_1x1", "nor_conv_3x3"));
}

TEST_F(Evolution, SmallerIsBetterWhereMinimized) {
  objectives_ = {objective("loss", false)};
  const auto strategy = make("{name: evolution, population: 2, tournament: 2}");
  strategy->tell(trial(edges("none"), {{"loss", 0.1}}));
  strategy->tell(trial(edges("skip_connect"), {{"loss", 0.9}}));
  int better = 0;
  Random random(3);
  for (int i = 0; i < 1000; ++i) better += differences(*strategy->ask(random), edges("none")) == 1;
  EXPECT_NEAR(better / 1000.0, 0.75, 0.05);
}

TEST_F(Evolution, FeasibleMembersWin) {
  objectives_ = {objective("accuracy", true), objective("parameters", false, 100.0)};
  const auto strategy = make("{name: evolution, population: 3, tournament: 3}");
  strategy->tell(trial(edges("none"), {{"accuracy", 0.9}, {"parameters", 500}}));
  strategy->tell(trial(edges("skip_connect"), {{"accuracy", 0.9}, {"parameters", 200}}));
  strategy->tell(trial(edges("nor_conv_3x3"), {{"accuracy", 0.1}, {"parameters", 100}}));
  std::map<std::string, int> children;
  Random random(4);
  for (int i = 0; i < 3000; ++i) {
    const Configuration child = *strategy->ask(random);
    for (const char* operation : {"none", "skip_connect", "nor_conv_3x3"}) {
      children[operation] += differences(child, edges(operation)) == 1;
    }
  }
  EXPECT_NEAR(children["nor_conv_3x3"] / 3000.0, 19 / 27.0, 0.04);
  EXPECT_NEAR(children["skip_connect"] / 3000.0, 7 / 27.0, 0.04);  // breaks the constraint less
  EXPECT_NEAR(children["none"] / 3000.0, 1 / 27.0, 0.02);
}

// Front: none, skip_connect, nor_conv_1x1, of which the one in the middle is crowded; nor_conv_3x3 is dominated.
TEST_F(Evolution, ParetoRankThenCrowdingDecide) {
  objectives_ = {objective("accuracy", true), objective("parameters", false)};
  const auto strategy = make("{name: evolution, population: 4, tournament: 2}");
  strategy->tell(trial(edges("none"), {{"accuracy", 0.9}, {"parameters", 900}}));
  strategy->tell(trial(edges("skip_connect"), {{"accuracy", 0.5}, {"parameters", 500}}));
  strategy->tell(trial(edges("nor_conv_1x1"), {{"accuracy", 0.1}, {"parameters", 100}}));
  strategy->tell(trial(edges("nor_conv_3x3"), {{"accuracy", 0.1}, {"parameters", 900}}));
  std::map<std::string, int> children;
  Random random(5);
  for (int i = 0; i < 4000; ++i) {
    const Configuration child = *strategy->ask(random);
    for (const char* operation : {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"}) {
      children[operation] += differences(child, edges(operation)) == 1;
    }
  }
  EXPECT_NEAR(children["nor_conv_3x3"] / 4000.0, 1 / 16.0, 0.02);
  EXPECT_NEAR(children["skip_connect"] / 4000.0, 3 / 16.0, 0.03);
  EXPECT_NEAR(children["none"] / 4000.0, 6 / 16.0, 0.03);
  EXPECT_NEAR(children["nor_conv_1x1"] / 4000.0, 6 / 16.0, 0.03);
}

TEST_F(Evolution, FindsBetterNetworksThanRandomSearch) {
  const auto mean_best = [&](const std::string& options) {
    double sum = 0;
    for (std::uint64_t run = 0; run < 20; ++run) {
      const auto strategy = make(options);
      Random random(run);
      double best = 0;
      for (int i = 0; i < 300; ++i) {
        Trial evaluated = trial(*strategy->ask(random), {});
        evaluated.measurements = {synthetic_measurement(evaluated.configuration, 10, {.seed = run})};
        best = std::max(best, evaluated.measurements[0].metrics.at("accuracy"));
        strategy->tell(evaluated);
      }
      sum += best / 20;
    }
    return sum;
  };
  EXPECT_GT(mean_best("name: evolution"), mean_best("name: random") + 0.02);
}

TEST_F(Evolution, SpaceOfOneConfigurationIsProposedAgain) {
  space_ = point_space();
  const auto strategy = make("{name: evolution, population: 1}");
  Random random(1);
  const Configuration only = *strategy->ask(random);
  strategy->tell(trial(only, {{"accuracy", 0.5}}));
  EXPECT_EQ(*strategy->ask(random), only);
}

TEST_F(Evolution, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(make("{name: evolution, population: 0}"), Error);
  EXPECT_THROW(make("{name: evolution, population: 5, tournament: 6}"), Error);
  EXPECT_THROW(make("{name: evolution, tournament: 0}"), Error);
  EXPECT_NO_THROW(make("{name: evolution, population: 3}"));  // the usual tournament shrinks with it
}

}  // namespace
}  // namespace netwright
