#include "netwright/report/search_charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/report/charts.h"
#include "netwright/report/figures.h"
#include "netwright/report/summary.h"
#include "report/example_study.h"
#include "report/markup.h"

namespace netwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Histogram, BordersAreRoundAndHoldAll) {
  EXPECT_THAT(histogram_borders({}), ElementsAre());
  EXPECT_THAT(histogram_borders({3}), SizeIs(2));
  std::vector<double> values;
  for (int i = 0; i <= 100; ++i) values.push_back(0.5 + i * 0.003);
  const auto borders = histogram_borders(values);
  EXPECT_LE(borders.front(), 0.5);
  EXPECT_GT(borders.back(), 0.8);
  EXPECT_THAT(borders, testing::Contains(testing::DoubleNear(0.6, 1e-9)));
  EXPECT_GE(borders.size(), 5u);
  EXPECT_LE(borders.size(), 42u);
}

TEST(Histogram, CountsEveryValueOnce) {
  Histogram histogram;
  histogram.title = "h";
  histogram.values = {1, 1, 1, 2, 3, 3, 5};
  histogram.groups = {{"retrained <b>", Role::retrained, Mark::diamond, {{4, "#9"}}}};
  const std::string svg = draw(histogram);
  EXPECT_EQ(markup_problem(svg), "");
  EXPECT_THAT(svg, HasSubstr("retrained &lt;b&gt;"));
  EXPECT_THAT(svg, HasSubstr("<title>#9</title>"));
  EXPECT_THAT(svg, HasSubstr(": 3 trials</title>"));
  EXPECT_EQ(occurrences(svg, " trials</title>"), 4u);
}

TEST(Charts, SayNothingOfTooLittle) {
  ReportInput input = example_study();
  input.trials.resize(1);
  EXPECT_TRUE(results_chart(input).empty());
  EXPECT_TRUE(timeline_chart(input).empty());
  EXPECT_TRUE(choices_chart(input, std::nullopt).empty());
  EXPECT_TRUE(rungs_chart(input).empty());
  EXPECT_FALSE(importance(input));
  input = example_study();
  input.choices.clear();
  EXPECT_TRUE(choices_chart(input, importance(input)).empty());
  EXPECT_TRUE(rungs_chart(input).empty());
}

TEST(Charts, AreWellFormed) {
  for (const ReportInput& input : {example_study(), halving_study(), large_study(60), hostile_study("<b>&\"</b>")}) {
    const auto known = importance(input);
    for (const Chart& chart : {results_chart(input), timeline_chart(input), choices_chart(input, known),
                               rungs_chart(input), known ? importance_chart(input, *known) : Chart{}}) {
      EXPECT_EQ(markup_problem(chart.picture), "");
      EXPECT_THAT(chart.picture, Not(HasSubstr("=\"nan")));
      EXPECT_EQ(chart.caption.empty(), chart.empty());
    }
  }
}

TEST(ResultsChart, MarksTheRetrainedNetworks) {
  const Chart chart = results_chart(example_study());
  EXPECT_THAT(chart.picture, HasSubstr("best, retrained"));
  EXPECT_THAT(chart.picture, HasSubstr("random, retrained"));
  EXPECT_THAT(chart.picture, HasSubstr("1 further down"));  // that which only guesses
}

TEST(ChoicesChart, DrawsEveryTrialOfASmallStudy) {
  const ReportInput input = large_study(60);
  const Chart chart = choices_chart(input, importance(input));
  EXPECT_EQ(occurrences(chart.picture, "<path class=\"p-path"), 60u);
  EXPECT_EQ(occurrences(chart.picture, "p-path p-top"), 10u);
  EXPECT_EQ(occurrences(chart.picture, ">not active<"), 2u);  // momentum and nesterov
  EXPECT_THAT(chart.caption, HasSubstr("10 best, drawn strong, of 60"));
}

TEST(ChoicesChart, ThinsALargeStudyAndSaysSo) {
  const ReportInput input = large_study(610);
  const Chart chart = choices_chart(input, std::nullopt);
  EXPECT_EQ(occurrences(chart.picture, "p-path p-top"), 10u);
  EXPECT_EQ(occurrences(chart.picture, "<path class=\"p-path"), 210u);
  EXPECT_THAT(chart.caption, HasSubstr("one in 3 is drawn"));
}

TEST(ChoicesChart, KeepsTheImportantChoicesWhereThereAreTooMany) {
  ReportInput input = large_study(60);
  for (int i = 0; i < 6; ++i) {
    const std::string name = "a" + std::to_string(i);
    input.choices.insert(input.choices.begin(), Choice{name, Categorical{{false, true}}, {}, {}});
    for (auto& trial : input.trials) trial.configuration.set(name, (trial.id >> i) % 2 == 1);
  }
  const auto known = importance(input);
  ASSERT_TRUE(known);
  const Chart chart = choices_chart(input, known);
  EXPECT_THAT(chart.caption, HasSubstr("of 26 choices the most important are shown"));
  EXPECT_THAT(chart.picture, HasSubstr("recipe.optimizer.learning_ra"));
}

