#include "netwright/study/study.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "netwright/study/retrain.h"
#include "study/fake_fleet.h"

namespace netwright {
namespace {

// Hyperparameters alone: the study needs no network.
Experiment small_experiment(const std::string& changes = "") {
  Yaml root = parse_yaml(R"(
name: test
seed: 3
space:
  name: numbers
  choices:
    a: {integer: [0, 9]}
    b: {integer: [0, 9]}
    c: {real: [0.0, 1.0]}
search: {strategy: {name: evolution, population: 5, tournament: 2}, budget: {trials: 30, failed_trials: 3}}
retrain: {top: 2, seeds: 2}
execution: {trainer: [unused], retries: 1}
)",
                         "test.yaml");
  std::istringstream lines(changes);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) set_by_path(root, line);
  }
  return parse_experiment(root);
}

class StudyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("netwright-study-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void create(const Experiment& experiment) {
    StudyRecord record;
    record.name = experiment.name;
    record.state = "searching";
    record.experiment = experiment.full_text;
    storage_->create_study(record);
  }

  StudyEnd run(const Experiment& experiment, FakeFleet& fleet) {
    const SearchSpace space = make_space(experiment, std::nullopt, std::nullopt);
    return run_study({experiment, space, *storage_, fleet, observer_, folder_.string(), interrupts_});
  }

  std::filesystem::path folder_;
  std::unique_ptr<Storage> storage_ = open_storage("memory");
  SilentObserver observer_;
  std::atomic<int> interrupts_{0};
};

TEST_F(StudyTest, SearchesRetrainsAndTests) {
  const Experiment experiment = small_experiment();
  create(experiment);
  FakeFleet fleet(2, instant_reports);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  EXPECT_EQ(state.record.state, "complete");
  EXPECT_EQ(observer_.phases, (std::vector<std::string>{"searching", "retraining", "testing"}));
  int searched = 0;
  int retrained = 0;
  int baseline = 0;
  for (const Trial& trial : state.trials) {
    EXPECT_EQ(trial.state, TrialState::complete) << trial.id;
    searched += trial.purpose == TrialPurpose::search && trial.copied_from == 0 ? 1 : 0;
    retrained += trial.purpose == TrialPurpose::retrain ? 1 : 0;
    baseline += trial.purpose == TrialPurpose::baseline ? 1 : 0;
    EXPECT_EQ(last_metric(trial, "test_accuracy").has_value(), trial.purpose != TrialPurpose::search);
  }
  EXPECT_EQ(searched, 30);
  for (const Trial& trial : state.trials) {
    const int tests = trial.purpose == TrialPurpose::search ? 0 : 1;
    EXPECT_EQ(observer_.ends[trial.id], 1 + tests) << "told to the user once: trial " << trial.id;
  }
  EXPECT_EQ(retrained, 4);
  EXPECT_EQ(baseline, 4);
  EXPECT_EQ(fleet.tested.size(), 8U);
  EXPECT_EQ(means_by_configuration(state.trials, TrialPurpose::retrain, "test_accuracy").size(), 2U);
}

TEST_F(StudyTest, TheFinalNetworkIsChosenByValidationNotByTest) {
  const Experiment experiment = small_experiment();
  create(experiment);
  FakeFleet fleet(1, instant_reports);  // test accuracy rises with the trial's number, validation does not
  run(experiment, fleet);
  const StudyState state = load_study(*storage_, "test");
  const Trial* final = final_trial(state.trials, experiment.objectives);
  ASSERT_NE(final, nullptr);
  EXPECT_EQ(final->purpose, TrialPurpose::retrain);
  for (const Trial& trial : state.trials) {
    if (trial.purpose != TrialPurpose::retrain) continue;
    EXPECT_GE(*last_metric(*final, "accuracy"), *last_metric(trial, "accuracy"));
  }
}

TEST_F(StudyTest, EqualConfigurationsAreTrainedOnce) {
  const Experiment experiment = small_experiment("space.choices={a: {integer: [0, 2]}, b: {integer: [0, 1]}}");
  create(experiment);
  FakeFleet fleet(3, instant_reports);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  std::set<std::string> trained;
  for (const Start& start : fleet.started) {
    if (start.purpose != "search") continue;
    EXPECT_TRUE(trained.insert(start.configuration.canonical_text()).second);
  }
  EXPECT_EQ(trained.size(), 6U);
  for (const Trial& trial : load_study(*storage_, "test").trials) {
    EXPECT_EQ(trial.state, TrialState::complete);
    if (trial.copied_from != 0) {
      const StudyState state = load_study(*storage_, "test");
      const Trial& original = state.trials[static_cast<std::size_t>(trial.copied_from) - 1];
      EXPECT_EQ(original.configuration, trial.configuration);
      EXPECT_EQ(last_metric(original, "accuracy"), last_metric(trial, "accuracy"));
    }
  }
}

