// The contract of schedule.h, run over every row of the table: random studies whose workers report in any order, fail,
// are refused and ask in vain.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "netwright/base/random.h"
#include "schedule/driver.h"

namespace netwright {
namespace {

constexpr double full_fidelity = 27;

struct StudyOptions {
  std::string schedule;
  std::uint64_t seed = 0;
  double failures = 0.05;  // share of reports
  double refusals = 0.05;  // share of new trials
};

class RandomStudy {
 public:
  explicit RandomStudy(const StudyOptions& options)
      : options_(options),
        random_(options.seed),
        objectives_(options.seed % 3 == 2 ? std::vector<Objective>{Objective{}, Objective{"loss", false, {}, {}}}
                                          : std::vector<Objective>{Objective{}}),
        schedule_(schedule_of(options.schedule, full_fidelity, objectives_)),
        twin_(schedule_of(options.schedule, full_fidelity, objectives_)),
        workers_(1 + random_.below(8)),
        most_trials_(random_.below(120)) {}

  void run() {
    for (int step = 0; step < 100000 && !over_ && !testing::Test::HasFailure(); ++step) {
      if (running_.size() < workers_ && (running_.empty() || random_.uniform() < 0.5)) {
        place();
      } else {
        report();
      }
    }
    EXPECT_TRUE(over_) << "it never ends";
  }

  std::map<std::int64_t, Trial> trials;

 private:
  bool may_start() const { return trials.size() < most_trials_; }

  static bool same(const Decision& a, const Decision& b) {
    return a.kind == b.kind && a.trial == b.trial && a.fidelity == b.fidelity;
  }

  void place() {
    const Decision decision = schedule_->next(may_start());
    EXPECT_TRUE(same(decision, twin_->next(may_start()))) << "other decisions after the same calls";
    if (decision.kind != Decision::Kind::resume) {
      for (std::uint64_t again = random_.below(3); again > 0; --again) {  // only the one of the two is asked
        EXPECT_TRUE(same(schedule_->next(may_start()), decision)) << "asking had an effect";
      }
    }
    switch (decision.kind) {
      case Decision::Kind::start_new:
        ASSERT_TRUE(may_start());
        if (random_.uniform() < 0.1) return;  // not taken up
        start(decision.fidelity);
        break;
      case Decision::Kind::resume:
        resume(decision);
        break;
      case Decision::Kind::wait:
        ASSERT_FALSE(running_.empty()) << "it waits for nothing";
        report();
        break;
      case Decision::Kind::finished:
        ASSERT_FALSE(may_start());
        over_ = running_.empty();
        if (!over_) report();
        break;
    }
  }

  void start(double fidelity) {
    const auto id = static_cast<std::int64_t>(trials.size()) + 1;
    Trial& trial = trials[id];
    trial.id = id;
    ASSERT_GT(fidelity, 0);
    both([&](Schedule& schedule) { schedule.started(id); });
    if (random_.uniform() < options_.refusals) {
      end(trial, TrialState::pruned);
      return;
    }
    occupy(trial, fidelity);
  }

  void resume(const Decision& decision) {
    const auto found = trials.find(decision.trial);
    ASSERT_NE(found, trials.end());
    Trial& trial = found->second;
    ASSERT_EQ(trial.state, TrialState::paused);
    ASSERT_GT(decision.fidelity, trial.fidelity) << "resumed for nothing";
    EXPECT_TRUE(promotions_.insert({trial.id, trial.fidelity}).second) << "promoted twice from one rung";
    occupy(trial, decision.fidelity);
  }

  void occupy(Trial& trial, double fidelity) {
    trial.state = TrialState::running;
    trial.target_fidelity = fidelity;
    running_.push_back(trial.id);
  }

