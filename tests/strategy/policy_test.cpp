// The sequential policy and the arithmetic of REINFORCE and PPO.
#include "netwright/strategy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "netwright/base/error.h"
#include "netwright/bench/synthetic.h"
#include "netwright/strategy/policy_search.h"
#include "netwright/strategy/ppo.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

// A policy that has learned something: every parameter away from where it started.
Policy shaken(const SearchSpace& space, std::uint64_t seed) {
  Policy policy(space, {.hidden = 5, .bins = 4});
  Random random(seed);
  for (double& parameter : policy.parameters()) parameter += 0.5 * random.normal();
  return policy;
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// What add_gradient differentiates.
double target(const Policy& policy, const Actions& actions, const std::vector<double>& weights, double entropy) {
  const auto logs = policy.log_probabilities(actions);
  double value = 0;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    if (actions[i] == inactive) continue;
    value += weights[i] * logs[i];
    for (const double p : policy.probabilities(actions, i)) value -= entropy * p * std::log(p);
  }
  return value;
}

TEST(Policy, GradientAgreesWithFiniteDifferences) {
  for (const SearchSpace& space : {mixed_space(), edges_space()}) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      Policy policy = shaken(space, seed);
      Random random(seed);
      const Actions actions = policy.propose(random).actions;
      std::vector<double> weights(actions.size());
      for (double& weight : weights) weight = random.normal();
      std::vector<double> gradient(policy.parameters().size(), 0);
      policy.add_gradient(actions, weights, 0.3, gradient);
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        constexpr double step = 1e-5;
        const double present = policy.parameters()[i];
        policy.parameters()[i] = present + step;
        const double above = target(policy, actions, weights, 0.3);
        policy.parameters()[i] = present - step;
        const double below = target(policy, actions, weights, 0.3);
        policy.parameters()[i] = present;
        ASSERT_NEAR(gradient[i], (above - below) / (2 * step), 1e-7) << "parameter " << i;
      }
    }
  }
}

TEST(Policy, InactiveChoicesGetNoGradient) {
  const SearchSpace space = mixed_space();
  const Policy policy = shaken(space, 1);
  Random random(1);
  int masked = 0;
  for (int round = 0; round < 50; ++round) {
    const auto proposal = policy.propose(random);
    std::vector<double> gradient(policy.parameters().size(), 0);
    policy.add_gradient(proposal.actions, std::vector<double>(proposal.actions.size(), 1.0), 0.5, gradient);
    for (std::size_t i = 0; i < proposal.actions.size(); ++i) {
      const auto [first, count] = policy.output_parameters(i);
      double moved = 0;
      for (std::size_t k = first; k < first + count; ++k) moved += std::abs(gradient[k]);
      const bool active = proposal.configuration.find(space.choices()[i].name) != nullptr;
      EXPECT_EQ(proposal.actions[i] != inactive, active);
      EXPECT_EQ(moved > 0, active) << space.choices()[i].name;
      if (!active) {
        EXPECT_EQ(proposal.log_probabilities[i], 0);
      }
      masked += !active;
    }
  }
  EXPECT_GT(masked, 0);
}

TEST(Policy, LaterChoicesDependOnEarlierOnes) {
  const Policy policy = shaken(edges_space(), 2);
  const Actions one = {0, 1, 2, 3, 4, 0};
  Actions other = one;
  other[2] = 4;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto before = policy.probabilities(one, i), after = policy.probabilities(other, i);
    EXPECT_NEAR(sum(before), 1, 1e-12);
    double difference = 0;
    for (std::size_t k = 0; k < before.size(); ++k) difference += std::abs(before[k] - after[k]);
    EXPECT_EQ(difference > 1e-6, i > 2) << i;
  }
}

TEST(Policy, UntrainedItProposesAsRandomSampling) {
  const SearchSpace space = mixed_space();
  const Policy policy(space, {.hidden = 8, .bins = 10});
  Random random(3);
  double plain = 0, small = 0, deep = 0;
  constexpr int draws = 6000;
  for (int i = 0; i < draws; ++i) {
    const Configuration drawn = policy.propose(random).configuration;
    space.validate(drawn);
    plain += *drawn.find("norm") == Value(false);
    small += std::get<double>(*drawn.find("rate")) < 0.01;  // the lowest third of the logarithm
    deep += *drawn.find("depth") == Value(std::int64_t{3});
  }
  EXPECT_NEAR(plain / draws, 1 / 2.0, 0.03);
  EXPECT_NEAR(small / draws, 1 / 3.0, 0.03);
  EXPECT_NEAR(deep / draws, 1 / 3.0, 0.03);
}

