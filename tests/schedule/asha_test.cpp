#include <gtest/gtest.h>

#include "schedule/driver.h"

namespace netwright {
namespace {

using enum Decision::Kind;

// A training session is told to the schedule as it ends.
class ByHand {
 public:
  explicit ByHand(const std::string& options, double full = 9) : schedule(schedule_of(options, full)) {}

  Decision start(std::int64_t id) {
    const Decision decision = schedule->next(true);
    schedule->started(id);
    return decision;
  }
  bool reach(std::int64_t id, double fidelity, double accuracy) {
    const Trial trial = trial_at(id, fidelity, accuracy);
    return schedule->measured(trial, trial.measurements.back()) && schedule->reached(trial);
  }
  bool measure(std::int64_t id, double fidelity, double accuracy) {
    const Trial trial = trial_at(id, fidelity, accuracy);
    return schedule->measured(trial, trial.measurements.back());
  }
  void fail(std::int64_t id) {
    Trial trial;
    trial.id = id;
    trial.fidelity = 1;
    trial.state = TrialState::failed;
    schedule->finished(trial);
  }

  std::unique_ptr<Schedule> schedule;

 private:
  static Trial trial_at(std::int64_t id, double fidelity, double accuracy) {
    Trial trial;
    trial.id = id;
    trial.state = TrialState::running;
    trial.fidelity = fidelity;
    trial.measurements.push_back({fidelity, 1, {{"accuracy", accuracy}}});
    return trial;
  }
};

void expect_decision(const Decision& decision, Decision::Kind kind, std::int64_t trial, double fidelity) {
  EXPECT_EQ(decision.kind, kind);
  EXPECT_EQ(decision.trial, trial);
  EXPECT_EQ(decision.fidelity, fidelity);
}

TEST(Asha, PromotesTheBestThirdOfARungAndNeverTwice) {
  ByHand asha("name: asha");
  for (std::int64_t id = 1; id <= 2; ++id) {
    expect_decision(asha.start(id), start_new, 0, 1);
    EXPECT_FALSE(asha.reach(id, 1, 0.1 * static_cast<double>(id)));
  }
  expect_decision(asha.start(3), start_new, 0, 1);  // no third of two
  asha.reach(3, 1, 0.15);
  expect_decision(asha.schedule->next(true), resume, 2, 3);
  expect_decision(asha.start(4), start_new, 0, 1);  // 2 has gone on
  asha.reach(4, 1, 0.9);                            // now the best; a third of four is one
  expect_decision(asha.schedule->next(true), resume, 4, 3);
  expect_decision(asha.start(5), start_new, 0, 1);
}

TEST(Asha, TheHighestRungComesFirst) {
  ByHand asha("name: asha");
  for (std::int64_t id = 1; id <= 9; ++id) {
    asha.start(id);
    asha.reach(id, 1, 0.9 - 0.1 * static_cast<double>(id));
    if (id % 3 == 0) expect_decision(asha.schedule->next(true), resume, id / 3, 3);
  }
  for (std::int64_t id = 10; id <= 12; ++id) asha.start(id);
  EXPECT_FALSE(asha.reach(1, 3, 0.3));
  EXPECT_FALSE(asha.reach(2, 3, 0.6));
  EXPECT_FALSE(asha.reach(3, 3, 0.5));
  for (std::int64_t id = 10; id <= 12; ++id) asha.reach(id, 1, 0.0751 * static_cast<double>(id));
  // Rung 1 has its best to give, rung 0 the best four of twelve but for trial 1, which has gone on.
  expect_decision(asha.schedule->next(true), resume, 2, 9);
  expect_decision(asha.schedule->next(true), resume, 12, 3);
  expect_decision(asha.schedule->next(true), resume, 11, 3);
  expect_decision(asha.schedule->next(true), resume, 10, 3);
  expect_decision(asha.schedule->next(true), start_new, 0, 1);
  EXPECT_TRUE(asha.reach(2, 9, 0.6));
}

TEST(Asha, AFailedTrialCountsAsTheWorst) {
  ByHand asha("name: asha");
  asha.start(1);
  asha.reach(1, 1, 0.1);
  for (std::int64_t id = 2; id <= 3; ++id) {
    asha.start(id);
    asha.fail(id);
  }
  expect_decision(asha.schedule->next(true), resume, 1, 3);
}

TEST(Asha, OneTrialAtLeastGetsTheFullResource) {
  const auto schedule = schedule_of("name: asha", 9);
  const Driven driven = Driver(*schedule, {.workers = 3, .trials = 2}).run();
  EXPECT_TRUE(driven.finished);
  EXPECT_EQ(driven.trials.at(1).state, TrialState::complete);
  EXPECT_EQ(driven.trials.at(2).state, TrialState::paused);
}

TEST(Asha, StoppingEndsTrialsThatAreNotInTheBestThird) {
  ByHand asha("{name: asha, mode: stopping}");
  for (std::int64_t id = 1; id <= 6; ++id) expect_decision(asha.start(id), start_new, 0, 9);
  EXPECT_TRUE(asha.measure(1, 0.5, 0.0));  // before the first rung
  EXPECT_TRUE(asha.measure(1, 1, 0.5));    // the first there
  EXPECT_FALSE(asha.measure(2, 1, 0.4));   // one of two: the best
  EXPECT_TRUE(asha.measure(3, 1, 0.6));    // one of three
  EXPECT_FALSE(asha.measure(4, 1, 0.55));  // one of four
  EXPECT_FALSE(asha.measure(5, 1, 0.1));
  EXPECT_TRUE(asha.measure(6, 1, 0.58));    // two of six
  EXPECT_TRUE(asha.measure(6, 2, 0.01));    // between rungs
  EXPECT_TRUE(asha.measure(3, 3, 0.2));     // the first at the second rung
  EXPECT_FALSE(asha.measure(6, 3.5, 0.1));  // past it
  EXPECT_TRUE(asha.measure(3, 9, 0.0));     // the last rung decides nothing
}

TEST(Asha, StoppingTakesWholeTrainings) {
  const auto schedule = schedule_of("{name: asha, mode: stopping}", 27);
  const Driven driven = Driver(*schedule, {.trials = 30, .report_every = 1}).run();
  EXPECT_TRUE(driven.finished);
  EXPECT_EQ(driven.trials.at(1).state, TrialState::complete);  // accuracy falls with the id
  EXPECT_EQ(driven.trials.at(30).state, TrialState::pruned);
  EXPECT_EQ(driven.trials.at(30).fidelity, 1);
}

TEST(MedianStopping, StopsBelowTheMedianOfTheRunningAverages) {
  const auto schedule = schedule_of("{name: median_stopping, grace: 2, min_trials: 3}", 4);
  // Complete curves a, 2a, 3a, 4a for a = 0.1, 0.2, 0.3: averages up to 2 are 1.5 a, so the median is 0.3.
  for (std::int64_t id = 1; id <= 3; ++id) {
    expect_decision(schedule->next(true), start_new, 0, 4);
    schedule->started(id);
    Trial trial;
    trial.id = id;
    trial.target_fidelity = 4;
    for (int epoch = 1; epoch <= 4; ++epoch) {
      trial.fidelity = epoch;
      trial.measurements.push_back({trial.fidelity, 1, {{"accuracy", 0.1 * static_cast<double>(id * epoch)}}});
      EXPECT_TRUE(schedule->measured(trial, trial.measurements.back()));
    }
    EXPECT_TRUE(schedule->reached(trial));
    trial.state = TrialState::complete;
    schedule->finished(trial);
  }
  const auto goes_on = [&](std::vector<double> accuracies) {
    Trial trial;
    trial.id = 4;
    trial.target_fidelity = 4;
    for (const double accuracy : accuracies) {
      trial.fidelity += 1;
      trial.measurements.push_back({trial.fidelity, 1, {{"accuracy", accuracy}}});
    }
    return schedule->measured(trial, trial.measurements.back());
  };
  EXPECT_TRUE(goes_on({0.0}));  // within the grace period
  EXPECT_TRUE(goes_on({0.0, 0.31}));
  EXPECT_FALSE(goes_on({0.0, 0.29}));
  EXPECT_TRUE(goes_on({0.31, 0.0}));            // the best so far counts
  EXPECT_FALSE(goes_on({0.31, 0.0, 0.0}));      // the median is 0.4 now
  EXPECT_TRUE(goes_on({0.31, 0.0, 0.0, 0.0}));  // done: nothing to save
}

TEST(MedianStopping, WaitsForEnoughTrials) {
  const auto schedule = schedule_of("name: median_stopping", 4);
  const Driven driven = Driver(*schedule, {.trials = 10, .report_every = 1}).run();
  for (std::int64_t id = 1; id <= 5; ++id) EXPECT_EQ(driven.trials.at(id).state, TrialState::complete);
  for (std::int64_t id = 6; id <= 10; ++id) EXPECT_EQ(driven.trials.at(id).state, TrialState::pruned);
}

}  // namespace
}  // namespace netwright
