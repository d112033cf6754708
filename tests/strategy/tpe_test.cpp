// What TPE must compute, beyond the contract of every strategy and the densities of parzen_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "netwright/base/error.h"
#include "netwright/bench/synthetic.h"
#include "netwright/strategy/strategy.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

constexpr int asked = 2000;

class Tpe : public testing::Test {
 protected:
  std::unique_ptr<Strategy> make(const std::string& options, const SearchSpace& space) {
    const Yaml yaml = parse_yaml(options, "test");
    return make_strategy({space, objectives_, yaml});
  }

  // A space of one choice, x, and what depends on it.
  static SearchSpace line(const std::string& choices) {
    return SearchSpace::parse(parse_yaml("name: line\nchoices: {" + choices + "}\n", "line.yaml"), Yaml(), std::nullopt,
                              std::nullopt);
  }

  Trial trial(const Configuration& configuration, double accuracy, TrialState state = TrialState::complete,
              double fidelity = 1) {
    Trial result;
    result.id = ++trials_;
    result.state = state;
    result.configuration = configuration;
    result.measurements = {{fidelity, 1, {{"accuracy", accuracy}}}};
    return result;
  }

  static Configuration x(Value value) { return Configuration({{"x", std::move(value)}}); }

  // Shares of the options of x among the next proposals, each made by a strategy of its own with the same history.
  std::map<std::string, double> shares(const std::function<std::unique_ptr<Strategy>()>& make_one) {
    std::map<std::string, double> found;
    for (int i = 0; i < asked; ++i) {
      Random random(derive_seed(3, "shares", static_cast<std::uint64_t>(i)));
      found[std::get<std::string>(*make_one()->ask(random)->find("x"))] += 1.0 / asked;
    }
    return found;
  }

  std::vector<Objective> objectives_ = {Objective{}};
  std::int64_t trials_ = 0;
};

// 64 trials of which ⌈0.25·√64⌉ = 2 are good, both b: one candidate follows the good ones' density, (1, 3, 1, 1)/6.
TEST_F(Tpe, GoodTrialsAreTheBestFew) {
  const SearchSpace space = line("x: [a, b, c, d]");
  const auto shares_after = [&](int count, int pending) {
    return shares([&, count, pending] {
      auto strategy = make("{name: tpe, candidates: 1}", space);
      for (int i = 0; i < count; ++i) {
        const char* option = i < 2 ? "b" : i == 2 ? "c" : "d";
        strategy->tell(trial(x(option), 0.9 - 0.01 * i));
      }
      Random random(1);
      for (int i = 0; i < pending; ++i) strategy->ask(random);
      return strategy;
    });
  };
  const auto two = shares_after(64, 0);
  EXPECT_NEAR(two.at("a"), 1 / 6.0, 0.025);
  EXPECT_NEAR(two.at("b"), 3 / 6.0, 0.03);
  EXPECT_NEAR(two.at("c"), 1 / 6.0, 0.025);
  // A running trial counts as one more: ⌈0.25·√65⌉ = 3, and the third best, c, becomes good.
  const auto three = shares_after(64, 1);
  EXPECT_NEAR(three.at("b"), 3 / 7.0, 0.03);
  EXPECT_NEAR(three.at("c"), 2 / 7.0, 0.03);
  EXPECT_NEAR(three.at("d"), 1 / 7.0, 0.025);
}

// Good: b b of (1, 3, 1, 1)/6; the others are all d, so b, then a and c have the best ratios. The best of 24 draws is
// not b only if none of them is.
TEST_F(Tpe, BestRatioOfTheCandidatesWins) {
  const SearchSpace space = line("x: [a, b, c, d]");
  for (const int candidates : {2, 24}) {
    const auto found = shares([&] {
      auto strategy = make("{name: tpe, candidates: " + std::to_string(candidates) + "}", space);
      for (int i = 0; i < 64; ++i) strategy->tell(trial(x(i < 2 ? "b" : "d"), 0.9 - 0.01 * i));
      return strategy;
    });
    EXPECT_NEAR(found.at("b"), 1 - std::pow(0.5, candidates), 0.03);
    // d only if every draw is d.
    EXPECT_NEAR(found.contains("d") ? found.at("d") : 0, std::pow(1 / 6.0, candidates), 0.01);
  }
}

