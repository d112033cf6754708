// Studies whose schedule pauses trials and gives the survivors more.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "netwright/bench/synthetic.h"
#include "netwright/study/study.h"
#include "study/fake_fleet.h"

namespace netwright {
namespace {

Experiment experiment_with(const std::string& schedule, const std::string& choices) {
  Yaml root = parse_yaml(R"(
name: test
seed: 5
recipe: {epochs: 9}
search: {strategy: {name: evolution, population: 10, tournament: 3}, budget: {trials: 60}}
retrain: false
execution: {trainer: [unused], retries: 1}
)",
                         "test.yaml");
  root.set("space", parse_yaml("{choices: " + choices + "}", "space"));
  set_by_path(root, "search.schedule=" + schedule);
  return parse_experiment(root);
}

constexpr const char* wide = "{a: {integer: [0, 99]}, b: {real: [0.0, 1.0]}, c: [x, y, z]}";
constexpr const char* narrow = "{a: [x, y], b: [x, y, z], c: [x, y, z]}";

// A trainer whose checkpoint's name says how many epochs are in it.
std::vector<Report> train(const Start& start) {
  double epochs = 0;
  if (!start.checkpoint.empty()) epochs = std::stod(start.checkpoint.substr(start.checkpoint.rfind('-') + 1));
  std::vector<Report> reports;
  while (epochs < start.fidelity) {
    epochs += 1;
    Measured measured;
    measured.trial = start.trial;
    measured.measurement = synthetic_measurement(start.configuration, epochs);
    measured.measurement.seconds = 1;
    reports.push_back(measured);
  }
  Finished finished;
  finished.trial = start.trial;
  if (start.keep_checkpoint) finished.checkpoint = start.folder + "/model-" + std::to_string(epochs);
  reports.push_back(finished);
  return reports;
}

class ScheduledStudyTest : public testing::TestWithParam<std::string> {
 protected:
  void create(const Experiment& experiment) {
    storage_ = open_storage("memory");
    StudyRecord record;
    record.name = experiment.name;
    record.state = "searching";
    record.experiment = experiment.full_text;
    storage_->create_study(record);
  }
  StudyEnd run(const Experiment& experiment, FakeFleet& fleet) {
    const SearchSpace space = make_space(experiment, std::nullopt, std::nullopt);
    return run_study({experiment, space, *storage_, fleet, observer_, "/studies/test", interrupts_});
  }

