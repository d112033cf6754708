// What Bayesian optimisation must do, beyond the contract of every strategy.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "netwright/base/error.h"
#include "netwright/bench/synthetic.h"
#include "netwright/space/canonical.h"
#include "netwright/strategy/strategy.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

class Bayesian : public testing::Test {
 protected:
  std::unique_ptr<Strategy> make(const std::string& options) {
    const Yaml yaml = parse_yaml(options, "test");
    return make_strategy({space_, objectives_, yaml});
  }

  // Mean over runs of the best of 60 trials.
  double mean_best(const std::string& options) {
    double sum = 0;
    for (std::uint64_t run = 0; run < 6; ++run) {
      const auto strategy = make(options);
      Random random(run);
      double best = 0;
      for (int id = 1; id <= 60; ++id) {
        Trial trial;
        trial.id = id;
        trial.state = TrialState::complete;
        trial.configuration = *strategy->ask(random);
        trial.measurements = {synthetic_measurement(trial.configuration, 10, {.seed = run})};
        best = std::max(best, trial.measurements[0].metrics.at("accuracy"));
        strategy->tell(trial);
      }
      sum += best / 6;
    }
    return sum;
  }

  SearchSpace space_ = edges_space();
  std::vector<Objective> objectives_ = {Objective{}};
};

TEST_F(Bayesian, FindsBetterNetworksThanRandomSearch) {
  const double random = mean_best("name: random");
  EXPECT_GT(mean_best("name: bayesian"), random + 0.02);
  EXPECT_GT(mean_best("{name: bayesian, acquisition: thompson}"), random + 0.02);
}

TEST_F(Bayesian, NeverProposesAnEqualNetworkTwice) {
  const auto strategy = make("{name: bayesian, startup: 5}");
  Random random(1);
  std::set<std::string> networks;
  for (int id = 1; id <= 60; ++id) {
    Trial trial;
    trial.id = id;
    trial.state = TrialState::complete;
    trial.configuration = *strategy->ask(random);
    trial.measurements = {synthetic_measurement(trial.configuration, 10)};
    EXPECT_TRUE(networks.insert(canonical_hash(space_.fill(trial.configuration).network, space_.table())).second);
    if (id % 3 != 0) strategy->tell(trial);  // every third one stays pending
  }
}

TEST_F(Bayesian, AllTrialsMayFail) {
  const auto strategy = make("{name: bayesian, startup: 2}");
  Random random(1);
  for (int id = 1; id <= 20; ++id) {
    Trial trial;
    trial.id = id;
    trial.state = TrialState::failed;
    trial.configuration = *strategy->ask(random);
    strategy->tell(trial);
  }
  EXPECT_NO_THROW(space_.validate(*strategy->ask(random)));
}

TEST_F(Bayesian, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(make("{name: bayesian, acquisition: greedy}"), Error);
  EXPECT_THROW(make("{name: bayesian, startup: 1}"), Error);
  EXPECT_THROW(make("{name: bayesian, candidates: 0}"), Error);
  EXPECT_NO_THROW(make("{name: bayesian, cost_power: 1}"));
}

}  // namespace
}  // namespace netwright
