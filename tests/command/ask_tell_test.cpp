// The verbs for a study of one's own, as a shell script would use them.

#include <gtest/gtest.h>

#include <cmath>

#include "command/process.h"
#include "netwright/base/json.h"

namespace netwright {
namespace {

constexpr const char* experiment =
    "name: lab\n"
    "seed: 3\n"
    "space:\n"
    "  choices:\n"
    "    rate: {real: [1e-4, 1.0], log: true}\n"
    "    kind: [a, b, c]\n"
    "recipe: {epochs: 9}\n"
    "search: {strategy: tpe, schedule: {name: asha, eta: 3}, budget: {trials: 12}}\n"
    "execution: {fleet: external}\n";

Json json_of(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return Json::parse(outcome.out, nullptr, false);
}

TEST(AskTell, AScriptDrivesAStudyUnderASchedule) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment);
  int resumed = 0;
  int asked = 0;
  Json trial = json_of(sandbox.run("ask e.yaml --json"));
  for (; !trial.at("trial").is_null(); trial = json_of(sandbox.run("ask lab --json"))) {
    ASSERT_LT(++asked, 100);
    resumed += trial.at("from").get<double>() > 0 ? 1 : 0;
    const double rate = trial.at("configuration").at("rate");
    const double accuracy = 0.9 - 0.1 * std::abs(std::log10(rate) + 2) + 0.001 * trial.at("fidelity").get<double>();
    const Json told = json_of(sandbox.run("tell lab " + std::to_string(trial.at("trial").get<int>()) +
                                          " accuracy=" + std::to_string(accuracy) + " --json"));
    EXPECT_NE(told.at("trial").at("state"), "running");
  }
  EXPECT_EQ(trial.at("state"), "complete");
  EXPECT_GT(resumed, 0);
  const Json best = json_of(sandbox.run("best lab --json"));
  EXPECT_TRUE(best.is_object());
  EXPECT_EQ(sandbox.run("report lab").exit_code, 0);

  EXPECT_EQ(sandbox.run("narrow lab --top 3").exit_code, 0) << sandbox.read("err.txt");
  EXPECT_EQ(sandbox.run("check lab-narrow.yaml").exit_code, 0) << sandbox.read("err.txt");
  EXPECT_EQ(sandbox.run("narrow lab").exit_code, 3) << "the file exists";
}

TEST(AskTell, ImportedTrialsComeWithTheirLineWhenTheyAreWrong) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment);
  sandbox.write("bad.csv", "rate,kind,accuracy\n0.1,a,0.5\n0.1,d,0.5\n");
  sandbox.write("good.csv", "rate,kind,accuracy,seconds\n0.1,a,0.5,3\n0.01,b,0.9,4\n");
  const Outcome bad = sandbox.run("import e.yaml bad.csv");
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_NE(bad.err.find("bad.csv:3:1: 'd' is no value of choice 'kind'"), std::string::npos) << bad.err;
  EXPECT_EQ(json_of(sandbox.run("import e.yaml good.csv --json")).at("imported"), 2);
  EXPECT_EQ(json_of(sandbox.run("ask lab --json")).at("trial"), 3);
}

TEST(AskTell, WhatCannotBeIsRefused) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment);
  EXPECT_EQ(sandbox.run("run e.yaml").exit_code, 3);
  EXPECT_EQ(sandbox.run("ask nosuch").exit_code, 3);
  ASSERT_EQ(sandbox.run("ask e.yaml").exit_code, 0);
  EXPECT_EQ(sandbox.run("resume lab").exit_code, 3);
  EXPECT_EQ(sandbox.run("tell lab 1").exit_code, 2);
  EXPECT_EQ(sandbox.run("tell lab 1 accuracy=high").exit_code, 2);
  EXPECT_EQ(sandbox.run("tell lab 2 accuracy=0.5").exit_code, 3);
  EXPECT_EQ(sandbox.run("tell lab 1 accuracy=0.5 --fidelity 100").exit_code, 3);
  EXPECT_EQ(sandbox.run("tell lab 1 --failed 'power cut'").exit_code, 0);
  EXPECT_EQ(sandbox.run("bench nas-bench-201 --table absent.csv --strategy random").exit_code, 3);
  EXPECT_NE(sandbox.read("err.txt").find("absent.csv"), std::string::npos);
}

}  // namespace
}  // namespace netwright
