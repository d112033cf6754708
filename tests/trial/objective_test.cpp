#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "netwright/base/error.h"
#include "netwright/base/random.h"
#include "netwright/trial/objective.h"

namespace netwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Objective> parse(const std::string& text) {
  return parse_objectives(parse_yaml(text, "e.yaml"));
}

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    return error.what();
  }
  return "";
}

Trial trial(std::int64_t id, std::map<std::string, double> metrics) {
  Trial result;
  result.id = id;
  result.state = TrialState::complete;
  result.measurements = {{1, 1, std::move(metrics)}};
  return result;
}

std::vector<std::int64_t> ids(const std::vector<const Trial*>& trials) {
  std::vector<std::int64_t> all;
  for (const Trial* each : trials) all.push_back(each->id);
  return all;
}

const char* two = "[{metric: accuracy}, {metric: parameters, goal: minimize}]";

TEST(Objectives, DefaultIsTheBestAccuracy) {
  const auto objectives = parse_objectives(Yaml());
  ASSERT_EQ(objectives.size(), 1u);
  EXPECT_EQ(objectives[0].metric, "accuracy");
  EXPECT_TRUE(objectives[0].maximize);
}

TEST(Objectives, AreReadWithTheirGoals) {
  const auto objectives = parse(
      "- {metric: accuracy, target: 0.9}\n- {metric: macs, constraint: 1e6}\n- {metric: speed, goal: minimize}\n");
  ASSERT_EQ(objectives.size(), 3u);
  EXPECT_EQ(objectives[0].target, 0.9);
  EXPECT_FALSE(objectives[1].maximize);  // a cost
  EXPECT_EQ(objectives[1].constraint, 1e6);
  EXPECT_FALSE(objectives[2].maximize);
  EXPECT_EQ(parse("{metric: loss}").size(), 1u);
}

TEST(Objectives, MistakesAreErrorsAtTheirPlace) {
  EXPECT_THAT(error_of("- {metric: loss, gaol: minimize}"), HasSubstr("e.yaml:1:18"));
  EXPECT_THAT(error_of("- {metric: loss, gaol: minimize}"), HasSubstr("goal"));
  EXPECT_THAT(error_of("- {metric: loss, goal: small}"), HasSubstr("minimize"));
  EXPECT_THAT(error_of("- {metric: loss}\n- {metric: loss}"), HasSubstr("e.yaml:2"));
  EXPECT_THAT(error_of("- {metric: loss, target: low}"), HasSubstr("target"));
  EXPECT_NE(error_of("accuracy"), "");
  EXPECT_NE(error_of("[]"), "");
  EXPECT_NE(error_of("[{metric: ''}]"), "");
}

TEST(Objectives, ScoreIsSignedAndIgnoresNan) {
  const auto objectives = parse(two);
  EXPECT_EQ(score(trial(1, {{"accuracy", 0.5}}), objectives[0]), 0.5);
  EXPECT_EQ(score(trial(1, {{"parameters", 7}}), objectives[1]), -7);
  EXPECT_FALSE(score(trial(1, {{"accuracy", std::nan("")}}), objectives[0]));
  EXPECT_FALSE(score(trial(1, {}), objectives[0]));
}

TEST(Objectives, ConstraintsIncludeTheirBound) {
  const auto objectives = parse("[{metric: accuracy, constraint: 0.5}, {metric: macs, constraint: 100}]");
  EXPECT_TRUE(is_feasible(trial(1, {{"accuracy", 0.5}, {"macs", 100}}), objectives));
  EXPECT_FALSE(is_feasible(trial(1, {{"accuracy", 0.4}, {"macs", 100}}), objectives));
  EXPECT_FALSE(is_feasible(trial(1, {{"accuracy", 0.5}, {"macs", 101}}), objectives));
  EXPECT_FALSE(is_feasible(trial(1, {{"accuracy", 0.5}}), objectives));
}