// Thrown in place of kill -9: nothing after it runs.
struct Killed {};

std::vector<Configuration> proposals(const StudyState& state) {
  std::vector<Configuration> configurations;
  for (const Trial& trial : state.trials) configurations.push_back(trial.configuration);
  return configurations;
}

TEST_F(StudyTest, KilledAnywhereAndResumedItProposesTheSameAndCountsNothingTwice) {
  const Experiment experiment = small_experiment();
  create(experiment);
  FakeFleet uninterrupted(1, instant_reports);
  run(experiment, uninterrupted);
  const StudyState expected = load_study(*storage_, "test");

  for (int kill_after = 1; kill_after < 120; kill_after += 7) {
    storage_ = open_storage("memory");
    create(experiment);
    int polls = 0;
    int runs = 0;
    bool done = false;
    std::map<std::int64_t, int> completed;
    while (!done && ++runs < 200) {
      FakeFleet fleet(1, instant_reports);
      fleet.before_poll = [&] {
        if (++polls % kill_after == 0 && kill_after > 3) throw Killed{};
        if (kill_after <= 3 && polls == kill_after) throw Killed{};
      };
      try {
        done = run(experiment, fleet) == StudyEnd::complete;
      } catch (const Killed&) {
      }
    }
    ASSERT_TRUE(done) << kill_after;
    const StudyState state = load_study(*storage_, "test");
    EXPECT_EQ(proposals(state), proposals(expected)) << "killed every " << kill_after << " events";
    std::map<std::int64_t, int> ends;
    for (const StudyEvent& event : state.events) ends[event.trial] += event.kind == EventKind::finished ? 1 : 0;
    for (const Trial& trial : state.trials) {
      EXPECT_EQ(ends[trial.id], trial.purpose == TrialPurpose::search ? 1 : 0) << trial.id;
      EXPECT_EQ(trial.measurements.size(), trial.purpose == TrialPurpose::search ? 1U : 2U) << trial.id;
    }
  }
  EXPECT_TRUE(observer_.notes.empty()) << observer_.notes.front();
}

TEST_F(StudyTest, ACrashedTrainerFailsOnlyItsTrialWhichIsTriedAgain) {
  const Experiment experiment = small_experiment("retrain=false");
  create(experiment);
  std::map<std::int64_t, int> attempts;
  bool crashed = false;
  FakeFleet fleet(1, [&](const Start& start) -> std::vector<Report> {
    const int attempt = ++attempts[start.trial];
    crashed = (start.trial == 3 && attempt == 1) || start.trial == 5;
    return crashed ? std::vector<Report>{} : instant_reports(start);
  });
  fleet.before_poll = [&] {
    if (!crashed) return;
    crashed = false;
    fleet.inject({0, SlotReady{}});
    fleet.inject({0, SlotDied{"crash", "signal 9"}});
  };
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  for (const Trial& trial : state.trials) {
    EXPECT_EQ(trial.state, trial.id == 5 ? TrialState::failed : TrialState::complete) << trial.id;
    const int expected = trial.copied_from != 0 ? 0 : trial.id == 3 || trial.id == 5 ? 2 : 1;
    EXPECT_EQ(trial.attempts, expected) << trial.id;
  }
  EXPECT_EQ(state.trials[4].reason, "crash");
}

TEST_F(StudyTest, TooManyFailuresEndTheStudy) {
  const Experiment experiment = small_experiment();
  create(experiment);
  FakeFleet fleet(1, [](const Start& start) -> std::vector<Report> {
    Finished finished;
    finished.trial = start.trial;
    finished.state = TrialState::failed;
    finished.reason = "nan";
    return {finished};
  });
  EXPECT_EQ(run(experiment, fleet), StudyEnd::too_many_failures);
  EXPECT_EQ(fleet.started.size(), 4U);  // failed_trials: 3 allows three
  EXPECT_EQ(load_study(*storage_, "test").record.state, "failed");
}

