#include "netwright/bench/learning_curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "netwright/base/error.h"

namespace netwright {
namespace {

using testing::HasSubstr;

class LearningCurvesTest : public testing::Test {
 protected:
  static std::string file(const std::string& content) {
    const std::string path = testing::TempDir() + "netwright-curves-" +
                             testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
    std::ofstream(path) << content;
    return path;
  }
  static std::string error_of(const std::string& content, const LearningCurveOptions& options = {}) {
    try {
      const LearningCurveEvaluator evaluator(file(content), options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }
  static Configuration edges(const std::string& first, const std::string& second) {
    return Configuration({{"edge_01", first}, {"edge_02", second}});
  }
};

TEST_F(LearningCurvesTest, ReadsCurves) {
  LearningCurveOptions options;
  options.seconds = "seconds";
  const LearningCurveEvaluator curves(file("edges_01_02,seconds,test_acc,v1,v2,v3\n"
                                           "03,30,71,10,20,30\n13,6,82,40,50.5,60\n"),
                                      options);
  EXPECT_EQ(curves.size(), 2U);
  EXPECT_EQ(curves.full_fidelity(), 3);
  ASSERT_EQ(curves.space().choices().size(), 2U);
  Random random(1);
  const Configuration sampled = curves.space().sample(random);
  EXPECT_GT(curves.test_accuracy(sampled), 70);

  const Value zero = *sampled.find("edge_02");
  EXPECT_EQ(to_string(zero), "3");
  const bool first = to_string(*sampled.find("edge_01")) == "0";
  const Measurement measurement = curves.evaluate(sampled, 1, 2);
  EXPECT_EQ(measurement.fidelity, 2);
  EXPECT_DOUBLE_EQ(measurement.seconds, first ? 10 : 2);
  EXPECT_DOUBLE_EQ(measurement.metrics.at("accuracy"), first ? 0.2 : 0.505);
  EXPECT_EQ(measurement.metrics.size(), 1U) << "the search sees nothing else";
  EXPECT_EQ(curves.evaluate(sampled, 0, 2.9).metrics, measurement.metrics) << "the last whole epoch";
  EXPECT_EQ(curves.evaluate(sampled, 0, 0.5).metrics, curves.evaluate(sampled, 0, 1).metrics);
  EXPECT_EQ(curves.final_validation_accuracy(sampled), first ? 30 : 60);
  EXPECT_EQ(curves.test_accuracy(sampled), first ? 71 : 82);
}

TEST_F(LearningCurvesTest, NetworksThatAreMissingAreNamed) {
  const LearningCurveEvaluator curves(file("edges_01_02,test_acc,v1\n03,10,10\n14,20,20\n"));
  try {
    curves.evaluate(edges("0", "4"), 0, 1);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no row for"));
    EXPECT_THAT(error.what(), HasSubstr("edge_02"));
  }
}

TEST_F(LearningCurvesTest, MistakesAreNamedWithTheirLine) {
  const std::string head = "edges_01_02,test_acc,v1,v2\n";
  EXPECT_THAT(error_of(head + "03,10,10,10\n03,10,10,10\n"),
              HasSubstr(".csv:3:1: the network has come before, in line 2"));
  EXPECT_THAT(error_of(head + "03,10,10,10\n\n13,10,10\n"), HasSubstr(".csv:4:1: 3 cells"));
  EXPECT_THAT(error_of(head + "03,10,10,10\n1,10,10,10\n"), HasSubstr(".csv:3:1: '1' in column 'edges_01_02'"));
  EXPECT_THAT(error_of(head + "0x,10,10,10\n"), HasSubstr(".csv:2:1: '0x'"));
  EXPECT_THAT(error_of(head + "03,10,10,ten\n"), HasSubstr(".csv:2:1: 'ten' in column 'v2'"));
  EXPECT_THAT(error_of(head + "03,10,,10\n"), HasSubstr(".csv:2:1: '' in column 'v1'"));
  EXPECT_THAT(error_of(head + "03,10,10,nan\n"), HasSubstr(".csv:2:1: 'nan' in column 'v2'"));
  EXPECT_THAT(error_of(head + "03,10,10,100.5\n"), HasSubstr(".csv:2:1: 100.5 in column 'v2' is no percentage"));
  EXPECT_THAT(error_of(head + "03,-1,10,10\n"), HasSubstr("column 'test_acc' is no percentage"));
  EXPECT_THAT(error_of(head), HasSubstr("no rows"));
  EXPECT_THAT(error_of(""), HasSubstr(".csv:1:1: there is no header"));
  EXPECT_THAT(error_of("edge,test_acc,v1\n03,10,10\n"), HasSubstr(".csv:1:1: there is no column edges_"));
  EXPECT_THAT(error_of("edges_01_02,test_acc,v2\n03,10,10\n"), HasSubstr(".csv:1:1: there is no column 'v1'"));
  EXPECT_THAT(error_of("edges_01_02,v1\n03,10\n"), HasSubstr(".csv:1:1: there is no column 'test_acc'"));
  LearningCurveOptions timed;
  timed.seconds = "seconds";
  EXPECT_THAT(error_of("edges_01_02,test_acc,seconds,v1\n03,10,-1,10\n", timed), HasSubstr(".csv:2:1: negative"));
  EXPECT_THAT(error_of("edges_01_02,test_acc,v1\n03,10,10\n", timed), HasSubstr("there is no column 'seconds'"));
}

}  // namespace
}  // namespace netwright
