#include "netwright/study/schedule_replay.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "netwright/base/file.h"
#include "netwright/base/statistics.h"
#include "netwright/bench/varying_times.h"

namespace netwright {
namespace {

constexpr int workers = 20;

class ScheduleReplay : public testing::Test {
 protected:
  Simulation simulation(const std::string& schedule_text, double seconds, std::uint64_t seed) const {
    const std::vector<Objective> objectives = {Objective{}};
    const Yaml strategy_options = parse_yaml("name: random", "strategy");
    const Yaml schedule_options = parse_yaml(schedule_text, "schedule");
    const auto strategy = make_strategy({evaluator_.space(), objectives, strategy_options});
    const auto schedule = make_schedule({objectives, evaluator_.full_fidelity(), schedule_options});
    Random random(seed);
    return simulate(*strategy, *schedule, evaluator_, {.workers = workers, .seconds = seconds}, random);
  }

  // An epoch takes 1 to 10 seconds.
  const VaryingTimes evaluator_{SearchSpace::load(NETWRIGHT_SOURCE_DIR "/spaces/nas-bench-201.yaml")};
};

// Over several rounds of all brackets.
TEST_F(ScheduleReplay, TheDiagonalScheduleKeepsWorkersBusyWhereBracketsOneByOneDoNot) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Simulation side_by_side = simulation("name: diagonal", 4000, seed);
    EXPECT_GT(side_by_side.trials.size(), 3U * 143) << "rounds of 143 trials";
    EXPECT_GE(busy_share(side_by_side, workers), 0.97);
    EXPECT_LT(busy_share(simulation("name: hyperband", 4000, seed), workers), 0.97);
  }
}

TEST_F(ScheduleReplay, SurvivorsGoOnWhereTheyWere) {
  for (const char* schedule : {"name: hyperband", "name: diagonal", "name: asha", "{name: hyperband, skip_last: 1}"}) {
    const Simulation search = simulation(schedule, 1500, 1);
    int survivors = 0;
    for (const Trial& trial : search.trials) {
      double seconds = 0;
      double fidelity = 0;
      for (const Measurement& measurement : trial.measurements) {
        EXPECT_GT(measurement.fidelity, fidelity);
        fidelity = measurement.fidelity;
        seconds += measurement.seconds;
      }
      if (trial.measurements.empty()) continue;
      survivors += trial.measurements.size() > 1 ? 1 : 0;
      // What it cost is what one training up to there costs.
      EXPECT_NEAR(seconds, evaluator_.evaluate(trial.configuration, 0, fidelity).seconds, 1e-9 * seconds);
    }
    EXPECT_GT(survivors, 10) << schedule;
  }
}

TEST_F(ScheduleReplay, AWorkerHasOneTrialAndATrialOneWorker) {
  const Simulation search = simulation("name: diagonal", 1500, 2);
  std::map<int, double> worker_free;
  std::map<std::int64_t, double> trial_free;
  for (const SimulatedSpan& span : search.spans) {
    EXPECT_GE(span.from, worker_free[span.worker]);
    EXPECT_GE(span.from, trial_free[span.trial]);
    worker_free[span.worker] = trial_free[span.trial] = span.to;
  }
  EXPECT_EQ(worker_free.size(), static_cast<std::size_t>(workers));
}

// Searches on the learning curves of 15,625 networks, which end with the test accuracy of one network each.
class LearningCurves : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("NETWRIGHT_REFERENCE_DATA");
    const std::string path =
        std::string(folder ? folder : NETWRIGHT_SOURCE_DIR "/../shared/data") + "/learning-curves/cifar10.csv.gz";
    if (!file_exists(path)) GTEST_SKIP() << "no " << path << "; set NETWRIGHT_REFERENCE_DATA";
    curves_ = std::make_unique<LearningCurveEvaluator>(path);
  }

  // Against random search with as many epochs.
  void expect_better_than_random(const std::string& schedule, int slots) const {
    CurveReplayOptions options;
    options.epochs =
        6000;  // more than three rounds of Hyperband's brackets, or 3 whole trainings on each of 20 workers
    options.workers = slots;
    options.runs = 200;
    const CurveReplay random = replay_curves(*curves_, options);
    options.schedule = schedule;
    const CurveReplay searched = replay_curves(*curves_, options);
    ASSERT_EQ(searched.test_accuracies.size(), 200U);
    EXPECT_NEAR(random.trials, 60, 1.5) << "whole trainings of 100 epochs";
    EXPECT_GT(searched.trials, 300);
    Random bootstrap(1);
    const auto interval = bootstrap_difference(searched.test_accuracies, random.test_accuracies, bootstrap, 0.95, 2000);
    ASSERT_TRUE(interval.has_value());
    EXPECT_GT(interval->low, 0) << mean(searched.test_accuracies) << " against " << mean(random.test_accuracies);
  }

  std::unique_ptr<LearningCurveEvaluator> curves_;
};

TEST_F(LearningCurves, HyperbandIsBetterThanRandomSearch) {
  EXPECT_EQ(curves_->size(), 15625U);
  EXPECT_EQ(curves_->full_fidelity(), 100);
  expect_better_than_random("name: hyperband", 1);
}

TEST_F(LearningCurves, AshaWith20WorkersIsBetterThanRandomSearch) {
  expect_better_than_random("name: asha", workers);
}

}  // namespace
}  // namespace netwright