TEST_F(StudyTest, AStudyWithTooManyFailuresGoesOnWhenTheirCauseIsMended) {
  const Experiment experiment = small_experiment("retrain=false");
  create(experiment);
  const auto fail = [](const Start& start) -> std::vector<Report> {
    Finished finished;
    finished.trial = start.trial;
    finished.state = TrialState::failed;
    finished.reason = "error";
    return {finished};
  };
  FakeFleet broken(1, fail);
  ASSERT_EQ(run(experiment, broken), StudyEnd::too_many_failures);
  FakeFleet still_broken(1, fail);
  EXPECT_EQ(run(experiment, still_broken), StudyEnd::too_many_failures);
  EXPECT_EQ(still_broken.started.size(), 4U);  // as many again, no more
  FakeFleet mended(1, instant_reports);
  EXPECT_EQ(run(experiment, mended), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  EXPECT_EQ(std::count_if(state.trials.begin(), state.trials.end(),
                          [](const Trial& trial) { return trial.state == TrialState::failed; }),
            8);
}

TEST_F(StudyTest, ATrialWithoutItsObjectiveFailsAndSaysWhatWasMeasured) {
  const Experiment experiment = small_experiment("objectives=[{metric: acuracy}]");
  create(experiment);
  FakeFleet fleet(1, instant_reports);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::too_many_failures);
  const Trial trial = load_study(*storage_, "test").trials.at(0);
  EXPECT_EQ(trial.state, TrialState::failed);
  EXPECT_EQ(trial.reason, "error");
  EXPECT_EQ(trial.message, "the trainer did not measure the objective 'acuracy'; it measured accuracy, loss");
}

TEST_F(StudyTest, AnObjectiveThatIsNoNumberFailsTheTrial) {
  const Experiment experiment = small_experiment("retrain=false");
  create(experiment);
  FakeFleet fleet(1, [](const Start& start) {
    auto reports = instant_reports(start);
    if (start.trial == 2) std::get<Measured>(reports[0]).measurement.metrics["accuracy"] = std::nan("");
    return reports;
  });
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  EXPECT_EQ(state.trials.at(1).state, TrialState::failed);
  EXPECT_EQ(state.trials.at(1).reason, "nan");
  EXPECT_EQ(state.trials.at(2).state, TrialState::complete);
}

TEST_F(StudyTest, NoFeasibleTrialIsItsOwnEnd) {
  const Experiment experiment = small_experiment("objectives=[{metric: accuracy, constraint: 99}]");
  create(experiment);
  FakeFleet fleet(1, instant_reports);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::no_valid_trial);
}

TEST_F(StudyTest, AnInterruptPausesRunningTrialsAndResumes) {
  const Experiment experiment = small_experiment("retrain=false");
  create(experiment);
  {
    std::vector<Start> held;
    FakeFleet fleet(2, [&](const Start& start) -> std::vector<Report> {
      held.push_back(start);
      return {};
    });
    int polls = 0;
    fleet.before_poll = [&] {
      if (++polls == 5) interrupts_ = 1;
      if (fleet.stops == 2 && !held.empty()) {
        for (std::size_t i = 0; i < held.size(); ++i) {
          Finished finished;
          finished.trial = held[i].trial;
          finished.state = TrialState::paused;
          fleet.inject({static_cast<int>(i), SlotReport{finished}});
        }
        held.clear();
      }
    };
    EXPECT_EQ(run(experiment, fleet), StudyEnd::interrupted);
  }
  for (const Trial& trial : load_study(*storage_, "test").trials) EXPECT_EQ(trial.state, TrialState::paused);
  interrupts_ = 0;
  FakeFleet fleet(2, instant_reports);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  EXPECT_EQ(std::count_if(state.trials.begin(), state.trials.end(),
                          [](const Trial& trial) { return trial.copied_from == 0; }),
            30);
}

TEST_F(StudyTest, RetriesAreCountedAnewWhenAStudyIsResumed) {
  const Experiment experiment = small_experiment("retrain=false");
  create(experiment);
  {
    FakeFleet fleet(1, [](const Start&) { return std::vector<Report>{}; });
    int polls = 0;
    fleet.before_poll = [&] {
      if (++polls == 3) interrupts_ = 2;  // as a kill would leave it
    };
    EXPECT_EQ(run(experiment, fleet), StudyEnd::interrupted);
  }
  ASSERT_EQ(load_study(*storage_, "test").trials.at(0).attempts, 1);
  interrupts_ = 0;
  bool crashed = false;
  FakeFleet fleet(1, [&](const Start& start) -> std::vector<Report> {
    if (crashed) return instant_reports(start);
    return {};
  });
  fleet.before_poll = [&] {
    if (crashed || fleet.started.empty()) return;
    crashed = true;
    fleet.inject({0, SlotReady{}});
    fleet.inject({0, SlotDied{"crash", "signal 9"}});
  };
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  EXPECT_EQ(load_study(*storage_, "test").trials.at(0).state, TrialState::complete);
}

TEST_F(StudyTest, AReachedTargetEndsTheSearch) {
  const Experiment experiment = small_experiment("objectives=[{metric: accuracy, target: 0.2}]\nretrain=false");
  create(experiment);
  FakeFleet fleet(1, instant_reports);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  EXPECT_LT(state.trials.size(), 30U);
  EXPECT_GE(*last_metric(state.trials.back(), "accuracy"), 0.2);
}

}  // namespace
}  // namespace netwright
