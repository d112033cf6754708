// The process fleet against small trainers that behave, misbehave and die.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/fleet/fleet.h"

namespace netwright {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double patience = 60;  // seconds after which a test gives up; nothing should take so long

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Shell functions for trainers: lines as the protocol wants them.
constexpr const char* prelude = R"(#!/bin/sh
ready() { echo '{"type":"ready","trainer":"sh","classes":10,"about":{"pid":'$$'}}'; }
measured() { echo '{"type":"measured","trial":'$1',"fidelity":'$2',"metrics":{"accuracy":0.5}}'; }
finished() { echo '{"type":"finished","trial":'$1',"state":"'$2'"}'; }
trial_of() { echo "$1" | sed 's/.*"trial":\([0-9]*\).*/\1/'; }
)";

// Answers hello, and each start with one measurement.
constexpr const char* good_trainer = R"(
while read -r line; do
  case "$line" in
    *'"type":"hello"'*) ready ;;
    *'"type":"start"'*) trial=$(trial_of "$line"); measured "$trial" 1 ;;
    *'"type":"test"'*) trial=$(trial_of "$line"); finished "$trial" complete ;;
    *'"type":"continue"'*) finished "$trial" complete ;;
    *'"type":"stop"'*) finished "$trial" paused ;;
    *'"type":"quit"'*) exit 0 ;;
  esac
done
)";

class ProcessFleetTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "netwright_fleet_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    options_.log_folder = pattern;
    options_.hello.study = "test";
    options_.grace_seconds = 0.5;
  }
  void TearDown() override {
    fleet_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start(const std::string& script, int workers = 1) {
    const std::string path = (folder_ / "trainer.sh").string();
    write_file_atomically(path, prelude + script);
    options_.command = {"/bin/sh", path};
    options_.workers = workers;
    fleet_ = make_process_fleet(options_);
  }

  // The next event, which must come.
  FleetEvent next() {
    const double until = seconds_now() + patience;
    while (pending_.empty() && seconds_now() < until) {
      for (auto& event : fleet_->poll(1)) pending_.push_back(std::move(event));
    }
    if (pending_.empty()) throw std::runtime_error("no event");
    FleetEvent event = std::move(pending_.front());
    pending_.erase(pending_.begin());
    return event;
  }

  Ready next_ready() {
    const FleetEvent event = next();
    return std::get<SlotReady>(event.what).ready;
  }
  template <class T>
  T next_report() {
    const FleetEvent event = next();
    return std::get<T>(std::get<SlotReport>(event.what).report);
  }
  SlotDied next_death() {
    const FleetEvent event = next();
    return std::get<SlotDied>(event.what);
  }
  pid_t pid_of(const Ready& ready) { return ready.about.at("pid").get<pid_t>(); }

  Start trial(std::int64_t id) {
    Start start;
    start.trial = id;
    start.fidelity = 1;
    start.folder = folder_.string();
    return start;
  }

  // The Error that poll() ends in, after whatever events.
  std::optional<Error> final_error() {
    const double until = seconds_now() + patience;
    try {
      while (seconds_now() < until) fleet_->poll(1);
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }

  std::filesystem::path folder_;
  ProcessFleetOptions options_;
  std::unique_ptr<Fleet> fleet_;
  std::vector<FleetEvent> pending_;
};

bool is_alive(pid_t pid) {
  if (::kill(pid, 0) != 0) return false;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  file >> number >> name >> state;
  return state != "Z";
}

TEST_F(ProcessFleetTest, RunsTrialsOneAfterTheOther) {
  start(good_trainer);
  const Ready ready = next_ready();
  EXPECT_EQ(ready.trainer, "sh");
  EXPECT_EQ(ready.classes, 10);
  for (int id = 1; id <= 3; ++id) {
    fleet_->send(0, trial(id));
    EXPECT_EQ(next_report<Measured>().trial, id);
    fleet_->send(0, Continue{});
    const auto finished = next_report<Finished>();
    EXPECT_EQ(finished.trial, id);
    EXPECT_EQ(finished.state, TrialState::complete);
  }
  fleet_->send(0, netwright::Test{3, "model.ckpt"});
  EXPECT_EQ(next_report<Finished>().state, TrialState::complete);
}

TEST_F(ProcessFleetTest, StopPauses) {
  start(good_trainer);
  next_ready();
  fleet_->send(0, trial(1));
  next_report<Measured>();
  fleet_->send(0, Stop{});
  EXPECT_EQ(next_report<Finished>().state, TrialState::paused);
  fleet_->send(0, Stop{});      // too late: dropped
  fleet_->send(0, Continue{});  // likewise
  fleet_->send(0, trial(2));
  EXPECT_EQ(next_report<Measured>().trial, 2);
}

TEST_F(ProcessFleetTest, WorkersRunSideBySide) {
  start(good_trainer, 3);
  EXPECT_EQ(fleet_->slots(), 3);
  std::vector<int> slots;
  std::vector<pid_t> pids;
  for (int i = 0; i < 3; ++i) {
    const FleetEvent event = next();
    slots.push_back(event.slot);
    pids.push_back(pid_of(std::get<SlotReady>(event.what).ready));
  }
  EXPECT_THAT(slots, testing::UnorderedElementsAre(0, 1, 2));
  for (int slot = 0; slot < 3; ++slot) fleet_->send(slot, trial(slot + 1));
  for (int i = 0; i < 3; ++i) {
    const FleetEvent event = next();
    EXPECT_EQ(std::get<Measured>(std::get<SlotReport>(event.what).report).trial, event.slot + 1);
  }
  fleet_->shutdown();
  for (const pid_t pid : pids) EXPECT_FALSE(is_alive(pid));
  EXPECT_TRUE(fleet_->poll(0).empty());
}

TEST_F(ProcessFleetTest, TrainerHasItsThreadsAndGroup) {
  options_.hello.threads = 3;
  start(R"(read -r line
echo "{\"type\":\"ready\",\"trainer\":\"$OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $MKL_NUM_THREADS\",\"about\":{\"pid\":$$}}"
read -r line)");
  const Ready ready = next_ready();
  EXPECT_EQ(ready.trainer, "3 3 3");
  EXPECT_EQ(::getpgid(pid_of(ready)), pid_of(ready));
  EXPECT_NE(::getpgid(0), pid_of(ready));
}

TEST_F(ProcessFleetTest, KilledTrainerFailsItsTrialAndAnotherIsStarted) {
  start(good_trainer);
  const pid_t first = pid_of(next_ready());
  fleet_->send(0, trial(1));
  next_report<Measured>();
  ::kill(first, SIGKILL);
  const SlotDied death = next_death();
  EXPECT_EQ(death.reason, "crash");
  EXPECT_THAT(death.message, HasSubstr("signal 9 (SIGKILL)"));
  const pid_t second = pid_of(next_ready());
  EXPECT_NE(first, second);
  fleet_->send(0, trial(1));
  EXPECT_EQ(next_report<Measured>().trial, 1);
}

TEST_F(ProcessFleetTest, CrashTellsStatusAndLastErrors) {
  start(R"(read -r line; ready; read -r line; echo 'all is lost' >&2; exit 3)");
  next_ready();
  fleet_->send(0, trial(1));
  const SlotDied death = next_death();
  EXPECT_EQ(death.reason, "crash");
  EXPECT_THAT(death.message, HasSubstr("exit status 3"));
  EXPECT_THAT(death.message, HasSubstr("all is lost"));
  EXPECT_THAT(read_file((folder_ / "trainer-0.log").string()), HasSubstr("all is lost"));
}

TEST_F(ProcessFleetTest, ErrorsOfAnEarlierTrainerAreNotQuoted) {
  write_file_atomically((folder_ / "trainer-0.log").string(), "of yesterday\n");
  start(R"(read -r line; ready; read -r line; exit 1)");
  next_ready();
  fleet_->send(0, trial(1));
  EXPECT_THAT(next_death().message, Not(HasSubstr("yesterday")));
}

TEST_F(ProcessFleetTest, ReportsBeforeTheEndComeFirst) {
  start(R"(read -r line; ready; read -r line; measured 1 1; finished 1 complete; exit 1)");
  next_ready();
  fleet_->send(0, trial(1));
  next_report<Measured>();
  next_report<Finished>();
  EXPECT_EQ(next_death().reason, "crash");
}

TEST_F(ProcessFleetTest, GarbageEndsTheTrainer) {
  for (const char* line :
       {"Epoch 1/10", "{}", "{\"type\":\"finished\",\"trial\":1,\"state\":\"great\"}", "[", "\\000"}) {
    start(std::string("read -r line; ready; read -r line; printf '%b\\n' '") + line + "'; sleep 1000");
    next_ready();
    fleet_->send(0, trial(1));
    EXPECT_EQ(next_death().reason, "protocol") << line;
    pending_.clear();
  }
}

TEST_F(ProcessFleetTest, GarbageIsQuoted) {
  start(R"(read -r line; ready; read -r line; echo 'Epoch 1/10'; sleep 1000)");
  next_ready();
  fleet_->send(0, trial(1));
  EXPECT_THAT(next_death().message, HasSubstr("Epoch 1/10"));
}

TEST_F(ProcessFleetTest, ReportsThatAreOutOfPlaceEndTheTrainer) {
  for (const char* script : {"ready", "measured 2 1", "finished 2 complete"}) {
    start(std::string("read -r line; ready; read -r line; ") + script + "; sleep 1000");
    next_ready();
    fleet_->send(0, trial(1));
    EXPECT_EQ(next_death().reason, "protocol") << script;
    pending_.clear();
  }
  start("read -r line; ready; measured 1 1; sleep 1000");
  next_ready();
  EXPECT_THAT(next_death().message, HasSubstr("it had none"));
}

TEST_F(ProcessFleetTest, SilenceIsATimeout) {
  options_.silence_seconds = 0.3;
  start(R"(read -r line; ready; read -r line; sleep 1000)");
  next_ready();
  fleet_->poll(0.5);  // silence without a trial is no offence
  fleet_->send(0, trial(1));
  EXPECT_EQ(next_death().reason, "timeout");
  next_ready();
}

TEST_F(ProcessFleetTest, TrainerThatIsNeverReadyEndsTheRun) {
  options_.start_seconds = 0.2;
  start("sleep 1000");
  const auto error = final_error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ExitCode::failure);
  EXPECT_THAT(error->what(), HasSubstr("3 times"));
}

