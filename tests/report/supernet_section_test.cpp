#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/report/architecture_history.h"
#include "netwright/report/figures.h"
#include "netwright/report/report.h"
#include "report/example_study.h"
#include "report/markup.h"

namespace netwright {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

TEST(ArchitectureHistory, ReadsRecordsAndSigns) {
  const ReportInput input = one_shot_study();
  const ArchitectureHistory history = architecture_history(input);
  ASSERT_EQ(history.epochs.size(), 50u);
  EXPECT_EQ(history.trial, &input.trials[0]);
  EXPECT_EQ(history.records[49].groups.at(1).rows.size(), 14u);
  ASSERT_EQ(history.signs.size(), 2u);
  EXPECT_EQ(history.signs[1].epoch, 30);
  EXPECT_EQ(history.kinds.at("none"), "none");
  EXPECT_EQ(history.kinds.at("skip_connect"), "skip");
  EXPECT_EQ(history.kinds.at("max_pool_3x3"), "op0");
  EXPECT_EQ(history.kinds.at("dil_conv_5x5"), "op5");
}

TEST(ArchitectureHistory, PassesOverWhatDoesNotFit) {
  ReportInput input = one_shot_study();
  input.trials[0].measurements[3].details = Json();
  input.trials[0].measurements[4].details["architecture"] = "damaged";
  input.trials[0].measurements[5].details["architecture"]["groups"].erase(1);
  EXPECT_EQ(architecture_history(input).epochs.size(), 47u);
  EXPECT_EQ(markup_problem(html_report(input)), "");
  EXPECT_TRUE(architecture_history(example_study()).empty());
}

TEST(SupernetSection, TellsAndDrawsTheSearch) {
  const ReportInput input = one_shot_study();
  const std::string page = html_report(input);
  EXPECT_EQ(markup_problem(page), "");
  EXPECT_THAT(page, HasSubstr("<section id=\"supernet\">"));
  EXPECT_THAT(page, HasSubstr("A sign of collapse in epoch 30: the dominant eigenvalue rose"));
  EXPECT_THAT(page, HasSubstr("The decoded network changed in "));
  for (const std::string heading :
       {"Supernet against decoded network", "Curvature in the architecture", "How decided the architecture is",
        "Skip connections and changes", "What each decision was decoded to", "Weights of the options over epochs"}) {
    EXPECT_THAT(page, HasSubstr(heading));
  }
  EXPECT_EQ(occurrences(page, "class=\"p-weight"), 2u * 14 * 8) << "a line for each option of each edge";
  EXPECT_THAT(page, Not(HasSubstr("id=\"progress\""))) << "one long trial has no progress over trials";
  EXPECT_THAT(html_report(example_study()), Not(HasSubstr("id=\"supernet\"")));
}

TEST(SupernetSection, SaysHowItEndedOrThatNothingWasSeen) {
  ReportInput input = one_shot_study();
  input.trials[0].state = TrialState::complete;
  input.trials[0].message = "stopped after epoch 50, with the architecture of epoch 17: it rose";
  EXPECT_THAT(html_report(input), HasSubstr("The search ended by itself: stopped after epoch 50, with the "));
  input.trials[0].message.clear();
  for (Measurement& measurement : input.trials[0].measurements) measurement.details.erase("signs");
  EXPECT_THAT(html_report(input), HasSubstr("No sign of collapse was seen in the epochs 10 to 50."));
  for (Measurement& measurement : input.trials[0].measurements) measurement.metrics.erase("collapse");
  EXPECT_THAT(html_report(input), Not(HasSubstr("No sign of collapse")));
}

TEST(SupernetSection, OfTheFirstEpochAndOfOtherMeasures) {
  ReportInput input = one_shot_study();
  input.trials[0].measurements.resize(1);
  EXPECT_EQ(markup_problem(html_report(input)), "");
  EXPECT_THAT(html_report(input), HasSubstr("One epoch has been measured."));
  input.trials[0].measurements[0].metrics = {{"accuracy", 0.5}};
  const std::string page = html_report(input);
  EXPECT_EQ(markup_problem(page), "");
  EXPECT_THAT(page, Not(HasSubstr("Curvature in the architecture")));
}

TEST(SupernetSection, EscapesNames) {
  ReportInput input = one_shot_study();
  const std::string text = "<script>\"&'";
  for (Measurement& measurement : input.trials[0].measurements) {
    Json& group = measurement.details["architecture"]["groups"][0];
    group["name"] = text;
    group["options"][2] = text;
    group["rows"][0] = text;
    measurement.details["signs"] = to_json(std::vector<CollapseSign>{{text, text}});
  }
  const std::string page = html_report(input);
  EXPECT_EQ(markup_problem(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(Evolution, StretchesOfTheSameOptionAreOne) {
  Evolution chart{.title = "t",
                  .options = {{"skip_connect", "skip"}, {"conv", "op0"}},
                  .epochs = {1, 2, 3, 4, 5},
                  .rows = {{"n0 ← p0", {1, 1, -1, 0, 0}}}};
  const std::string picture = draw(chart);
  EXPECT_EQ(markup_problem(picture), "");
  EXPECT_EQ(occurrences(picture, "class=\"p-stretch"), 2u);
  EXPECT_THAT(picture, HasSubstr("n0 ← p0, epochs 1 to 2: conv"));
  EXPECT_THAT(picture, HasSubstr("n0 ← p0, epochs 4 to 5: skip_connect"));
}

TEST(Multiples, LongSearchesAreThinnedOut) {
  Multiples chart{.title = "t", .options = {{"a", "op0"}, {"b", "op1"}}, .epochs = {}, .panels = {{"x", {{}, {}}, 0}}};
  for (int epoch = 1; epoch <= 1000; ++epoch) {
    chart.epochs.push_back(epoch);
    chart.panels[0].weights[0].push_back(0.5);
    chart.panels[0].weights[1].push_back(0.5);
  }
  const std::string picture = draw(chart);
  EXPECT_LT(picture.size(), 6000u);
  EXPECT_EQ(markup_problem(picture), "");
}

TEST(Multiples, EdgesIntoOneNodeStandInARow) {
  EXPECT_EQ(node_of("n1 ← p0"), "n1");
  EXPECT_EQ(node_of("edge_0_1"), "");
  Multiples chart{.title = "t", .options = {{"a", "op0"}}, .epochs = {1, 2}, .panels = {}};
  for (const std::string name : {"n0 ← p0", "n0 ← p1", "n1 ← p0", "n1 ← p1", "n1 ← n0"}) {
    chart.panels.push_back({name, {{1, 1}}, 0});
  }
  const std::string rows = draw(chart);
  EXPECT_EQ(markup_problem(rows), "");
  for (auto& panel : chart.panels) panel.name = "edge";
  EXPECT_NE(rows.substr(0, 120), draw(chart).substr(0, 120)) << "two rows against one";
}

}  // namespace
}  // namespace netwright