TEST(Importance, OfAStudyIsInItsSummary) {
  const Json json = summary(large_study(300)).at("importance");
  EXPECT_EQ(json.at("metric"), "accuracy");
  EXPECT_EQ(json.at("trials"), 300);
  EXPECT_GT(json.at("explained"), 0.5);
  EXPECT_FALSE(json.contains("fidelity"));
  EXPECT_EQ(json.at("choices").size(), 20u);
  EXPECT_EQ(json.at("choices")[0].at("choice"), "recipe.optimizer.learning_rate");
  EXPECT_EQ(json.at("choices")[1].at("choice"), "cell.edge_3.op");
  EXPECT_LE(json.at("choices")[0].at("interval")[0], json.at("choices")[0].at("share"));
}

TEST(Importance, OfAStudyWithoutTrialsIsNull) {
  const ReportInput input;
  EXPECT_TRUE(summary(input).at("importance").is_null());
}

TEST(Importance, ComparesTrialsAtTheHighestRungWithEnough) {
  const ReportInput input = halving_study();  // results point into it
  const Results results = compared_results(input);
  EXPECT_EQ(results.fidelity, 1);
  EXPECT_THAT(results.values, SizeIs(27));
  EXPECT_EQ(results.values.front(), results.trials.front()->measurements.front().metrics.at("accuracy"));
  EXPECT_EQ(compared_results(example_study()).fidelity, 0);
}

TEST(Rungs, HoldThoseThatReachedThem) {
  const ReportInput input = halving_study();  // rungs point into it
  const auto all = rungs(input);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].fidelity, 1);
  EXPECT_EQ(all[1].fidelity, 3);
  EXPECT_EQ(all[2].fidelity, 9);
  EXPECT_THAT(all[0].values, SizeIs(27));
  EXPECT_THAT(all[1].values, SizeIs(9));
  EXPECT_THAT(all[2].values, SizeIs(3));
  for (const auto& [trial, value] : all[1].values) EXPECT_EQ(value, trial->measurements[2].metrics.at("accuracy"));
}

TEST(Rungs, AreFewHoweverOftenTrialsWereStopped) {
  ReportInput input = halving_study();
  for (auto& trial : input.trials) trial.fidelity = static_cast<double>(trial.id);
  const auto all = rungs(input);
  EXPECT_THAT(all, SizeIs(12));
  EXPECT_EQ(all.front().fidelity, 1);
  EXPECT_EQ(all.back().fidelity, 27);
}

TEST(Timeline, TellsHowBusyWorkersWere) {
  EXPECT_THAT(timeline_chart(large_study(60)).caption, HasSubstr("busy 9"));
  const ReportInput input = large_study(60);
  EXPECT_EQ(occurrences(timeline_chart(input).picture, "<title>#"), 60u);
}

// 27 trials, of which 9 went on and 3 of them once more: 39 stretches, each where and when it was.
TEST(Timeline, DrawsEveryStretchOfResumedTrials) {
  const ReportInput input = halving_study();
  const Chart chart = timeline_chart(input);
  EXPECT_EQ(occurrences(chart.picture, "<title>#"), 27u + 9 + 3);
  EXPECT_EQ(occurrences(chart.picture, ", to 3 epochs, "), 9u);
  EXPECT_EQ(occurrences(chart.picture, ">worker "), 3u);
  EXPECT_THAT(chart.caption, HasSubstr("until its schedule paused it"));
  EXPECT_THAT(chart.caption, HasSubstr("busy "));
}

// 24 trials of a halving were paused for good, at a time each; that the search ended later is not theirs.
TEST(ProgressChart, ShowsPausedTrialsWhenTheyWerePaused) {
  ReportInput input = halving_study();
  for (auto& trial : input.trials) {
    if (trial.state == TrialState::complete) continue;
    trial.state = TrialState::pruned;
    trial.finished = 100000;
  }
  EXPECT_THAT(progress_chart(input, true), Not(HasSubstr("hours")));
  input.events.clear();
  EXPECT_THAT(progress_chart(input, true), HasSubstr("hours"));
}

TEST(Timeline, EndsNowWhatIsRunning) {
  ReportInput input = halving_study();
  input.study.elapsed = input.trials[0].started + 1000;
  input.trials[0].state = TrialState::running;
  input.trials[0].worker = 2;
  std::erase_if(input.events, [](const StudyEvent& event) { return event.trial == 1; });
  input.events.push_back({EventKind::proposed, 1, 0, input.trials[0].started});
  EXPECT_THAT(timeline_chart(input).picture, HasSubstr(", 16 min 40 s</title>"));
}

}  // namespace
}  // namespace netwright