  // One of the running trials, whichever.
  void report() {
    const std::size_t which = random_.below(running_.size());
    Trial& trial = trials.at(running_[which]);
    if (random_.uniform() < options_.failures) {
      free(which);
      end(trial, TrialState::failed);
      return;
    }
    trial.fidelity = random_.uniform() < 0.5 ? trial.target_fidelity
                                             : std::min(trial.target_fidelity, std::floor(trial.fidelity) + 1);
    Measurement measurement{trial.fidelity, 1, {{"accuracy", accuracy()}, {"loss", accuracy()}}};
    trial.measurements.push_back(measurement);
    bool goes_on = true;
    both([&](Schedule& schedule) { goes_on = schedule.measured(trial, measurement); });
    if (!goes_on) {
      free(which);
      end(trial, TrialState::pruned);
    } else if (trial.fidelity == trial.target_fidelity) {
      bool complete = true;
      both([&](Schedule& schedule) { complete = schedule.reached(trial); });
      free(which);
      if (complete) {
        end(trial, TrialState::complete);
      } else {
        trial.state = TrialState::paused;
      }
    }
  }

  // Often the same as another's, at times no number.
  double accuracy() {
    if (random_.uniform() < 0.02) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(random_.below(20)) / 20;
  }

  void end(Trial& trial, TrialState state) {
    trial.state = state;
    both([&](Schedule& schedule) { schedule.finished(trial); });
  }

  void free(std::size_t which) { running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which)); }

  template <class Call>
  void both(Call call) {
    call(*twin_);
    call(*schedule_);
  }

  StudyOptions options_;
  Random random_;
  std::vector<Objective> objectives_;
  std::unique_ptr<Schedule> schedule_, twin_;
  std::size_t workers_;
  std::size_t most_trials_;
  std::vector<std::int64_t> running_;
  std::set<std::pair<std::int64_t, double>> promotions_;
  bool over_ = false;
};

std::vector<std::string> texts() {
  std::vector<std::string> all;
  for (const ScheduleRow& row : schedules()) all.push_back("{name: " + row.name + "}");
  for (const char* more :
       {"{name: hyperband, rounding: ceil}", "{name: hyperband, resource: additional}",
        "{name: hyperband, skip_last: 1}", "{name: diagonal, rounding: ceil, skip_last: 2}", "{name: diagonal, eta: 2}",
        "{name: successive_halving, trials: 7, eta: 2}", "{name: asha, mode: stopping}",
        "{name: asha, eta: 2, min_resource: 0.5}", "{name: median_stopping, min_trials: 1, grace: 0}"}) {
    all.push_back(more);
  }
  return all;
}

class ScheduleContract : public testing::TestWithParam<std::string> {};

TEST_P(ScheduleContract, HoldsInRandomStudies) {
  for (std::uint64_t seed = 0; seed < 60 && !HasFailure(); ++seed) {
    RandomStudy study({GetParam(), seed});
    study.run();
    EXPECT_FALSE(HasFailure()) << GetParam() << ", seed " << seed;
    for (const auto& [id, trial] : study.trials) EXPECT_NE(trial.state, TrialState::running);
  }
}

TEST_P(ScheduleContract, FailuresAloneEndToo) {
  for (std::uint64_t seed = 0; seed < 20 && !HasFailure(); ++seed) {
    RandomStudy study({GetParam(), seed, 1.0});
    study.run();
    for (const auto& [id, trial] : study.trials) {
      EXPECT_TRUE(trial.state == TrialState::failed || trial.fidelity == 0) << "trial " << id;
    }
  }
}

TEST_P(ScheduleContract, SomeTrialIsComplete) {
  for (std::uint64_t seed = 0; seed < 20 && !HasFailure(); ++seed) {
    const auto schedule = schedule_of(GetParam(), full_fidelity);
    Random random(seed);
    DriverOptions options;
    options.workers = static_cast<int>(1 + random.below(8));
    options.trials = static_cast<std::int64_t>(1 + random.below(60));
    options.accuracy = [&](std::int64_t, double) { return random.uniform(); };
    options.seconds = [](std::int64_t id) { return 1.0 + static_cast<double>(id * 7 % 10); };
    options.report_every = 1;
    const Driven driven = Driver(*schedule, options).run();
    EXPECT_TRUE(driven.finished) << "seed " << seed;
    EXPECT_EQ(driven.trials.size(), static_cast<std::size_t>(options.trials));
    int complete = 0;
    for (const auto& [id, trial] : driven.trials) complete += trial.state == TrialState::complete ? 1 : 0;
    EXPECT_GT(complete, 0) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ScheduleContract, testing::ValuesIn(texts()), [](const auto& instance) {
  std::string name;
  for (const char c : instance.param.substr(7)) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace
}  // namespace netwright
