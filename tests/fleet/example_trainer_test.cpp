// examples/trainer.py over the process fleet: the documented protocol, spoken by another language.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "netwright/base/file.h"
#include "netwright/fleet/fleet.h"

namespace netwright {
namespace {

class ExampleTrainer : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "python3 is missing";
    }
    std::string pattern = testing::TempDir() + "netwright_trainer_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ProcessFleetOptions options;
    options.command = {"python3", NETWRIGHT_SOURCE_DIR "/examples/trainer.py"};
    options.log_folder = pattern;
    fleet_ = make_process_fleet(options);
    std::get<SlotReady>(next().what);
  }
  void TearDown() override {
    fleet_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  FleetEvent next() {
    for (int i = 0; i < 60; ++i) {
      auto events = fleet_->poll(1);
      if (events.size() > 1) throw std::runtime_error("more than one event, though each is answered");
      if (events.empty()) continue;
      if (const auto* death = std::get_if<SlotDied>(&events[0].what)) throw std::runtime_error(death->message);
      return std::move(events[0]);
    }
    throw std::runtime_error("no event");
  }

  Start trial(std::int64_t id, double fidelity) {
    Start start;
    start.trial = id;
    start.configuration.set("learning_rate", 0.05);
    start.seed = 5;
    start.fidelity = fidelity;
    start.folder = (folder_ / ("trial" + std::to_string(id))).string();
    return start;
  }

  // Runs a trial, stopping it after `stop_after` measurements (0: never).
  std::pair<Finished, std::vector<Measurement>> run(const Start& start, int stop_after = 0) {
    fleet_->send(0, start);
    std::vector<Measurement> measurements;
    while (true) {
      const Report report = std::get<SlotReport>(next().what).report;
      if (const auto* finished = std::get_if<Finished>(&report)) return {*finished, measurements};
      measurements.push_back(std::get<Measured>(report).measurement);
      if (static_cast<int>(measurements.size()) == stop_after) {
        fleet_->send(0, Stop{});
      } else {
        fleet_->send(0, Continue{});
      }
    }
  }

  std::filesystem::path folder_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(ExampleTrainer, LearnsAndIsTested) {
  const auto [finished, measurements] = run(trial(1, 3));
  EXPECT_EQ(finished.state, TrialState::complete);
  ASSERT_EQ(measurements.size(), 3u);
  EXPECT_EQ(measurements.back().fidelity, 3);
  EXPECT_GT(measurements.back().metrics.at("accuracy"), 0.75);
  EXPECT_LT(measurements.back().metrics.at("loss"), std::log(3.0) / 2);
  fleet_->send(0, netwright::Test{1, finished.checkpoint});
  const auto tested = std::get<Finished>(std::get<SlotReport>(next().what).report);
  EXPECT_GT(tested.metrics.at("test_accuracy").get<double>(), 0.75);
}

TEST_F(ExampleTrainer, GoesOnFromACheckpointAsIfUninterrupted) {
  const auto [whole, expected] = run(trial(1, 4));
  const auto [paused, first] = run(trial(2, 4), 2);
  EXPECT_EQ(paused.state, TrialState::paused);
  EXPECT_EQ(first.size(), 2u);
  Start rest = trial(2, 4);
  rest.checkpoint = paused.checkpoint;
  const auto [finished, second] = run(rest);
  EXPECT_EQ(finished.state, TrialState::complete);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second.back().metrics, expected.back().metrics);
  EXPECT_EQ(read_file(whole.checkpoint), read_file(finished.checkpoint));
}

}  // namespace
}  // namespace netwright
