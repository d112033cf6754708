#include "netwright/schedule/hyperband_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "netwright/base/error.h"
#include "schedule/driver.h"

namespace netwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Rungs = std::vector<RungPlan>;

std::vector<BracketPlan> plan(const std::string& text, double full = 81) {
  const Yaml options = parse_yaml(text, "test");
  MappingReader reader(options, "schedule");
  const auto plans = hyperband_plan(read_hyperband_options(reader, full));
  reader.finish();
  return plans;
}

TEST(HyperbandPlan, FloorIsTheTableOfThePaper) {
  const auto plans = plan("{}");
  ASSERT_EQ(plans.size(), 5u);
  EXPECT_EQ(plans[0].s, 4);
  EXPECT_EQ(plans[0].rungs, (Rungs{{81, 1}, {27, 3}, {9, 9}, {3, 27}, {1, 81}}));
  EXPECT_EQ(plans[1].rungs, (Rungs{{27, 3}, {9, 9}, {3, 27}, {1, 81}}));
  EXPECT_EQ(plans[2].rungs, (Rungs{{9, 9}, {3, 27}, {1, 81}}));
  EXPECT_EQ(plans[3].rungs, (Rungs{{6, 27}, {2, 81}}));
  EXPECT_EQ(plans[4].rungs, (Rungs{{5, 81}}));
}

TEST(HyperbandPlan, CeilIsThePseudocodeOfThePaper) {
  const auto plans = plan("rounding: ceil");
  ASSERT_EQ(plans.size(), 5u);
  EXPECT_EQ(plans[0].rungs, (Rungs{{81, 1}, {27, 3}, {9, 9}, {3, 27}, {1, 81}}));
  EXPECT_EQ(plans[1].rungs, (Rungs{{34, 3}, {11, 9}, {3, 27}, {1, 81}}));
  EXPECT_EQ(plans[2].rungs, (Rungs{{15, 9}, {5, 27}, {1, 81}}));
  EXPECT_EQ(plans[3].rungs, (Rungs{{8, 27}, {2, 81}}));
  EXPECT_EQ(plans[4].rungs, (Rungs{{5, 81}}));
}

TEST(HyperbandPlan, CountsBracketsByIntegerPowers) {
  EXPECT_EQ(plan("eta: 3", 243).front().s, 5);
  EXPECT_EQ(plan("eta: 3", 243).front().rungs.front(), (RungPlan{243, 1}));
  EXPECT_EQ(plan("eta: 10", 1000).front().s, 3);
  EXPECT_EQ(plan("eta: 10", 1000).front().rungs.front(), (RungPlan{1000, 1}));
  EXPECT_EQ(plan("eta: 3", 242).front().s, 4);
  EXPECT_EQ(plan("eta: 10", 999).front().s, 2);
  EXPECT_EQ(plan("{min_resource: 0.037037037037037, max_resource: 1}").front().s, 3);
}

TEST(HyperbandPlan, AdditionalResourceIsAddedUp) {
  const auto plans = plan("resource: additional");
  EXPECT_EQ(plans[0].rungs, (Rungs{{81, 1}, {27, 4}, {9, 13}, {3, 40}, {1, 121}}));
  EXPECT_EQ(plans[3].rungs, (Rungs{{6, 27}, {2, 108}}));
  EXPECT_EQ(plans[4].rungs, (Rungs{{5, 81}}));
}

TEST(HyperbandPlan, SkipsTheLastRungs) {
  const auto plans = plan("skip_last: 2");
  ASSERT_EQ(plans.size(), 3u);
  EXPECT_EQ(plans[0].rungs, (Rungs{{81, 1}, {27, 3}, {9, 9}}));
  EXPECT_EQ(plans[2].rungs, (Rungs{{9, 9}}));
}

TEST(HyperbandPlan, WholeEpochsStayWhole) {
  EXPECT_EQ(plan("{}", 100)[0].rungs, (Rungs{{81, 1}, {27, 4}, {9, 11}, {3, 33}, {1, 100}}));
  EXPECT_EQ(plan("{max_resource: 1, min_resource: 0.25, eta: 2}")[0].rungs, (Rungs{{4, 0.25}, {2, 0.5}, {1, 1}}));
}