TEST_F(Tpe, FailedTrialsAreNeverGood) {
  const SearchSpace space = line("x: [a, b, c, d]");
  const auto found = shares([&] {
    auto strategy = make("{name: tpe, candidates: 1}", space);
    for (int i = 0; i < 63; ++i) strategy->tell(trial(x("a"), 1.0, TrialState::failed));
    strategy->tell(trial(x("b"), 0.1));
    return strategy;
  });
  EXPECT_NEAR(found.at("a"), 1 / 5.0, 0.025);  // one good trial, b, though two would be
  EXPECT_NEAR(found.at("b"), 2 / 5.0, 0.03);
}

// Complete trials come before those that ended early, however good these looked; then more fidelity wins.
TEST_F(Tpe, PrunedAndPausedTrialsRankByFidelity) {
  const SearchSpace space = line("x: [a, b, c, d]");
  const auto good_of = [&](bool with_complete) {
    return shares([&, with_complete] {
      auto strategy = make("{name: tpe, candidates: 1}", space);
      for (int i = 0; i < 12; ++i) strategy->tell(trial(x("a"), 0.99, TrialState::pruned, 1));
      Trial paused = trial(x("c"), 0.9, TrialState::paused, 1);
      strategy->tell(paused);
      paused.measurements.push_back({9, 1, {{"accuracy", 0.5}}});
      strategy->tell(paused);  // at its second rung: no new trial, and no longer at the first
      strategy->tell(trial(x("c"), 0.4, TrialState::pruned, 9));
      for (int i = 0; i < 20; ++i) strategy->tell(trial(x("d"), 0.99, TrialState::failed));
      for (int i = 0; with_complete && i < 2; ++i) strategy->tell(trial(x("b"), 0.1));
      return strategy;
    });
  };
  EXPECT_NEAR(good_of(false).at("c"), 3 / 6.0, 0.03);  // 34 trials: two good ones
  EXPECT_NEAR(good_of(true).at("b"), 3 / 6.0, 0.03);
}

// A paused trial that completes is one trial: 64 in all, two of them good, and its earlier rung is forgotten.
TEST_F(Tpe, ResumedTrialCountsOnce) {
  const SearchSpace space = line("x: [a, b, c, d]");
  const auto found = shares([&] {
    auto strategy = make("{name: tpe, candidates: 1}", space);
    Trial resumed = trial(x("b"), 0.99, TrialState::paused);
    strategy->tell(resumed);
    for (int i = 0; i < 63; ++i) strategy->tell(trial(x(i < 2 ? "c" : "d"), 0.9 - 0.01 * i));
    resumed.state = TrialState::complete;
    resumed.measurements.push_back({2, 1, {{"accuracy", 0.05}}});
    strategy->tell(resumed);
    return strategy;
  });
  EXPECT_NEAR(found.at("c"), 3 / 6.0, 0.03);
  EXPECT_NEAR(found.at("b"), 1 / 6.0, 0.025);
}

TEST_F(Tpe, ConditionalChoicesLearnFromTheTrialsThatHaveThem) {
  const SearchSpace space = line("y: [some, none], x: {choice: [a, b, c, d], when: {y: some}}");
  const auto strategy_with_history = [&] {
    auto strategy = make("{name: tpe, candidates: 1}", space);
    for (int i = 0; i < 64; ++i) {
      Configuration configuration({{"y", std::string(i % 2 == 0 ? "some" : "none")}});
      if (i % 2 == 0) configuration.set("x", std::string(i == 0 ? "b" : "d"));
      strategy->tell(trial(configuration, 0.9 - 0.01 * i));
    }
    return strategy;
  };
  std::map<std::string, double> found;
  double active = 0;
  for (int i = 0; i < asked; ++i) {
    Random random(derive_seed(4, "conditional", static_cast<std::uint64_t>(i)));
    const Configuration proposal = *strategy_with_history()->ask(random);
    const bool has_x = std::get<std::string>(*proposal.find("y")) == "some";
    ASSERT_EQ(proposal.find("x") != nullptr, has_x);
    if (!has_x) continue;
    ++active;
    ++found[std::get<std::string>(*proposal.find("x"))];
  }
  EXPECT_NEAR(active / asked, 0.5, 0.03);              // good: one of each
  EXPECT_NEAR(found.at("b") / active, 2 / 5.0, 0.04);  // of the two good trials one has x
  EXPECT_NEAR(found.at("a") / active, 1 / 5.0, 0.03);
}

