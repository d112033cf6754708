// netwright bench estimators, which asks netwright-torch.
#include <gtest/gtest.h>

#include "command/process.h"
#include "netwright/base/json.h"

namespace netwright {
namespace {

TEST(BenchEstimators, PrintsWhatTheTorchProgramMeasures) {
  const Sandbox sandbox;
  const std::string document = R"({"schema": 1, "benchmark": "estimators", "gradient_norm": 0.5, "estimators": [
    {"name": "reinforce", "temperature": null, "bias": 0.01, "bias_standard_error": 0.008, "variance": 2.5,
     "variance_ratio": 1, "unbiased": true, "microseconds": 12},
    {"name": "gumbel_softmax", "temperature": 0.5, "bias": 0.2, "bias_standard_error": 0.004, "variance": 0.5,
     "variance_ratio": 0.2, "unbiased": false, "microseconds": 30}]})";
  sandbox.write("document.json", document);
  const auto program = sandbox.write("torch", "#!/bin/sh\necho \"$@\" > arguments.txt\ncat document.json\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  ::setenv("NETWRIGHT_TORCH", program.c_str(), 1);
  const Outcome text = sandbox.run("bench estimators --draws 50 --rows 2 --temperature 0.5 --temperature 2 --seed 9");
  const Outcome json = sandbox.run("bench estimators --json");
  ::unsetenv("NETWRIGHT_TORCH");
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("the exact gradient has the norm 0.5000"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("gumbel softmax"), std::string::npos) << text.out;
  const std::size_t biased = text.out.find(" biased"), unbiased = text.out.find("unbiased");
  EXPECT_LT(unbiased, biased) << text.out;
  EXPECT_EQ(Json::parse(json.out), Json::parse(document));
  EXPECT_EQ(sandbox.read("arguments.txt"),
            "estimators --rows 3 --options 4 --draws 10000 --warm-up 2000 --temperature 0.1 --temperature 0.5 "
            "--temperature 1 --temperature 2 --control-temperature 0.5 --seed 0\n");
}

TEST(BenchEstimators, RefusesWhatCannotBe) {
  const Sandbox sandbox;
  EXPECT_EQ(sandbox.run("bench estimators --options 1").exit_code, 2);
  EXPECT_EQ(sandbox.run("bench estimators --temperature 0").exit_code, 2);
}

TEST(BenchEstimators, MeasuresWithLibTorch) {
#ifndef NETWRIGHT_WITH_TORCH
  GTEST_SKIP() << "built without LibTorch";
#endif
  const Sandbox sandbox;
  const Outcome run = sandbox.run("bench estimators --rows 2 --options 3 --draws 300 --warm-up 100 --json");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json document = Json::parse(run.out);
  EXPECT_EQ(document.at("schema"), 1);
  EXPECT_EQ(document.at("draws"), 300);
  EXPECT_EQ(document.at("estimators").size(), 12u);
  EXPECT_EQ(sandbox.run("bench estimators --rows 16").exit_code, 3) << "too many networks to enumerate";
}

}  // namespace
}  // namespace netwright