TEST(Objectives, DominanceNeedsOneBetterAndNoneWorse) {
  const auto objectives = parse(two);
  const Trial good = trial(1, {{"accuracy", 0.9}, {"parameters", 10}});
  const Trial bad = trial(2, {{"accuracy", 0.8}, {"parameters", 10}});
  const Trial small = trial(3, {{"accuracy", 0.1}, {"parameters", 1}});
  EXPECT_TRUE(dominates(good, bad, objectives));
  EXPECT_FALSE(dominates(bad, good, objectives));
  EXPECT_FALSE(dominates(good, good, objectives));
  EXPECT_FALSE(dominates(good, small, objectives) || dominates(small, good, objectives));
}

TEST(Ranking, OneObjectiveBestFirstTiesToTheEarlier) {
  const std::vector<Trial> trials = {trial(4, {{"accuracy", 0.3}}), trial(1, {{"accuracy", 0.3}}),
                                     trial(2, {{"accuracy", 0.9}}), trial(3, {{"accuracy", 0.1}})};
  EXPECT_THAT(ids(ranking(trials, {Objective{}})), ElementsAre(2, 1, 4, 3));
}

TEST(Ranking, LeavesOutWhatDoesNotCount) {
  std::vector<Trial> trials(6, trial(1, {{"accuracy", 0.5}}));
  for (std::size_t i = 0; i < trials.size(); ++i) trials[i].id = static_cast<std::int64_t>(i) + 1;
  trials[1].state = TrialState::failed;
  trials[2].state = TrialState::pruned;
  trials[3].copied_from = 1;
  trials[4].purpose = TrialPurpose::retrain;
  trials[5].measurements.clear();
  EXPECT_THAT(ids(ranking(trials, {Objective{}})), ElementsAre(1));
  EXPECT_THAT(ids(pareto_front(trials, {Objective{}})), ElementsAre(1));
  EXPECT_THAT(ranking({}, {Objective{}}), IsEmpty());
}

TEST(Ranking, InfeasibleOnesComeLast) {
  const auto objectives = parse("[{metric: accuracy}, {metric: macs, constraint: 100}]");
  const std::vector<Trial> trials = {trial(1, {{"accuracy", 0.9}, {"macs", 101}}),
                                     trial(2, {{"accuracy", 0.1}, {"macs", 100}})};
  EXPECT_THAT(ids(ranking(trials, objectives)), ElementsAre(2, 1));
  EXPECT_THAT(ids(pareto_front(trials, objectives)), ElementsAre(2));
}

TEST(Ranking, SeveralObjectivesByParetoRank) {
  const std::vector<Trial> trials = {trial(1, {{"accuracy", 0.8}, {"parameters", 20}}),  // behind 3
                                     trial(2, {{"accuracy", 0.1}, {"parameters", 1}}),
                                     trial(3, {{"accuracy", 0.9}, {"parameters", 10}}),
                                     trial(4, {{"accuracy", 0.7}, {"parameters", 30}}),  // behind 1 and 3
                                     trial(5, {{"accuracy", 0.5}, {"parameters", 5}})};
  EXPECT_THAT(ids(ranking(trials, parse(two))), ElementsAre(3, 5, 2, 1, 4));
  EXPECT_THAT(ids(pareto_front(trials, parse(two))), ElementsAre(3, 5, 2));
}

// The front is exactly what a comparison of all pairs leaves.
TEST(ParetoFront, IsWhatNoOtherDominates) {
  const auto objectives = parse("[{metric: a}, {metric: b}, {metric: c}]");
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    std::vector<Trial> trials;
    for (int id = 1; id <= 60; ++id) {
      const auto draw = [&] { return static_cast<double>(random.below(8)); };
      trials.push_back(trial(id, {{"a", draw()}, {"b", draw()}, {"c", draw()}}));
    }
    std::vector<std::int64_t> expected;
    for (const auto& each : trials) {
      const bool beaten = std::any_of(trials.begin(), trials.end(),
                                      [&](const Trial& other) { return dominates(other, each, objectives); });
      if (!beaten) expected.push_back(each.id);
    }
    EXPECT_THAT(ids(pareto_front(trials, objectives)), testing::UnorderedElementsAreArray(expected));
    const auto order = ids(ranking(trials, objectives));
    ASSERT_EQ(order.size(), trials.size());
    EXPECT_THAT(std::vector<std::int64_t>(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(expected.size())),
                testing::UnorderedElementsAreArray(expected));
  }
}

}  // namespace
}  // namespace netwright
