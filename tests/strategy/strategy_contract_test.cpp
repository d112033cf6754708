// The contract of strategy.h, run over every row of the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/bench/synthetic.h"
#include "netwright/strategy/strategy.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

using testing::HasSubstr;

constexpr int population = 6;  // small, so that evolution leaves its random start

class StrategyContract : public testing::TestWithParam<StrategyRow> {
 protected:
  StrategyContract() {
    options_.set("name", parse_yaml(GetParam().name, "test"));
    if (GetParam().name == "evolution") options_.set("population", parse_yaml(std::to_string(population), "test"));
  }

  std::unique_ptr<Strategy> make(const SearchSpace& space) { return make_strategy({space, objectives_, options_}); }

  // The stream that the study hands in for a trial.
  static Random stream(std::int64_t trial) {
    return Random(derive_seed(11, "strategy", static_cast<std::uint64_t>(trial)));
  }

  static Trial evaluate(std::int64_t id, const Configuration& configuration) {
    Trial trial;
    trial.id = id;
    trial.configuration = configuration;
    trial.state = id % 7 == 3 ? TrialState::failed : id % 11 == 5 ? TrialState::pruned : TrialState::complete;
    if (trial.state != TrialState::failed) trial.measurements = {synthetic_measurement(configuration, 10)};
    return trial;
  }

  // A search with several trials pending at a time that finish out of order; what was asked and told, in order.
  struct Step {
    std::int64_t asked = 0;  // a trial's id, or 0: told
    Trial trial;
  };
  std::vector<Step> search(Strategy& strategy, const std::vector<Step>& history, int steps) {
    std::vector<Step> done = history;
    std::vector<Trial> pending;
    std::int64_t next = 1;
    for (const auto& step : history) {  // as a study replays what was stored
      if (step.asked == 0) {
        strategy.tell(step.trial);
        std::erase_if(pending, [&](const Trial& trial) { return trial.id == step.trial.id; });
      } else {
        Random random = stream(step.asked);
        const auto proposed = strategy.ask(random);
        EXPECT_TRUE(proposed && *proposed == step.trial.configuration) << "trial " << step.asked;
        pending.push_back(evaluate(step.asked, step.trial.configuration));
        next = step.asked + 1;
      }
    }
    while (static_cast<int>(done.size()) < steps) {
      if (pending.size() < 4) {
        Random random = stream(next);
        const auto proposed = strategy.ask(random);
        if (!proposed) return done;
        pending.push_back(evaluate(next, *proposed));
        done.push_back({next++, pending.back()});
      } else {
        const auto which = static_cast<std::size_t>(next * 7 % 4);
        strategy.tell(pending[which]);
        done.push_back({0, pending[which]});
        pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(which));
      }
    }
    return done;
  }

  static std::vector<std::string> texts(const std::vector<Step>& steps) {
    std::vector<std::string> all;
    for (const auto& step : steps) {
      all.push_back((step.asked > 0 ? "ask " : "tell ") + std::to_string(step.trial.id) + ": " +
                    step.trial.configuration.canonical_text());
    }
    return all;
  }

  std::vector<Objective> objectives_ = {Objective{}};
  Yaml options_;
};

TEST_P(StrategyContract, ProposesValidConfigurationsOnly) {
  for (const SearchSpace& space : {mixed_space(), edges_space(), point_space()}) {
    const auto strategy = make(space);
    for (const auto& step : search(*strategy, {}, 200)) {
      EXPECT_NO_THROW(space.validate(step.trial.configuration)) << step.trial.configuration.canonical_text();
    }
  }
}

TEST_P(StrategyContract, RepeatsItselfWithTheSameSeed) {
  const SearchSpace space = mixed_space();
  EXPECT_EQ(texts(search(*make(space), {}, 150)), texts(search(*make(space), {}, 150)));
}

// A fresh strategy that is told what was stored goes on as the uninterrupted one would have.
TEST_P(StrategyContract, ReplayProposesTheSame) {
  const SearchSpace space = mixed_space();
  const auto whole = search(*make(space), {}, 120);
  for (const std::size_t kept : {1u, 9u, 40u, 77u}) {
    const std::vector<Step> stored(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept));
    EXPECT_EQ(texts(search(*make(space), stored, static_cast<int>(kept))), texts(stored));
    const auto strategy = make(space);
    search(*strategy, stored, static_cast<int>(kept));
    for (std::size_t i = kept; i < whole.size(); ++i) {  // the rest, in the order of the uninterrupted search
      if (whole[i].asked == 0) {
        strategy->tell(whole[i].trial);
        continue;
      }
      Random random = stream(whole[i].asked);
      EXPECT_EQ(strategy->ask(random), whole[i].trial.configuration);
    }
  }
}