TEST(HyperbandPlan, MistakesAreErrorsAtTheirPlace) {
  const auto error_of = [](const std::string& text, double full = 81) -> std::string {
    try {
      schedule_of(text, full);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(error_of("name: hyperband\neta: 1"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nskip_last: 5"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nmin_resource: 82"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nmin_resource: 0"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nmax_resource: 0"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nrounding: up"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nreduction: 3"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("name: hyperband\nmin_resource: 1.0e-8"), HasSubstr("million"));
  EXPECT_THAT(error_of("name: hyperband", 0), HasSubstr("max_resource"));
}

// How many trainings went to each fidelity in a run of consecutive decisions.
std::map<double, int> trainings(const Driven& driven, std::size_t begin, std::size_t count) {
  std::map<double, int> counts;
  for (std::size_t i = begin; i < begin + count; ++i) ++counts[driven.steps.at(i).to];
  return counts;
}

TEST(Hyperband, RunsTheBracketsInOrderAndAgain) {
  const auto schedule = schedule_of("name: hyperband", 81);
  const Driven driven = Driver(*schedule, {.decisions = 300}).run();
  const std::vector<std::size_t> sizes{121, 40, 13, 8, 5};
  std::size_t at = 0;
  using Counts = std::map<double, int>;
  EXPECT_EQ(trainings(driven, at, 121), (Counts{{1, 81}, {3, 27}, {9, 9}, {27, 3}, {81, 1}}));
  EXPECT_EQ(trainings(driven, at += 121, 40), (Counts{{3, 27}, {9, 9}, {27, 3}, {81, 1}}));
  EXPECT_EQ(trainings(driven, at += 40, 13), (Counts{{9, 9}, {27, 3}, {81, 1}}));
  EXPECT_EQ(trainings(driven, at += 13, 8), (Counts{{27, 6}, {81, 2}}));
  EXPECT_EQ(trainings(driven, at += 8, 5), (Counts{{81, 5}}));
  EXPECT_EQ(trainings(driven, at += 5, 81), (Counts{{1, 81}}));
}

TEST(Hyperband, TheBestOfARungGoOnFromWhereTheyWere) {
  const auto schedule = schedule_of("name: successive_halving", 9);
  const Driven driven = Driver(*schedule, {.decisions = 13}).run();
  using enum Decision::Kind;
  for (std::int64_t id = 1; id <= 9; ++id) {
    EXPECT_EQ(driven.steps[static_cast<std::size_t>(id) - 1], (DriverStep{start_new, id, 0, 1}));
  }
  EXPECT_EQ(driven.steps[9], (DriverStep{resume, 1, 1, 3}));
  EXPECT_EQ(driven.steps[10], (DriverStep{resume, 2, 1, 3}));
  EXPECT_EQ(driven.steps[11], (DriverStep{resume, 3, 1, 3}));
  EXPECT_EQ(driven.steps[12], (DriverStep{resume, 1, 3, 9}));
}

TEST(Hyperband, SurvivorsWithAdditionalResourceEndAt121) {
  const auto schedule = schedule_of("{name: hyperband, resource: additional}", 81);
  const Driven driven = Driver(*schedule, {.decisions = 121}).run();
  EXPECT_EQ(driven.steps.back(), (DriverStep{Decision::Kind::resume, 1, 40, 121}));
}

TEST(SuccessiveHalving, AFailedTrialIsTheWorstAndBlocksNothing) {
  const auto schedule = schedule_of("name: successive_halving", 9);
  // Of nine the first seven fail, so that two are left for three places.
  const Driven driven = Driver(*schedule, {.decisions = 12, .fails = [](std::int64_t id) { return id <= 7; }}).run();
  using enum Decision::Kind;
  EXPECT_EQ(driven.steps[9], (DriverStep{resume, 8, 1, 3}));
  EXPECT_EQ(driven.steps[10], (DriverStep{resume, 9, 1, 3}));
  EXPECT_EQ(driven.steps[11], (DriverStep{resume, 8, 3, 9}));
}

TEST(SuccessiveHalving, ABracketWhoseTrialsAllFailIsOver) {
  const auto schedule = schedule_of("name: successive_halving", 9);
  const Driven driven = Driver(*schedule, {.trials = 20, .fails = [](std::int64_t) { return true; }}).run();
  EXPECT_EQ(driven.trials.size(), 20u);
  EXPECT_TRUE(driven.finished);
}

TEST(SuccessiveHalving, ARefusedTrialLeavesItsPlace) {
  const auto schedule = schedule_of("name: successive_halving", 9);
  for (std::int64_t id = 1; id <= 20; ++id) {
    ASSERT_EQ(schedule->next(true).kind, Decision::Kind::start_new);
    schedule->started(id);
    Trial trial;
    trial.id = id;
    trial.state = TrialState::pruned;
    schedule->finished(trial);
  }
}

TEST(SuccessiveHalving, AnIncompleteRungPromotesAmongThoseItHas) {
  const auto schedule = schedule_of("name: successive_halving", 27);
  const Driven driven = Driver(*schedule, {.trials = 10}).run();
  EXPECT_TRUE(driven.finished);
  EXPECT_EQ(trainings(driven, 0, driven.steps.size()), (std::map<double, int>{{1, 10}, {3, 3}, {9, 1}, {27, 1}}));
  EXPECT_EQ(driven.trials.at(1).state, TrialState::complete);
}

TEST(SuccessiveHalving, TrialsOfTheFirstRungCanBeGiven) {
  const auto schedule = schedule_of("{name: successive_halving, trials: 6}", 9);
  const Driven driven = Driver(*schedule, {.trials = 6}).run();
  EXPECT_EQ(trainings(driven, 0, driven.steps.size()), (std::map<double, int>{{1, 6}, {3, 2}, {9, 1}}));
}

TEST(SuccessiveHalving, ANumberThatIsNotANumberIsNeverPromoted) {
  const auto schedule = schedule_of("name: successive_halving", 3);
  const auto accuracy = [](std::int64_t id, double) { return id == 1 ? std::nan("") : 0.1 * static_cast<double>(id); };
  const Driven driven = Driver(*schedule, {.decisions = 4, .accuracy = accuracy}).run();
  EXPECT_EQ(driven.steps.back(), (DriverStep{Decision::Kind::resume, 3, 1, 3}));
}

TEST(Diagonal, StepsAreThoseOfTheDiagonals) {
  const auto schedule = schedule_of("name: diagonal", 81);
  const Driven driven = Driver(*schedule, {.decisions = 81 + 54 + 27 + 15 + 10 + 81}).run();
  std::size_t at = 0;
  const auto step = [&](std::size_t count) {
    const auto counts = trainings(driven, at, count);
    at += count;
    return counts;
  };
  using Counts = std::map<double, int>;
  EXPECT_EQ(step(81), (Counts{{1, 81}}));
  EXPECT_EQ(step(27 + 27), (Counts{{3, 54}}));
  EXPECT_EQ(step(9 + 9 + 9), (Counts{{9, 27}}));
  EXPECT_EQ(step(3 + 3 + 3 + 6), (Counts{{27, 15}}));
  EXPECT_EQ(step(1 + 1 + 1 + 2 + 5), (Counts{{81, 10}}));
  EXPECT_EQ(step(81), (Counts{{1, 81}}));  // the next round
}

TEST(Diagonal, WithinAStepTheBracketWithMoreRungsComesFirst) {
  const auto schedule = schedule_of("name: diagonal", 9);
  const Driven driven = Driver(*schedule, {.decisions = 9 + 6 + 5}).run();
  std::vector<std::int64_t> trials;
  for (std::size_t i = 9; i < driven.steps.size(); ++i) trials.push_back(driven.steps[i].trial);
  // Step 1: three of bracket 2, three new; step 2: one of bracket 2, one of bracket 1, three new.
  EXPECT_THAT(trials, ElementsAre(1, 2, 3, 10, 11, 12, 1, 10, 13, 14, 15));
}

TEST(Diagonal, NeverWaitsWhileItMayStart) {
  const auto schedule = schedule_of("name: diagonal", 81);
  for (std::int64_t id = 1; id <= 1000; ++id) {  // none of which ever ends
    ASSERT_EQ(schedule->next(true).kind, Decision::Kind::start_new);
    schedule->started(id);
  }
  EXPECT_EQ(schedule->next(false).kind, Decision::Kind::wait);
}

}  // namespace
}  // namespace netwright
