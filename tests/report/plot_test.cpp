#include "netwright/report/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "netwright/report/axis.h"
#include "report/markup.h"

namespace netwright {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pointwise;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> tick_texts(const Axis& axis, const std::vector<double>& values) {
  std::vector<std::string> texts;
  const Scale scale(axis, values, 5);
  for (const auto& tick : scale.ticks()) texts.push_back(tick.text);
  return texts;
}

Plot plot_of(std::vector<Point> points) {
  Plot plot;
  Series series;
  series.name = "trial";
  series.points = std::move(points);
  plot.series.push_back(series);
  return plot;
}

TEST(Ticks, AreRound) {
  EXPECT_THAT(linear_ticks(0, 10, 5), Pointwise(DoubleNear(1e-12), {0.0, 2.0, 4.0, 6.0, 8.0, 10.0}));
  EXPECT_THAT(linear_ticks(0.803, 0.871, 5), Pointwise(DoubleNear(1e-12), {0.82, 0.84, 0.86}));
  EXPECT_THAT(linear_ticks(-1, 1, 4), Pointwise(DoubleNear(1e-12), {-1.0, -0.5, 0.0, 0.5, 1.0}));
}

TEST(Ticks, OfLogarithmicAxes) {
  EXPECT_THAT(log_ticks(900, 110000, 8), Pointwise(DoubleNear(1e-6), {1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5}));
  EXPECT_THAT(log_ticks(1, 1e8, 4), Pointwise(DoubleNear(1e-2), {1.0, 1e2, 1e4, 1e6, 1e8}));
  EXPECT_GE(log_ticks(120, 200, 5).size(), 3u);
}

TEST(Scale, FormatsWhatItMeasures) {
  EXPECT_THAT(tick_texts({.quantity = Quantity::share}, {0.80, 0.88}),
              ElementsAre("80 %", "82 %", "84 %", "86 %", "88 %"));
  EXPECT_THAT(tick_texts({.quantity = Quantity::share}, {0.9401, 0.9405}), testing::Contains("94.02 %"));
  EXPECT_THAT(tick_texts({.quantity = Quantity::count, .log = true}, {1e4, 1e6}), testing::Contains("100 k"));
  EXPECT_THAT(Scale({.title = "time", .quantity = Quantity::seconds}, {0, 1200}, 5).title(), "time (minutes)");
  EXPECT_THAT(tick_texts({.quantity = Quantity::seconds, .low = 0.0}, {0, 1200}),
              ElementsAre("0", "5", "10", "15", "20"));
  EXPECT_THAT(tick_texts({.whole = true, .low = 0.0}, {1}), ElementsAre("0", "1", "2"));
}

TEST(Scale, SurvivesDegenerateData) {
  for (const std::vector<double>& values : {std::vector<double>{}, {0.0}, {1.0}, {-3.0}, {5.0, 5.0}, {not_a_number}}) {
    for (const bool log : {false, true}) {
      const Scale scale({.log = log}, values, 5);
      EXPECT_LT(scale.low(), scale.high());
      EXPECT_TRUE(std::isfinite(scale.low()) && std::isfinite(scale.high()));
    }
  }
}

TEST(Scale, LeavesFarOutliersAtTheEdge) {
  const std::vector<double> values{0.1, 0.80, 0.81, 0.82, 0.83, 0.84, 0.85};
  EXPECT_GT(Scale({.outliers = Outliers::edge_low}, values, 5).low(), 0.7);
  EXPECT_LT(Scale({.outliers = Outliers::show}, values, 5).low(), 0.1);
}

TEST(Plot, IsWellFormedWithTitlesAndLegend) {
  Plot plot = plot_of({{1, 0.8, "#1 <b>"}, {2, 0.9, "#2"}, {3, not_a_number, "failed"}});
  plot.labels = {{2, 0.9, "a & b"}};
  const std::string svg = draw(plot);
  EXPECT_EQ(markup_problem(svg), "");
  EXPECT_THAT(svg, HasSubstr("<title>#1 &lt;b&gt;</title>"));
  EXPECT_THAT(svg, HasSubstr("a &amp; b"));
  EXPECT_THAT(svg, HasSubstr(">trial</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(Plot, SaysWhenThereIsNothing) {
  EXPECT_THAT(draw(Plot{}), HasSubstr("nothing measured yet"));
  EXPECT_THAT(draw(plot_of({{1, not_a_number, ""}})), HasSubstr("nothing measured yet"));
  EXPECT_THAT(draw(Strip{}), HasSubstr("nothing measured yet"));
  EXPECT_EQ(markup_problem(draw(HeatMap{})), "");
}

TEST(Plot, NamesOutliersInTheLegend) {
  Plot plot = plot_of({{1, 0.8, ""}, {2, 0.81, ""}, {3, 0.82, ""}, {4, 0.83, ""}, {5, 0.1, ""}});
  EXPECT_THAT(draw(plot), Not(HasSubstr("beyond the axis")));
  plot.y.outliers = Outliers::edge_low;
  EXPECT_THAT(draw(plot), HasSubstr("beyond the axis"));
}

TEST(Plot, LabelsNeverCoverEachOther) {
  Plot plot = plot_of({{1, 1, ""}, {1.001, 1, ""}, {1.002, 1, ""}, {5, 5, ""}});
  for (int i = 0; i < 30; ++i) plot.labels.push_back({1 + i * 0.0001, 1, "label"});
  const std::string svg = draw(plot);
  std::size_t shown = 0;
  for (std::size_t at = 0; (at = svg.find(">label<", at)) != std::string::npos; ++at) ++shown;
  EXPECT_GE(shown, 1u);
  EXPECT_LE(shown, 8u);
}

TEST(HeatMap, TellsCountsAndShares) {
  const std::string svg = draw(HeatMap{"m", "true", "predicted", {"cat", "dog"}, {{90, 10}, {0, 100}}});
  EXPECT_EQ(markup_problem(svg), "");
  EXPECT_THAT(svg, HasSubstr("cat taken for dog: 10 (10.0 %)"));
  EXPECT_THAT(svg, HasSubstr("dog recognised: 100 (100.0 %)"));
  const std::vector<std::vector<std::int64_t>> large(100, std::vector<std::int64_t>(100, 3));
  EXPECT_EQ(markup_problem(draw(HeatMap{"m", "t", "p", {}, large})), "");
}

}  // namespace
}  // namespace netwright