  std::unique_ptr<Storage> storage_;
  SilentObserver observer_;
  std::atomic<int> interrupts_{0};
};

TEST_P(ScheduledStudyTest, SurvivorsGoOnFromTheirOwnCheckpoint) {
  const Experiment experiment = experiment_with(GetParam(), wide);
  create(experiment);
  FakeFleet fleet(3, train);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  const StudyState state = load_study(*storage_, "test");
  std::map<std::int64_t, double> had;
  int resumed = 0;
  for (const Start& start : fleet.started) {
    double& before = had[start.trial];
    if (before > 0) {
      ++resumed;
      EXPECT_EQ(start.checkpoint,
                "/studies/test/trials/" + std::to_string(start.trial) + "/model-" + std::to_string(before));
    } else if (!start.checkpoint.empty()) {  // goes on where an earlier trial of the same network was left
      before = std::stod(start.checkpoint.substr(start.checkpoint.rfind('-') + 1));
    }
    EXPECT_EQ(start.keep_checkpoint, start.fidelity < 9);
    EXPECT_GT(start.fidelity, before);
    before = start.fidelity;
  }
  EXPECT_GT(resumed, 5);
  for (const Trial& trial : state.trials) {
    EXPECT_TRUE(trial.state == TrialState::complete || trial.state == TrialState::pruned) << trial.id;
    EXPECT_EQ(trial.state == TrialState::complete, trial.fidelity == 9) << trial.id;
    if (trial.copied_from == 0) {
      EXPECT_EQ(trial.fidelity, had[trial.id]);
    }
    ASSERT_EQ(trial.measurements.size(), static_cast<std::size_t>(std::lround(trial.fidelity))) << "each epoch once";
  }
  EXPECT_TRUE(observer_.notes.empty());
}

// From when to when each worker had a trial.
TEST_P(ScheduledStudyTest, EventsTellWhenAndOnWhichWorker) {
  const Experiment experiment = experiment_with(GetParam(), wide);
  create(experiment);
  FakeFleet fleet(2, train);
  run(experiment, fleet);
  double now = 0;
  std::set<int> workers;
  for (const StudyEvent& event : storage_->events("test")) {
    EXPECT_GE(event.time, now);
    now = event.time;
    const bool ends = event.kind == EventKind::paused || event.kind == EventKind::finished;
    if (!ends) {
      EXPECT_EQ(event.worker, -1);
    } else if (event.worker >= 0) {  // of copies nobody had the trial
      workers.insert(event.worker);
    }
  }
  EXPECT_GT(now, 0);
  EXPECT_EQ(workers, (std::set<int>{0, 1}));
}

// The log without what depends on the clock.
std::vector<StudyEvent> what_happened(std::vector<StudyEvent> events) {
  for (StudyEvent& event : events) event.time = 0;
  return events;
}

struct Killed {};  // thrown in place of kill -9: nothing after it runs

TEST_P(ScheduledStudyTest, KilledAnywhereAndResumedItGoesOnAsIfNothingHadBeen) {
  const Experiment experiment = experiment_with(GetParam(), wide);
  create(experiment);
  FakeFleet uninterrupted(1, train);
  run(experiment, uninterrupted);
  const auto expected = storage_->trials("test");
  const auto expected_events = what_happened(storage_->events("test"));
  for (int kill_after = 1; kill_after < 200; kill_after += 13) {
    create(experiment);
    int polls = 0;
    bool done = false;
    for (int runs = 0; !done && runs < 400; ++runs) {
      FakeFleet fleet(1, train);
      fleet.before_poll = [&] {
        ++polls;
        if (kill_after > 12 ? polls % kill_after == 0 : polls == kill_after) throw Killed{};
      };
      try {
        done = run(experiment, fleet) == StudyEnd::complete;
      } catch (const Killed&) {
      }
    }
    ASSERT_TRUE(done) << kill_after;
    EXPECT_EQ(what_happened(storage_->events("test")), expected_events) << kill_after;
    const auto trials = storage_->trials("test");
    ASSERT_EQ(trials.size(), expected.size()) << kill_after;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      EXPECT_EQ(trials[i].configuration, expected[i].configuration) << kill_after << ", trial " << i + 1;
      EXPECT_EQ(trials[i].state, expected[i].state) << kill_after << ", trial " << i + 1;
      EXPECT_EQ(trials[i].measurements.size(), expected[i].measurements.size()) << kill_after << ", trial " << i + 1;
    }
  }
  EXPECT_TRUE(observer_.notes.empty()) << observer_.notes.front();
}

TEST_P(ScheduledStudyTest, EqualNetworksShareTheirTraining) {
  const Experiment experiment = experiment_with(GetParam(), narrow);  // 18 configurations
  create(experiment);
  FakeFleet fleet(2, train);
  EXPECT_EQ(run(experiment, fleet), StudyEnd::complete);
  std::map<std::string, double> trained;  // epochs of each network
  for (const Start& start : fleet.started) {
    double& epochs = trained[start.configuration.canonical_text()];
    EXPECT_GT(start.fidelity, epochs) << "an epoch of a network is trained once";
    const double from =
        start.checkpoint.empty() ? 0 : std::stod(start.checkpoint.substr(start.checkpoint.rfind('-') + 1));
    EXPECT_EQ(from, epochs);
    epochs = start.fidelity;
  }
  EXPECT_LE(trained.size(), 18U);
  int copies = 0;
  int complete = 0;
  for (const Trial& trial : storage_->trials("test")) {
    EXPECT_TRUE(is_finished(trial.state)) << trial.id;
    copies += trial.copied_from != 0 ? 1 : 0;
    complete += trial.state == TrialState::complete ? 1 : 0;
    for (const Measurement& measurement : trial.measurements) {
      EXPECT_EQ(measurement.metrics.at("accuracy"),
                synthetic_measurement(trial.configuration, measurement.fidelity).metrics.at("accuracy"));
    }
  }
  EXPECT_GT(copies, 10);
  EXPECT_GT(complete, 0);
}

INSTANTIATE_TEST_SUITE_P(EverySchedule, ScheduledStudyTest,
                         testing::Values("{name: hyperband, eta: 3}", "{name: asha, eta: 3}",
                                         "{name: successive_halving, eta: 3}", "{name: diagonal, eta: 3}"),
                         [](const auto& info) {
                           const std::string text = info.param.substr(7);
                           return text.substr(0, text.find(','));
                         });

}  // namespace
}  // namespace netwright
