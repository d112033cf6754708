// What local search must do, beyond the contract of every strategy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "netwright/base/error.h"
#include "netwright/bench/sequence.h"
#include "netwright/strategy/neighbourhood.h"
#include "netwright/strategy/strategy.h"
#include "netwright/strategy/unit_scale.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

int differences(const Configuration& a, const Configuration& b) {
  int count = 0;
  for (const auto& [name, value] : a.values()) {
    const Value* other = b.find(name);
    count += other == nullptr || *other != value;
  }
  return count;
}

class LocalSearch : public testing::Test {
 protected:
  std::unique_ptr<Strategy> make(const std::string& options) {
    const Yaml yaml = parse_yaml(options, "test");
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

  // Proposes and evaluates 0.4 for the first, so that it is where the climb starts.
  Configuration begin(Strategy& strategy) {
    Configuration start = *strategy.ask(random_);
    strategy.tell(trial(start, 0.4));
    return start;
  }

  SearchSpace space_ = edges_space();
  Random random_{3};
  std::int64_t trials_ = 0;
};

TEST_F(LocalSearch, ProposesEveryNeighbourOnceThenStartsAnew) {
  for (const char* move : {"first", "best"}) {
    const auto strategy = make(std::string("{name: local_search, starts: 1, move: ") + move + "}");
    const Configuration start = begin(*strategy);
    std::set<std::string> neighbours;
    for (int i = 0; i < 24; ++i) {
      const Configuration neighbour = *strategy->ask(random_);
      EXPECT_EQ(differences(start, neighbour), 1);
      neighbours.insert(neighbour.canonical_text());
      strategy->tell(trial(neighbour, 0.4));  // as good is not better
    }
    EXPECT_EQ(neighbours.size(), 24u);
    EXPECT_GT(differences(start, *strategy->ask(random_)), 1);
  }
}

TEST_F(LocalSearch, FirstBetterNeighbourIsTheNextCentre) {
  const auto strategy = make("{name: local_search, starts: 1}");
  begin(*strategy);
  const Configuration better = *strategy->ask(random_);
  strategy->tell(trial(better, 0.5));
  for (int i = 0; i < 15; ++i) {
    const Configuration neighbour = *strategy->ask(random_);
    EXPECT_EQ(differences(better, neighbour), 1);
    strategy->tell(trial(neighbour, 0.1));
  }
}

TEST_F(LocalSearch, BestNeighbourIsTheNextCentreOnceAllAreKnown) {
  const auto strategy = make("{name: local_search, starts: 1, move: best}");
  const Configuration start = begin(*strategy);
  Configuration best;
  for (int i = 0; i < 24; ++i) {
    const Configuration neighbour = *strategy->ask(random_);
    ASSERT_EQ(differences(start, neighbour), 1);
    if (i == 10) best = neighbour;
    strategy->tell(trial(neighbour, i == 10 ? 0.7 : i == 3 || i == 15 ? 0.6 : 0.1));
  }
  EXPECT_EQ(differences(best, *strategy->ask(random_)), 1);
}

// Four workers hold the last neighbours; a fifth must not wait, and what it finds starts the next climb.
TEST_F(LocalSearch, RunningNeighboursAreAwaitedWithRandomProposals) {
  const auto strategy = make("{name: local_search, starts: 1}");
  const Configuration start = begin(*strategy);
  std::vector<Configuration> running;
  for (int i = 0; i < 24; ++i) running.push_back(*strategy->ask(random_));
  const Configuration other = *strategy->ask(random_);
  EXPECT_GT(differences(start, other), 1);
  strategy->tell(trial(other, 0.3));
  for (const auto& neighbour : running) strategy->tell(trial(neighbour, 0.2));
  EXPECT_EQ(differences(other, *strategy->ask(random_)), 1);
}

TEST_F(LocalSearch, StartsAtTheBestOfSeveral) {
  const auto strategy = make("{name: local_search, starts: 5}");
  Configuration best;
  for (int i = 0; i < 5; ++i) {
    const Configuration start = *strategy->ask(random_);
    if (i == 2) best = start;
    strategy->tell(trial(start, i == 2 ? 0.9 : 0.5));
  }
  EXPECT_EQ(differences(best, *strategy->ask(random_)), 1);
}

TEST_F(LocalSearch, FailedAndPrunedTrialsAreNoPlaceToBe) {
  const auto strategy = make("{name: local_search, starts: 1}");
  const Configuration start = begin(*strategy);
  for (int i = 0; i < 6; ++i) {
    const Configuration neighbour = *strategy->ask(random_);
    EXPECT_EQ(differences(start, neighbour), 1);
    strategy->tell(trial(neighbour, 0.9, i % 2 == 0 ? TrialState::failed : TrialState::pruned));
  }
}

// At one epoch the neighbour is better, at three the start was; what one of them has had alone says nothing.
TEST_F(LocalSearch, PausedTrialsAreComparedAtTheLargestFidelityThatBothHad) {
  const auto at = [](Trial trial, std::vector<double> accuracies) {
    trial.state = TrialState::paused;
    trial.measurements.clear();
    double fidelity = 1;
    for (const double accuracy : accuracies) {
      trial.measurements.push_back({fidelity, 1, {{"accuracy", accuracy}}});
      fidelity *= 3;
    }
    return trial;
  };
  const auto strategy = make("{name: local_search, starts: 1}");
  const Configuration start = *strategy->ask(random_);
  strategy->tell(at(trial(start, 0), {0.5, 0.6}));
  Trial worse = trial(*strategy->ask(random_), 0);
  strategy->tell(at(worse, {0.55}));  // moves there: better after one epoch
  const Configuration neighbour = *strategy->ask(random_);
  EXPECT_EQ(differences(worse.configuration, neighbour), 1);
  strategy->tell(at(trial(neighbour, 0), {0.54, 0.75}));  // not better where both were measured
  const Configuration next = *strategy->ask(random_);
  EXPECT_EQ(differences(worse.configuration, next), 1);
  strategy->tell(at(worse, {0.55, 0.7}));
  strategy->tell(at(trial(next, 0), {0.5, 0.8}));  // better after three
  const Configuration last = *strategy->ask(random_);
  EXPECT_EQ(differences(next, last), 1);
}

TEST_F(LocalSearch, NothingIsProposedTwiceInASmallSpace) {
  space_ = space_.fixed(Configuration({{"edge0", std::string("none")},
                                       {"edge1", std::string("none")},
                                       {"edge2", std::string("none")},
                                       {"edge3", std::string("none")}}));
  const auto strategy = make("{name: local_search, starts: 2}");
  std::set<std::string> seen;
  for (int i = 0; i < 25; ++i) {
    const Configuration proposal = *strategy->ask(random_);
    seen.insert(proposal.canonical_text());
    strategy->tell(trial(proposal, 0.01 * static_cast<double>(i * 7 % 25)));
  }
  EXPECT_GE(seen.size(), 24u);
}

TEST_F(LocalSearch, NeighboursOfNumbersAreNearAndValid) {
  space_ = mixed_space();
  for (int round = 0; round < 50; ++round) {
    const Configuration centre = space_.sample(random_);
    for (const Step& step : neighbourhood(space_, centre, 8, random_)) {
      const Choice& choice = space_.choices()[step.choice];
      EXPECT_TRUE(contains(choice, step.value));
      EXPECT_NE(*centre.find(choice.name), step.value);
      const Configuration neighbour = stepped(space_, centre, step, random_);
      EXPECT_NO_THROW(space_.validate(neighbour));
      for (const auto& [name, value] : centre.values()) {
        const Value* now = neighbour.find(name);
        if (now != nullptr && name != choice.name) {
          EXPECT_EQ(*now, value);
        }
      }
    }
  }
}

TEST_F(LocalSearch, UnitScaleGoesThereAndBack) {
  space_ = mixed_space();
  for (int round = 0; round < 50; ++round) {
    const Configuration configuration = space_.sample(random_);
    for (const Choice& choice : space_.choices()) {
      const Value* value = configuration.find(choice.name);
      if (value == nullptr || !is_numeric(choice)) continue;
      const double unit = to_unit(choice, *value);
      EXPECT_GE(unit, 0);
      EXPECT_LE(unit, 1);
      EXPECT_NEAR(to_unit(choice, from_unit(choice, unit)), unit, 1e-12);
    }
  }
  const Choice& rate = *space_.find("rate");
  EXPECT_NEAR(std::get<double>(from_unit(rate, 1.0 / 3)), 0.01, 1e-12);  // logarithmic from 0.001 to 1
}

// The best of 10,000 random sequences, met after 300 samples or fewer on average.
TEST_F(LocalSearch, SequenceOfTwentyLettersInFewSamples) {
  double samples = 0;
  constexpr int runs = 10;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const SequenceProblem problem({.seed = run});
    Random base(run);
    double target = 0;
    std::vector<int> sequence(20);
    for (int i = 0; i < 10000; ++i) {
      for (int& letter : sequence) letter = static_cast<int>(base.below(7));
      target = std::max(target, problem.value(sequence));
    }
    const Yaml options = parse_yaml("name: local_search", "test");
    const auto strategy = make_strategy({problem.space(), {Objective{}}, options});
    double reached = 0;
    while (reached < target && samples < 300.0 * runs) {
      const Configuration proposal = *strategy->ask(random_);
      reached = problem.evaluate(proposal, 0, 1).metrics.at("accuracy");
      strategy->tell(trial(proposal, reached));
      ++samples;
    }
  }
  EXPECT_LT(samples / runs, 300);
}

TEST_F(LocalSearch, SeveralObjectivesAndImpossibleOptionsAreErrors) {
  EXPECT_THROW(make("{name: local_search, starts: 0}"), Error);
  EXPECT_THROW(make("{name: local_search, samples: 0}"), Error);
  EXPECT_THROW(make("{name: local_search, move: worst}"), Error);
  const Yaml yaml = parse_yaml("name: local_search", "test");
  EXPECT_THROW(make_strategy({space_, {Objective{}, Objective{}}, yaml}), Error);
}

}  // namespace
}  // namespace netwright