TEST_F(Tpe, BeginsAtRandom) {
  const SearchSpace space = mixed_space();
  const auto strategy = make("{name: tpe, startup: 7}", space);
  for (std::uint64_t i = 0; i < 7; ++i) {
    Random one(i), other(i);
    const Configuration proposal = *strategy->ask(one);
    EXPECT_EQ(proposal, space.sample(other));
    strategy->tell(trial(proposal, 0.5));
  }
  int same = 0;
  for (std::uint64_t i = 7; i < 27; ++i) {
    Random one(i), other(i);
    same += *strategy->ask(one) == space.sample(other);
  }
  EXPECT_EQ(same, 0);
}

// Every kind of number is drawn towards where the good values are, within its bounds and on its grid.
TEST_F(Tpe, NumbersMoveTowardsGoodValues) {
  struct Case {
    const char* choice;
    double best;
    double (*place)(double);
  };
  const auto plain = [](double value) { return value; };
  const auto logarithm = [](double value) { return std::log(value); };
  for (const Case& each :
       {Case{"x: {real: [-4, 4]}", 2, plain}, Case{"x: {real: [0.0001, 1], log: true}", 0.003, logarithm},
        Case{"x: {integer: [8, 96], step: 8}", 32, plain}, Case{"x: {integer: [1, 1000], log: true}", 20, logarithm}}) {
    const SearchSpace space = line(each.choice);
    const auto number = [](const Value& value) {
      const auto* integer = std::get_if<std::int64_t>(&value);
      return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
    };
    double distances[2] = {0, 0};
    for (const bool random_search : {false, true}) {
      const auto strategy = make(random_search ? "name: random" : "name: tpe", space);
      Random random(6);
      for (int i = 0; i < 200; ++i) {
        const Configuration proposal = *strategy->ask(random);
        space.validate(proposal);
        const double distance = std::abs(each.place(number(*proposal.find("x"))) - each.place(each.best));
        if (i >= 100) distances[random_search ? 1 : 0] += distance;
        strategy->tell(trial(proposal, -distance));
      }
    }
    EXPECT_LT(distances[0], 0.7 * distances[1]) << each.choice;
  }
}

TEST_F(Tpe, ChoicesOfOneValueAreLeftAlone) {
  const SearchSpace space = line("x: {real: [2, 2]}, y: {integer: [3, 3]}, z: [only], w: {integer: [3, 4], step: 5}");
  const auto strategy = make("{name: tpe, startup: 1}", space);
  Random random(1);
  for (int i = 0; i < 30; ++i) {
    const Configuration proposal = *strategy->ask(random);
    space.validate(proposal);
    strategy->tell(trial(proposal, 0.5));
  }
}

TEST_F(Tpe, FindsBetterNetworksThanRandomSearch) {
  const SearchSpace space = edges_space();
  const auto mean_best = [&](const std::string& options) {
    double sum = 0;
    for (std::uint64_t run = 0; run < 20; ++run) {
      const auto strategy = make(options, space);
      Random random(run);
      double best = 0;
      for (int i = 0; i < 300; ++i) {
        Trial evaluated = trial(*strategy->ask(random), 0);
        evaluated.measurements = {synthetic_measurement(evaluated.configuration, 10, {.seed = run})};
        best = std::max(best, evaluated.measurements[0].metrics.at("accuracy"));
        strategy->tell(evaluated);
      }
      sum += best / 20;
    }
    return sum;
  };
  EXPECT_GT(mean_best("name: tpe"), mean_best("name: random") + 0.02);
}

TEST_F(Tpe, ImpossibleOptionsAreErrors) {
  const SearchSpace space = point_space();
  EXPECT_THROW(make("{name: tpe, startup: 0}", space), Error);
  EXPECT_THROW(make("{name: tpe, gamma: 0}", space), Error);
  EXPECT_THROW(make("{name: tpe, candidates: 0}", space), Error);
  objectives_.push_back(Objective{});
  EXPECT_THROW(make("name: tpe", space), Error);
}

}  // namespace
}  // namespace netwright