TEST(Policy, ActionsOfAProposalAreThoseThatItDrew) {
  for (const SearchSpace& space : {mixed_space(), edges_space(), point_space()}) {
    const Policy policy = shaken(space, 4);
    Random random(4);
    for (int i = 0; i < 100; ++i) {
      const auto proposal = policy.propose(random);
      EXPECT_EQ(policy.actions_of(proposal.configuration), proposal.actions);
      EXPECT_EQ(policy.log_probabilities(proposal.actions), proposal.log_probabilities);
    }
  }
}

Choice choice(const std::string& text) {
  return parse_choice("x", parse_yaml(text, "test"));
}

TEST(ChoiceBins, EveryValueHasOneActionThatDrawsIt) {
  for (const char* text : {"{integer: [3, 9], step: 2}", "{integer: [1, 1000]}", "{integer: [1, 1000], log: true}",
                           "{integer: [1, 9], log: true}", "{real: [-1, 1]}", "{real: [0.001, 10], log: true}",
                           "{real: [2, 2]}", "[a, b, c]"}) {
    const Choice open = choice(text);
    const ChoiceBins bins(open, 10);
    EXPECT_NEAR(sum(bins.shares()), 1, 1e-12) << text;
    if (!std::holds_alternative<Categorical>(open.domain)) {
      EXPECT_LE(bins.size(), 10) << text;
    }
    Random random(5);
    for (int action = 0; action < bins.size(); ++action) {
      for (int i = 0; i < 50; ++i) {
        const Value drawn = bins.draw(action, random);
        ASSERT_TRUE(contains(open, drawn)) << text;
        EXPECT_EQ(bins.action_of(drawn), action) << text << " " << to_string(drawn);
      }
    }
    std::vector<double> drawn(static_cast<std::size_t>(bins.size()), 0);
    for (int i = 0; i < 4000; ++i) drawn[static_cast<std::size_t>(bins.action_of(sample(open, random)))] += 1 / 4000.0;
    for (std::size_t i = 0; i < drawn.size(); ++i) EXPECT_NEAR(drawn[i], bins.shares()[i], 0.03) << text;
  }
}

TEST(RewardScale, AverageIsCorrectedForItsStartAndTakenInFirst) {
  RewardScale scale(0.9);
  EXPECT_EQ(scale.advantage(0.7), 0);  // exactly: the loss of the first step is 0
  EXPECT_EQ(scale.deviation(), 0);
  double plain = 0.1 * 0.7, power = 0.9;
  for (const double reward : {0.2, 0.9, 0.5, 0.5}) {
    plain = 0.9 * plain + 0.1 * reward;
    power *= 0.9;
    EXPECT_NEAR(scale.advantage(reward), reward - plain / (1 - power), 1e-12);
    EXPECT_NEAR(scale.average(), plain / (1 - power), 1e-12);
    EXPECT_GT(scale.deviation(), 0);
  }
}

// Each rung has an average of its own, whose first reward is worth nothing; complete trials have another.
TEST(PolicySearch, TrialsAreComparedWithThoseThatCameAsFar) {
  struct Recorder : PolicySearch {
    using PolicySearch::PolicySearch;
    void learn(Episode episode) override { learned.push_back(episode); }
    std::vector<Episode> learned;
  };
  const SearchSpace space = edges_space();
  Recorder strategy(space, Objective{}, {.policy = {}, .normalize = false});
  Random random(1);
  std::vector<Trial> trials(2);
  for (std::int64_t id : {1, 2}) {
    Trial& trial = trials[static_cast<std::size_t>(id - 1)];
    trial.id = id;
    trial.configuration = *strategy.ask(random);
    trial.state = TrialState::paused;
  }
  const auto tell = [&](int number, double fidelity, double accuracy, TrialState state) {
    Trial& trial = trials[static_cast<std::size_t>(number)];
    trial.state = state;
    trial.measurements.push_back({fidelity, 1, {{"accuracy", accuracy}}});
    strategy.tell(trial);
    return strategy.learned.back().advantage;
  };
  EXPECT_EQ(tell(0, 1, 0.5, TrialState::paused), 0);
  EXPECT_NEAR(tell(1, 1, 0.7, TrialState::paused), 0.2 * (1 - 0.1 / 0.19), 1e-12);
  EXPECT_EQ(tell(1, 3, 0.9, TrialState::paused), 0);
  EXPECT_LT(tell(0, 3, 0.8, TrialState::paused), 0);
  EXPECT_EQ(tell(1, 9, 0.1, TrialState::complete), 0);
  EXPECT_GT(tell(0, 27, 0.2, TrialState::complete), 0);  // of another fidelity, but whole too
  EXPECT_EQ(strategy.learned.size(), 6u);
  EXPECT_EQ(strategy.learned[0].actions, strategy.learned[5].actions);
  EXPECT_EQ(strategy.learned[0].log_probabilities, strategy.learned[5].log_probabilities);
}

