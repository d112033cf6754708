#include "netwright/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/report/format.h"
#include "netwright/report/html.h"
#include "netwright/report/summary.h"
#include "report/example_study.h"
#include "report/markup.h"

namespace netwright {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Report, HasEverySection) {
  const std::string page = html_report(example_study());
  EXPECT_EQ(markup_problem(page), "");
  for (const std::string id :
       {"comparison", "progress", "cost", "curves", "network", "confusion", "trials", "failures", "reproduce"}) {
    EXPECT_THAT(page, HasSubstr("<section id=\"" + id + "\">"));
  }
  const ReportInput input = example_study();
  const std::string sentence = in_words(*input.comparison, input.words);
  EXPECT_THAT(page, HasSubstr(sentence.substr(0, sentence.find("). ") + 2)));
  EXPECT_THAT(page, HasSubstr("netwright resume fashion"));
  EXPECT_THAT(page, HasSubstr("OpenBLAS 0.3.21"));
  EXPECT_THAT(page, HasSubstr("2 trials failed: 1 nan, 1 oom."));
  EXPECT_THAT(page, HasSubstr("allocation of 512 MiB refused"));
  EXPECT_THAT(page, HasSubstr("name: fashion\nseed: 7"));
}

TEST(Report, LoadsNothingFromElsewhere) {
  const std::string page = html_report(example_study());
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
}

TEST(Report, EscapesWhatUsersWrite) {
  for (const std::string text : {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a & b < c > d 'e'",
                                 "</style></title></details>", "javascript:alert(1)"}) {
    const std::string page = html_report(hostile_study(text));
    EXPECT_EQ(markup_problem(page), "") << text;
    EXPECT_THAT(page, Not(HasSubstr("<script"))) << text;
    EXPECT_THAT(page, Not(HasSubstr("<img src=x"))) << text;
    EXPECT_THAT(page, Not(HasSubstr("href=\"javascript:"))) << text;
    EXPECT_EQ(page.find("</style>"), page.rfind("</style>")) << text;
  }
}

TEST(Report, OfAnEmptyStudy) {
  ReportInput input;
  input.study.name = "empty";
  const std::string page = html_report(input);
  EXPECT_EQ(markup_problem(page), "");
  EXPECT_THAT(page, HasSubstr("No trial has been started yet."));
  EXPECT_THAT(page, Not(HasSubstr("id=\"cost\"")));
  EXPECT_THAT(page, HasSubstr("id=\"reproduce\""));
}

TEST(Report, OfOneTrial) {
  ReportInput input = example_study();
  input.trials.resize(1);
  input.comparison.reset();
  input.confusion.reset();
  input.architecture_svg.clear();
  input.final_trial = 0;
  input.study.state = "searching";
  const std::string page = html_report(input);
  EXPECT_EQ(markup_problem(page), "");
  EXPECT_THAT(page, HasSubstr("The best trial so far, #1, has validation accuracy"));
  EXPECT_THAT(page, HasSubstr("The study is still searching"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(Report, WhenAllFailed) {
  ReportInput input = example_study();
  input.trials.resize(6);
  input.comparison.reset();
  input.final_trial = 0;
  input.study.state = "failed";
  for (auto& trial : input.trials) {
    trial.state = TrialState::failed;
    trial.reason = "crash";
    trial.measurements.clear();
  }
  const std::string page = html_report(input);
  EXPECT_EQ(markup_problem(page), "");
  EXPECT_THAT(page, HasSubstr("All 6 trials failed"));
  EXPECT_THAT(page, HasSubstr("6 trials failed: 6 crash."));
}

TEST(Report, WithoutParametersOrObjectives) {
  ReportInput input = example_study();
  input.objectives = {Objective{.metric = "rmse", .maximize = false, .constraint = {}, .target = {}}};
  for (auto& trial : input.trials) {
    for (auto& measurement : trial.measurements) measurement.metrics = {{"rmse", 1.5}};
  }
  EXPECT_EQ(markup_problem(html_report(input)), "");
  input.objectives.clear();
  EXPECT_EQ(markup_problem(html_report(input)), "");
}

TEST(Report, EncodesThePicture) {
  EXPECT_EQ(svg_address("Man"), "data:image/svg+xml;base64,TWFu");
  EXPECT_EQ(svg_address("Ma"), "data:image/svg+xml;base64,TWE=");
  EXPECT_EQ(svg_address("M"), "data:image/svg+xml;base64,TQ==");
}

TEST(Summary, HoldsTheResult) {
  const ReportInput input = example_study();
  const Json json = summary(input);
  EXPECT_EQ(json.at("schema"), 1);
  EXPECT_EQ(json.at("name"), "fashion");
  EXPECT_EQ(json.at("trials").at("total"), 36);
  EXPECT_EQ(json.at("trials").at("search").at("complete"), 21);
  EXPECT_EQ(json.at("trials").at("search").at("failed"), 2);
  EXPECT_EQ(json.at("trials").at("baseline").at("complete"), 6);
  EXPECT_EQ(json.at("final").at("id"), 25);
  const double accuracy = json.at("test_accuracy").get<double>();
  EXPECT_GT(accuracy, 0);
  EXPECT_LE(accuracy, 1);
  EXPECT_EQ(json.at("final").at("metrics").at("test_accuracy"), accuracy);
  EXPECT_EQ(json.at("best").at("purpose"), "search");
  EXPECT_TRUE(json.at("best").at("configuration").contains("width"));
  EXPECT_EQ(json.at("comparison").at("verdict"), "not better");
  EXPECT_EQ(json.at("comparison").at("p"), 0.1);
  EXPECT_GT(json.at("front").size(), 1u);
}

TEST(Summary, OfAnEmptyStudyHasNulls) {
  const Json json = summary(ReportInput{});
  EXPECT_TRUE(json.at("best").is_null());
  EXPECT_TRUE(json.at("final").is_null());
  EXPECT_TRUE(json.at("test_accuracy").is_null());
  EXPECT_TRUE(json.at("comparison").is_null());
  EXPECT_FALSE(json.contains("front"));
}

TEST(Format, ReadsWell) {
  EXPECT_EQ(format_metric("test_accuracy", 0.91234), "91.23 %");
  EXPECT_EQ(format_metric("parameters", 1234567), "1.23 M");
  EXPECT_EQ(metric_title("latency_ms"), "latency (ms)");
  EXPECT_EQ(metric_title("macs"), "MACs");
  EXPECT_EQ(metric_phrase("accuracy"), "validation accuracy");
  EXPECT_EQ(fixed_text(-0.0001, 2), "0.00");
  EXPECT_EQ(fixed_text(-0.126, 2), "-0.13");
  EXPECT_EQ(date_text(0), "1970-01-01 00:00 UTC");
  EXPECT_EQ(date_text(1773500940), "2026-03-14 15:09 UTC");
}

}  // namespace
}  // namespace netwright
