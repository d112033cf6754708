#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/trial/trial.h"

namespace netwright {
namespace {

Trial sample() {
  Trial trial;
  trial.id = 9;
  trial.state = TrialState::pruned;
  trial.purpose = TrialPurpose::baseline;
  trial.configuration.set("op", std::string("none"));
  trial.configuration.set("rate", 1.0);
  trial.configuration.set("width", std::int64_t{16});
  trial.configuration.set("flip", false);
  trial.network_hash = "abc";
  trial.seed = ~std::uint64_t{0};
  trial.target_fidelity = 27;
  trial.fidelity = 0.1;
  trial.measurements = {{0.1, 2.5, {{"accuracy", 0.25}, {"loss", std::numeric_limits<double>::infinity()}}}};
  trial.reason = "constraint";
  trial.message = "ü\n\"";
  trial.checkpoint = "trials/9/model.ckpt";
  trial.copied_from = 1;
  trial.source = 2;
  trial.attempts = 4;
  trial.worker = 5;
  trial.started = 6.5;
  trial.finished = 7.5;
  return trial;
}

TEST(Trial, JsonIsLossless) {
  const Json json = to_json(sample());
  const Trial back = trial_from_json(Json::parse(json.dump()));
  EXPECT_EQ(to_json(back), json);
  EXPECT_EQ(back.configuration, sample().configuration);
  EXPECT_EQ(back.seed, sample().seed);
  EXPECT_EQ(back.measurements[0].metrics, sample().measurements[0].metrics);
}

TEST(Trial, NumbersThatJsonLacksSurvive) {
  Measurement measurement{1, 0, {{"a", std::nan("")}, {"b", -std::numeric_limits<double>::infinity()}}};
  const Measurement back = measurement_from_json(Json::parse(to_json(measurement).dump()));
  EXPECT_TRUE(std::isnan(back.metrics.at("a")));
  EXPECT_EQ(back.metrics.at("b"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(measurement_from_json(Json::parse(R"({"metrics":{"a":null}})")).metrics.at("a")));
}

TEST(Trial, MalformedDocumentsAreErrors) {
  for (const char* text : {"[]", "3", R"({"id":"x"})", R"({"state":"dancing"})", R"({"purpose":"fun"})",
                           R"({"measurements":3})", R"({"measurements":[3]})", R"({"measurements":[{"metrics":[]}]})",
                           R"({"measurements":[{"metrics":{"a":"b"}}]})", R"({"configuration":[]})",
                           R"({"fidelity":"much"})", R"({"message":3})"}) {
    EXPECT_THROW(trial_from_json(Json::parse(text)), Error) << text;
  }
}

TEST(Trial, WordsOfStatesAndPurposes) {
  for (const auto state : {TrialState::waiting, TrialState::running, TrialState::paused, TrialState::complete,
                           TrialState::pruned, TrialState::failed}) {
    EXPECT_EQ(trial_state_from_string(to_string(state)), state);
    EXPECT_EQ(is_finished(state),
              state == TrialState::complete || state == TrialState::pruned || state == TrialState::failed);
  }
  for (const auto purpose : {TrialPurpose::search, TrialPurpose::retrain, TrialPurpose::baseline}) {
    EXPECT_EQ(trial_purpose_from_string(to_string(purpose)), purpose);
  }
  EXPECT_THROW(trial_state_from_string("done"), Error);
  EXPECT_THROW(trial_purpose_from_string(""), Error);
}

TEST(Trial, LastMetricIsTheLatestThatHasIt) {
  Trial trial;
  EXPECT_FALSE(last_metric(trial, "accuracy"));
  trial.measurements = {{1, 0, {{"accuracy", 0.1}, {"latency_ms", 3}}}, {2, 0, {{"accuracy", 0.2}}}};
  EXPECT_EQ(last_metric(trial, "accuracy"), 0.2);
  EXPECT_EQ(last_metric(trial, "latency_ms"), 3);
  EXPECT_FALSE(last_metric(trial, "loss"));
}

}  // namespace
}  // namespace netwright
