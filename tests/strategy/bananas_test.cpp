// What predictor-guided search must do, beyond the contract of every strategy.
#include "netwright/strategy/bananas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "netwright/base/error.h"
#include "netwright/bench/synthetic.h"
#include "netwright/space/canonical.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

class Bananas : public testing::Test {
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

TEST_F(Bananas, FindsBetterNetworksThanRandomSearch) {
  const double random = mean_best("name: random");
  for (const std::string acquisition : {"its", "ucb", "ei", "mean"}) {
    EXPECT_GT(mean_best("{name: bananas, acquisition: " + acquisition + "}"), random + 0.02) << acquisition;
  }
}

TEST_F(Bananas, NeverProposesAnEqualNetworkTwice) {
  const auto strategy = make("{name: bananas, startup: 5}");
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

TEST_F(Bananas, AllTrialsMayFail) {
  const auto strategy = make("{name: bananas, startup: 2}");
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

TEST_F(Bananas, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(make("{name: bananas, acquisition: thompson}"), Error);
  EXPECT_THROW(make("{name: bananas, members: 1}"), Error);
  EXPECT_THROW(make("{name: bananas, columns: 0}"), Error);
  EXPECT_THROW(make("{name: bananas, rate: 2}"), Error);
  EXPECT_NO_THROW(make("{name: bananas, depth: 1, refit: 20}"));
}

// Targets are a step and a product of the first columns; the others are noise.
class Trees : public testing::Test {
 protected:
  void draw(int rows, std::uint64_t seed) {
    Random random(seed);
    points_.resize(rows, 6);
    for (double& one : points_.reshaped()) one = random.uniform();
    targets_.resize(rows);
    for (int i = 0; i < rows; ++i) {
      targets_[i] = (points_(i, 0) > 0.6 ? 1.0 : -1.0) + (points_(i, 1) > 0.5 && points_(i, 2) > 0.5 ? 1.0 : 0.0);
    }
  }

  Eigen::MatrixXd points_;
  Eigen::VectorXd targets_;
};

TEST_F(Trees, PredictPointsThatTheyHaveNotSeen) {
  draw(300, 1);
  BoostedTrees trees({});
  Random random(2);
  trees.fit(points_, targets_, random);
  draw(200, 3);
  const Eigen::VectorXd said = trees.predict(points_).rowwise().mean();
  const double left = (said - targets_).squaredNorm();
  EXPECT_LT(left, 0.15 * (targets_.array() - targets_.mean()).matrix().squaredNorm());
}

TEST_F(Trees, FindTheOneColumnThatMatters) {
  draw(40, 1);
  for (double& one : points_.col(3)) one = one < 0.5 ? 0 : 1;
  targets_ = points_.col(3) * 2;
  BoostedTrees trees({.members = 8});
  Random random(2);
  trees.fit(points_, targets_, random);
  const Eigen::MatrixXd said = trees.predict(points_);
  for (int i = 0; i < 40; ++i) EXPECT_NEAR(said.row(i).mean(), targets_[i], 0.1) << i;
}

TEST_F(Trees, EqualPointsGetTheMean) {
  Random random(1);
  BoostedTrees trees({});
  trees.fit(Eigen::MatrixXd::Ones(5, 2), Eigen::VectorXd::Constant(5, 0.75), random);
  const Eigen::MatrixXd said = trees.predict(Eigen::MatrixXd::Zero(3, 4));
  ASSERT_EQ(said.rows(), 3);
  ASSERT_EQ(said.cols(), 5);
  EXPECT_TRUE(said.isApproxToConstant(0.75));
}

TEST_F(Trees, ForgetWhatTheyLearnedBefore) {
  draw(60, 1);
  BoostedTrees fresh({}), used({});
  Random random(7), other(7), first(3);
  used.fit(points_, -targets_, first);
  used.fit(points_, targets_, random);
  fresh.fit(points_, targets_, other);
  EXPECT_EQ(used.predict(points_), fresh.predict(points_));
}

}  // namespace
}  // namespace netwright
