#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/schedule/schedule.h"

namespace netwright {
namespace {

using testing::HasSubstr;

TEST(FullSchedule, GivesEveryTrialTheFullFidelity) {
  const Yaml options = parse_yaml("name: full", "test");
  const auto schedule = make_schedule({{Objective{}}, 12.5, options});
  for (int id = 1; id <= 10; ++id) {
    const Decision decision = schedule->next(true);
    EXPECT_EQ(decision.kind, Decision::Kind::start_new);
    EXPECT_EQ(decision.fidelity, 12.5);
    schedule->started(id);
    Trial trial;
    trial.id = id;
    EXPECT_TRUE(schedule->measured(trial, Measurement{1, 1, {{"accuracy", 0.0}}}));
    EXPECT_TRUE(schedule->reached(trial));
    trial.state = TrialState::complete;
    schedule->finished(trial);
  }
}

TEST(Schedules, MistakesAreErrorsAtTheirPlace) {
  const auto error_of = [](const std::string& text) -> std::string {
    const Yaml options = parse_yaml(text, "experiment.yaml");
    try {
      make_schedule({{Objective{}}, 1, options});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(error_of("name: ful"), HasSubstr("experiment.yaml:1:7"));
  EXPECT_THAT(error_of("name: ful"), HasSubstr("'full'"));
  EXPECT_THAT(error_of("name: full\neta: 3"), HasSubstr("experiment.yaml:2"));
  EXPECT_THAT(error_of("{}"), HasSubstr("no name"));
}

}  // namespace
}  // namespace netwright