TEST_F(ProcessFleetTest, TrainerThatEndsAtOnceEndsTheRunWithItsErrors) {
  start("echo 'no such dataset' >&2; exit 7");
  const auto error = final_error();
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("exit status 7"));
  EXPECT_THAT(error->what(), HasSubstr("no such dataset"));
  EXPECT_THAT(error->remedy(), HasSubstr("trainer.sh"));
}

TEST_F(ProcessFleetTest, RefusalToStartEndsTheRunWithItsMessage) {
  start(R"(read -r line
printf '%s\n' '{"type":"finished","trial":0,"state":"failed","reason":"invalid","message":"bad.csv:3:1: no number\n  remedy: mend it"}'
sleep 1000)");
  const auto error = final_error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ExitCode::invalid);
  EXPECT_EQ(error->problem(), "bad.csv:3:1: no number");
  EXPECT_EQ(error->remedy(), "mend it");
}

TEST_F(ProcessFleetTest, ProgramThatCannotRunIsAnErrorAtOnce) {
  const std::string plain = (folder_ / "plain.txt").string();
  write_file_atomically(plain, "text");
  for (const std::string& program :
       {std::string("/nonexistent/trainer"), std::string("no-such-program-anywhere"), plain, folder_.string()}) {
    options_.command = {program};
    try {
      make_process_fleet(options_);
      ADD_FAILURE() << program;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(program));
      EXPECT_THAT(error.what(), HasSubstr("cannot be started"));
    }
  }
  options_.command = {};
  EXPECT_THROW(make_process_fleet(options_), Error);
}

TEST_F(ProcessFleetTest, ProgramIsFoundInPath) {
  options_.command = {"sh", "-c", "read -r line; echo '{\"type\":\"ready\"}'; read -r line"};
  fleet_ = make_process_fleet(options_);
  next_ready();
}

TEST_F(ProcessFleetTest, TooLongALineEndsTheTrainer) {
  options_.max_line_bytes = 1 << 16;
  start(R"(read -r line; ready; read -r line; head -c 10000000 /dev/zero | tr '\0' x; sleep 1000)");
  next_ready();
  fleet_->send(0, trial(1));
  const SlotDied death = next_death();
  EXPECT_EQ(death.reason, "protocol");
  EXPECT_THAT(death.message, HasSubstr("65536 bytes"));
}

TEST_F(ProcessFleetTest, LongAndPiecemealLinesArrive) {
  start(R"(read -r line; ready; read -r line
printf '{"type":"finished","trial":1,'; sleep 0.1; printf '"state":"failed","reason":"error","message":"'
head -c 300000 /dev/zero | tr '\0' x; printf '"}\n'; read -r line)");
  next_ready();
  fleet_->send(0, trial(1));
  EXPECT_EQ(next_report<Finished>().message.size(), 300000u);
}