TEST(PpoWeight, IsTheDerivativeOfTheClippedObjective) {
  const auto objective = [](double log_ratio, double advantage) {
    const double ratio = std::exp(log_ratio);
    return std::min(ratio * advantage, std::clamp(ratio, 0.8, 1.2) * advantage);
  };
  for (const double advantage : {1.5, -0.7}) {
    for (const double ratio : {0.5, 0.79, 0.81, 1.0, 1.19, 1.21, 2.0}) {
      const double at = std::log(ratio), step = 1e-6;
      const double slope = (objective(at + step, advantage) - objective(at - step, advantage)) / (2 * step);
      EXPECT_NEAR(ppo_weight(ratio, advantage, 0.2), slope, 1e-6) << ratio << " " << advantage;
    }
  }
  EXPECT_EQ(ppo_weight(1.3, 1, 0.2), 0);
  EXPECT_EQ(ppo_weight(0.7, -1, 0.2), 0);
  EXPECT_EQ(ppo_weight(0.7, 1, 0.2), 0.7);
}

class PolicyStrategies : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Strategy> make(const std::string& options) {
    const Yaml yaml = parse_yaml("{name: " + std::string(GetParam()) + options + "}", "test");
    return make_strategy({space_, {Objective{}}, yaml});
  }
  Trial trial(const Configuration& configuration, double accuracy, TrialState state = TrialState::complete) {
    Trial result;
    result.id = ++trials_;
    result.state = state;
    result.configuration = configuration;
    result.measurements = {{1, 1, {{"accuracy", accuracy}}}};
    return result;
  }
  // How often edge0 is a 3×3 convolution.
  double convolutions(Strategy& strategy) {
    double count = 0;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
      Random random(seed);
      count += *strategy.ask(random)->find("edge0") == Value(std::string("nor_conv_3x3"));
    }
    return count / 500;
  }
  SearchSpace space_ = edges_space();
  std::int64_t trials_ = 0;
};

TEST_P(PolicyStrategies, FirstRewardChangesNothing) {
  const auto told = make(", batch: 1"), untold = make(", batch: 1");
  Random one(1), two(1);
  told->tell(trial(*told->ask(one), 0.7));
  untold->ask(two);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(told->ask(one), untold->ask(two));
}

TEST_P(PolicyStrategies, LearnsWhatIsRewardedWhateverItsUnit) {
  for (const double unit : {1.0, 1e-4, 1e4}) {
    const auto strategy = make(", learning_rate: 0.05, remember: false");
    EXPECT_LT(convolutions(*strategy), 0.3);
    Random random(2);
    for (int i = 0; i < 200; ++i) {
      const Configuration proposal = *strategy->ask(random);
      const bool good = *proposal.find("edge0") == Value(std::string("nor_conv_3x3"));
      strategy->tell(trial(proposal, good ? unit : 0));
    }
    EXPECT_GT(convolutions(*strategy), 0.8);
  }
}

TEST_P(PolicyStrategies, FailuresAreAvoided) {
  const auto strategy = make(", learning_rate: 0.05, remember: false");
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    const Configuration proposal = *strategy->ask(random);
    const bool fails = *proposal.find("edge0") == Value(std::string("nor_conv_3x3"));
    strategy->tell(trial(proposal, 0.5 + 0.01 * (i % 3), fails ? TrialState::failed : TrialState::complete));
  }
  EXPECT_LT(convolutions(*strategy), 0.1);
}

TEST_P(PolicyStrategies, RememberedProposalsGiveWayToNewOnes) {
  const auto repeats = [&](const std::string& options) {
    const auto strategy = make(options);
    std::vector<std::string> texts;
    Random random(4);
    for (int i = 0; i < 150; ++i) {
      const Configuration proposal = *strategy->ask(random);
      texts.push_back(proposal.canonical_text());
      strategy->tell(trial(proposal, synthetic_measurement(proposal, 10).metrics.at("accuracy")));
    }
    std::sort(texts.begin(), texts.end());
    return texts.end() - std::unique(texts.begin(), texts.end());
  };
  EXPECT_LT(repeats(", learning_rate: 0.05"), repeats(", learning_rate: 0.05, remember: false"));
}

TEST_P(PolicyStrategies, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(make(", batch: 0"), Error);
  EXPECT_THROW(make(", hidden: 0"), Error);
  EXPECT_THROW(make(", bins: 1"), Error);
  EXPECT_THROW(make(", baseline: 1"), Error);
  EXPECT_THROW(make(", entropy: -1"), Error);
}

INSTANTIATE_TEST_SUITE_P(Policies, PolicyStrategies, testing::Values("reinforce", "ppo"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace netwright