// Every trial pauses at a first rung, one in three goes on to a second, and of these one in three completes.
TEST_P(StrategyContract, RepeatsItselfUnderAScheduleWithRungs) {
  const SearchSpace space = mixed_space();
  const auto search_with_rungs = [&] {
    std::vector<std::string> proposed;
    const auto strategy = make(space);
    std::vector<Trial> trials;
    for (std::int64_t id = 1; id <= 60; ++id) {
      Random random = stream(id);
      const auto configuration = strategy->ask(random);
      if (!configuration) break;
      proposed.push_back(configuration->canonical_text());
      Trial trial = evaluate(id, *configuration);
      if (trial.state != TrialState::failed) {
        trial.state = TrialState::paused;
        trial.measurements = {synthetic_measurement(*configuration, 1)};
      }
      trials.push_back(trial);
      strategy->tell(trial);
      for (const std::int64_t every : {3, 9}) {
        if (id % every != 0) continue;
        Trial& resumed = trials[static_cast<std::size_t>(id - every)];
        if (resumed.state != TrialState::paused) continue;
        resumed.state = every == 9 ? TrialState::complete : TrialState::paused;
        resumed.measurements.push_back(
            synthetic_measurement(resumed.configuration, resumed.measurements.back().fidelity * 3));
        strategy->tell(resumed);
      }
    }
    return proposed;
  };
  EXPECT_EQ(search_with_rungs(), search_with_rungs());
}

// Under Hyperband few trials are ever complete; what the others measured is to be learned from as well.
TEST_P(StrategyContract, LearnsFromTrialsThatPauseAtARung) {
  const std::string& name = GetParam().name;
  if (name == "random" || name == "grid") GTEST_SKIP() << "learns nothing";
  const SearchSpace space = edges_space();
  const auto strategy = make(space);
  const int count = name == "bayesian" || name == "bananas" ? 40 : 360;  // these explore once they have found the best
  double late = 0;
  for (int id = 1; id <= count; ++id) {
    Random random = stream(id);
    Trial trial;
    trial.id = id;
    trial.configuration = *strategy->ask(random);
    double good = 0;
    for (const auto& [choice, value] : trial.configuration.values()) {
      good += value == Value(std::string("nor_conv_3x3")) ? 1.0 / 6 : 0;
    }
    if (id > count / 2) late += good / (count - count / 2);
    trial.state = TrialState::paused;
    trial.measurements = {{1, 1, {{"accuracy", good}}}};
    strategy->tell(trial);
  }
  EXPECT_GT(late, 0.3);  // of random ones 0.2
}

TEST_P(StrategyContract, MayBeAskedManyTimesBeforeItIsTold) {
  const SearchSpace space = mixed_space();
  const auto strategy = make(space);
  for (int id = 1; id <= 50; ++id) {
    Random random = stream(id);
    EXPECT_TRUE(strategy->ask(random));
  }
}

// Or is refused in words that name those that know several.
TEST_P(StrategyContract, WorksWithSeveralObjectivesOrRefusesThem) {
  Objective cost;
  cost.metric = "parameters";
  cost.maximize = false;
  objectives_.push_back(cost);
  const SearchSpace space = edges_space();
  std::unique_ptr<Strategy> strategy;
  try {
    strategy = make(space);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("nsga2"));
    return;
  }
  for (const auto& step : search(*strategy, {}, 150)) {
    EXPECT_NO_THROW(space.validate(step.trial.configuration));
  }
}

TEST_P(StrategyContract, UnknownOptionIsAnErrorAtItsPlace) {
  options_ = parse_yaml("name: " + GetParam().name + "\npopulatoin: 5\n", "experiment.yaml");
  const SearchSpace space = point_space();
  try {
    make(space);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("experiment.yaml:2"));
    EXPECT_THAT(error.what(), HasSubstr("populatoin"));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, StrategyContract, testing::ValuesIn(strategies()),
                         [](const auto& info) { return info.param.name; });

TEST(Strategies, UnknownNameIsAnErrorWithTheNearest) {
  const SearchSpace space = point_space();
  const Yaml options = parse_yaml("name: evolutoin\n", "experiment.yaml");
  try {
    make_strategy({space, {Objective{}}, options});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("experiment.yaml:1:7"));
    EXPECT_THAT(error.what(), HasSubstr("'evolution'"));
  }
  const Yaml empty = parse_yaml("{}", "experiment.yaml");
  EXPECT_THROW(make_strategy({space, {Objective{}}, empty}), Error);
}

}  // namespace
}  // namespace netwright