// A command larger than a pipe holds, to a trainer that is slow to read: send does not block, and all of it arrives.
TEST_F(ProcessFleetTest, SlowReaderGetsLargeCommands) {
  start(R"(read -r line; ready; sleep 0.3; read -r line
size=$(printf %s "$line" | wc -c)
echo '{"type":"finished","trial":1,"state":"complete","message":"'$size'"}'; read -r line)");
  next_ready();
  Start large = trial(1);
  large.configuration.set("text", std::string(1 << 20, 'x'));
  const std::size_t size = to_line(Command(large)).size();
  fleet_->send(0, large);
  EXPECT_EQ(trim(next_report<Finished>().message), std::to_string(size));
}

TEST_F(ProcessFleetTest, TrainerThatNeverReadsDoesNotBlockUs) {
  options_.silence_seconds = 0.5;
  start(R"(read -r line; ready; sleep 1000)");
  next_ready();
  Start large = trial(1);
  large.configuration.set("text", std::string(1 << 20, 'x'));
  fleet_->send(0, large);
  EXPECT_EQ(next_death().reason, "timeout");
}

TEST_F(ProcessFleetTest, TrainerThatClosesItsInputSurvivesUntilItEnds) {
  start(R"(read -r line; exec <&-; ready; sleep 0.2; exit 4)");
  next_ready();
  fleet_->send(0, trial(1));
  EXPECT_THAT(next_death().message, HasSubstr("exit status 4"));
}

TEST_F(ProcessFleetTest, TrainerThatClosesItsOutputIsEnded) {
  start(R"(read -r line; ready; exec >&-; sleep 1000)");
  next_ready();
  EXPECT_EQ(next_death().reason, "protocol");
}

TEST_F(ProcessFleetTest, EndIsNoticedThoughAGrandchildKeepsThePipe) {
  start(R"(read -r line; ready; sleep 1000 & exit 5)");
  next_ready();
  EXPECT_THAT(next_death().message, HasSubstr("exit status 5"));
}

TEST_F(ProcessFleetTest, WhatATrainerStartedEndsWithIt) {
  start(R"(read -r line
sleep 1000 &
echo '{"type":"ready","about":{"pid":'$!'}}'
read -r line)");
  const pid_t grandchild = pid_of(next_ready());
  EXPECT_TRUE(is_alive(grandchild));
  fleet_->shutdown();
  const double until = seconds_now() + patience;
  while (is_alive(grandchild) && seconds_now() < until) ::usleep(1000);
  EXPECT_FALSE(is_alive(grandchild));
}

TEST_F(ProcessFleetTest, ShutdownEndsStubbornTrainers) {
  options_.grace_seconds = 0.2;
  start(R"(trap '' TERM; read -r line; ready; while true; do sleep 0.1; done)");
  const pid_t pid = pid_of(next_ready());
  fleet_->shutdown();
  EXPECT_FALSE(is_alive(pid));
}

TEST_F(ProcessFleetTest, SendingATrialToABusySlotIsAMistake) {
  start(good_trainer);
  EXPECT_THROW(fleet_->send(0, trial(1)), std::logic_error);  // not yet ready
  next_ready();
  fleet_->send(0, trial(1));
  EXPECT_THROW(fleet_->send(0, trial(2)), std::logic_error);
  EXPECT_THROW(fleet_->send(0, Quit{}), std::logic_error);
}

TEST_F(ProcessFleetTest, SignalEndsTheWait) {
  start(good_trainer);
  next_ready();
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ::sigaction(SIGALRM, &action, &before);
  ::ualarm(50000, 0);
  EXPECT_TRUE(fleet_->poll(patience).empty());
  ::sigaction(SIGALRM, &before, nullptr);
}

// kill -9 of the orchestrator takes its trainers with it.
TEST_F(ProcessFleetTest, TrainersDieWithTheOrchestrator) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t orchestrator = ::fork();
  if (orchestrator == 0) {
    start(R"(read -r line; ready; while true; do sleep 0.1; done)");
    const pid_t pid = pid_of(next_ready());
    if (::write(ends[1], &pid, sizeof pid) == sizeof pid) ::pause();
    ::_exit(1);
  }
  pid_t trainer = 0;
  ASSERT_EQ(::read(ends[0], &trainer, sizeof trainer), static_cast<ssize_t>(sizeof trainer));
  EXPECT_TRUE(is_alive(trainer));
  ::kill(orchestrator, SIGKILL);
  ::waitpid(orchestrator, nullptr, 0);
  const double until = seconds_now() + patience;
  while (is_alive(trainer) && seconds_now() < until) ::usleep(1000);
  EXPECT_FALSE(is_alive(trainer));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace netwright
