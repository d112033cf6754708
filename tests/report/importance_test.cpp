#include "netwright/report/importance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace netwright {
namespace {

using testing::SizeIs;

Choice categorical(const std::string& name, int options) {
  Categorical domain;
  for (int i = 0; i < options; ++i) domain.options.push_back("o" + std::to_string(i));
  return {name, domain, {}, {}};
}

double number_of(const Configuration& configuration, const std::string& choice) {
  const Value& value = *configuration.find(choice);
  if (const auto* text = std::get_if<std::string>(&value)) return std::stod(text->substr(1));
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  return std::get<double>(value);
}

struct Sample {
  std::vector<Configuration> configurations;
  std::vector<double> values;

  std::optional<Importance> importance(const std::vector<Choice>& choices) const {
    std::vector<const Configuration*> pointers;
    for (const auto& configuration : configurations) pointers.push_back(&configuration);
    return importance_of(choices, pointers, values, 1);
  }
};

Sample drawn(const std::vector<Choice>& choices, int trials, const std::function<double(const Configuration&)>& f) {
  Random random(3);
  Sample result;
  for (int i = 0; i < trials; ++i) {
    Configuration configuration;
    for (const auto& choice : choices) {
      bool active = true;
      for (const auto& condition : choice.conditions) {
        const Value* parent = configuration.find(condition.parent);
        active = active && parent != nullptr && *parent == condition.values.front();
      }
      if (active) configuration.set(choice.name, sample(choice, random));
    }
    result.values.push_back(f(configuration));
    result.configurations.push_back(std::move(configuration));
  }
  return result;
}

const Importance::Entry& entry_of(const Importance& importance, const std::string& choice) {
  return *std::find_if(importance.choices.begin(), importance.choices.end(),
                       [&](const auto& entry) { return entry.choices.front() == choice; });
}

// Every combination of options, each once.
std::vector<ForestRow> all_rows(const std::vector<ForestInput>& inputs) {
  std::vector<ForestRow> rows{{}};
  for (const auto& input : inputs) {
    std::vector<ForestRow> longer;
    for (const auto& row : rows) {
      for (int code = 0; code < input.options; ++code) {
        longer.push_back(row);
        longer.back().push_back(code);
      }
    }
    rows = std::move(longer);
  }
  return rows;
}

// Of the tree's mean given the inputs in `kept`, by looking at every row.
double variance_of_mean(const RegressionTree& tree, const std::vector<ForestRow>& rows,
                        const std::vector<std::size_t>& kept) {
  std::map<ForestRow, std::pair<double, double>> groups;
  double all = 0;
  for (const auto& row : rows) {
    ForestRow key;
    for (const auto input : kept) key.push_back(row[input]);
    auto& [sum, count] = groups[key];
    sum += tree.predict(row);
    count += 1;
    all += tree.predict(row) / static_cast<double>(rows.size());
  }
  double variance = 0;
  for (const auto& [key, group] : groups) {
    const double difference = group.first / group.second - all;
    variance += group.second / static_cast<double>(rows.size()) * difference * difference;
  }
  return variance;
}

TEST(Forest, LearnsAFunctionAndKnowsHowWell) {
  Random random(1);
  std::vector<ForestRow> rows;
  std::vector<double> values, noise;
  for (int i = 0; i < 400; ++i) {
    rows.push_back({random.uniform(), static_cast<double>(random.below(3))});
    values.push_back(100 + 4 * rows.back()[0] + (rows.back()[1] == 1 ? 3 : 0));
    noise.push_back(random.normal());
  }
  const RegressionForest forest({{0}, {3}}, rows, values, {}, random);
  EXPECT_GT(forest.explained(), 0.97);
  EXPECT_NEAR(forest.predict({0.5, 1}), 105, 0.4);
  EXPECT_NEAR(forest.predict({0.5, 2}), 102, 0.4);
  EXPECT_LT(RegressionForest({{0}, {3}}, rows, noise, {}, random).explained(), 0.1);
}

TEST(Forest, KeepsItsLeavesLarge) {
  Random random(1);
  std::vector<ForestRow> rows;
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) {
    rows.push_back({i / 60.0});
    values.push_back(i % 7);
  }
  ForestOptions options;
  options.smallest_leaf = 10;
  const RegressionForest forest({{0}}, rows, values, options, random);
  for (const auto& tree : forest.trees()) EXPECT_LE(tree.nodes.size(), 11u);  // at most six leaves
}

TEST(TreeVariance, IsThatOfEveryCombination) {
  const std::vector<ForestInput> inputs{{3}, {4}, {2}, {5}};
  const auto rows = all_rows(inputs);
  Random random(5);
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(row[0] * row[1] + std::sin(row[3]) + (row[2] == row[0] ? 2 : 0));
  ForestOptions options;
  options.trees = 5;
  const RegressionForest forest(inputs, rows, values, options, random);
  for (const auto& tree : forest.trees()) {
    const TreeVariance variance(tree, inputs);
    EXPECT_NEAR(variance.total(), variance_of_mean(tree, rows, {0, 1, 2, 3}), 1e-9);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(variance.of(i), variance_of_mean(tree, rows, {i}), 1e-9);
      for (std::size_t j = i + 1; j < 4; ++j) {
        EXPECT_NEAR(variance.of(i, j), variance_of_mean(tree, rows, {i, j}) - variance.of(i) - variance.of(j), 1e-9);
        EXPECT_NEAR(variance.of(i, j), variance.of(j, i), 1e-9);
      }
    }
  }
}

TEST(TreeVariance, WeighsNumbersByWidth) {
  RegressionTree tree;  // 0 below 0.2, else 1 for the first of two options and 3 for the other
  tree.nodes = {{.input = 0, .threshold = 0.2, .left = 1, .right = 2, .value = 0},
                {.value = 0},
                {.input = 1, .goes_left = {1, 0}, .left = 3, .right = 4, .value = 0},
                {.value = 1},
                {.value = 3}};
  const TreeVariance variance(tree, {{0}, {2}, {0}});
  EXPECT_NEAR(variance.mean(), 1.6, 1e-12);
  EXPECT_NEAR(variance.total(), 0.2 * 2.56 + 0.4 * 0.36 + 0.4 * 1.96, 1e-12);
  EXPECT_NEAR(variance.of(0), 0.2 * 2.56 + 0.8 * 0.16, 1e-12);
  EXPECT_NEAR(variance.of(1), 0.64, 1e-12);
  EXPECT_NEAR(variance.of(0, 1), variance.total() - variance.of(0) - variance.of(1), 1e-12);
  EXPECT_EQ(variance.of(2), 0);
  EXPECT_EQ(variance.of(0, 2), 0);
}

TEST(Importance, FindsKnownShares) {
  // Variances: 1.25 of four equally spaced options, 0.75 of 3x on [0, 1], 0.5 of a number logarithmic over four
  // decades, whose logarithm times sqrt(6) / 4 is taken; none of the last.
  const std::vector<Choice> choices{categorical("operation", 4),
                                    {"rate", Real{0, 1, false}, {}, {}},
                                    {"decay", Real{1e-4, 1, true}, {}, {}},
                                    {"useless", Integer{1, 9, 1, false}, {}, {}}};
  const auto f = [](const Configuration& c) {
    return number_of(c, "operation") + 3 * number_of(c, "rate") +
           std::sqrt(6.0) / 4 * std::log10(number_of(c, "decay"));
  };
  const auto importance = drawn(choices, 800, f).importance(choices);
  ASSERT_TRUE(importance);
  EXPECT_EQ(importance->trials, 800u);
  EXPECT_GT(importance->explained, 0.95);
  EXPECT_NEAR(entry_of(*importance, "operation").share, 0.5, 0.06);
  EXPECT_NEAR(entry_of(*importance, "rate").share, 0.3, 0.06);
  EXPECT_NEAR(entry_of(*importance, "decay").share, 0.2, 0.06);
  EXPECT_LT(entry_of(*importance, "useless").share, 0.01);
  EXPECT_EQ(importance->choices.front().choices.front(), "operation");
  EXPECT_EQ(importance->choices.back().choices.front(), "useless");
  for (const auto& entry : importance->choices) EXPECT_TRUE(entry.interval.contains(entry.share));
}

TEST(Importance, FindsAnInteraction) {
  const std::vector<Choice> choices{categorical("a", 2), categorical("b", 2), categorical("c", 3)};
  const auto f = [](const Configuration& c) {
    return (number_of(c, "a") == number_of(c, "b") ? 1.0 : 0.0) + 0.2 * number_of(c, "c");
  };
  const auto importance = drawn(choices, 400, f).importance(choices);
  ASSERT_TRUE(importance);
  ASSERT_FALSE(importance->pairs.empty());
  EXPECT_THAT(importance->pairs.front().choices, testing::UnorderedElementsAre("a", "b"));
  const double shares = 0.25 + 0.04 * 2 / 3;
  EXPECT_NEAR(importance->pairs.front().share, 0.25 / shares, 0.1);
  EXPECT_NEAR(entry_of(*importance, "c").share, 0.04 * 2 / 3 / shares, 0.05);
  EXPECT_LT(entry_of(*importance, "a").share, 0.1);
}

TEST(Importance, OfAChoiceThatIsNotAlwaysActive) {
  // f = 2 [kind = o0], plus x where kind is o0. Given `kind` the mean is 2.5 or 0: variance 1.5625; given x it is
  // 1 + x / 2: variance 1/48; together also 1/48 from the pair.
  const std::vector<Choice> choices{categorical("kind", 2),
                                    {"x", Real{0, 1, false}, {{"kind", {std::string("o0")}}}, {}}};
  const auto f = [](const Configuration& c) { return c.find("x") != nullptr ? 2 + number_of(c, "x") : 0.0; };
  const auto importance = drawn(choices, 500, f).importance(choices);
  ASSERT_TRUE(importance);
  const double all = 1.5625 + 2.0 / 48;
  EXPECT_NEAR(entry_of(*importance, "kind").share, 1.5625 / all, 0.02);
  EXPECT_NEAR(entry_of(*importance, "x").share, 1.0 / 48 / all, 0.01);
}

TEST(Importance, IsNotDrownedByAFewFailures) {
  const std::vector<Choice> choices{categorical("a", 5), categorical("b", 5)};
  Sample sample = drawn(choices, 300, [](const Configuration& c) { return 0.8 + 0.01 * number_of(c, "a"); });
  for (std::size_t i = 0; i < sample.values.size(); i += 75) sample.values[i] = 0.1;
  const auto importance = sample.importance(choices);
  ASSERT_TRUE(importance);
  EXPECT_GT(entry_of(*importance, "a").share, 0.7);
}

TEST(Importance, ClaimsNothingWithoutGround) {
  const std::vector<Choice> choices{categorical("a", 3)};
  EXPECT_FALSE(drawn(choices, 19, [](const Configuration& c) { return number_of(c, "a"); }).importance(choices));
  EXPECT_FALSE(drawn(choices, 50, [](const Configuration&) { return 1.0; }).importance(choices));
  EXPECT_FALSE(drawn({}, 50, [](const Configuration&) { return 1.0; }).importance({}));
  const std::vector<Choice> fixed{categorical("a", 1)};
  Random random(1);
  EXPECT_FALSE(drawn(fixed, 50, [&](const Configuration&) { return random.uniform(); }).importance(fixed));
}

TEST(Importance, IsTheSameEachTime) {
  const std::vector<Choice> choices{categorical("a", 3), {"n", Integer{1, 64, 1, true}, {}, {}}};
  const Sample sample =
      drawn(choices, 60, [](const Configuration& c) { return number_of(c, "a") + std::log(number_of(c, "n")); });
  const auto first = sample.importance(choices), second = sample.importance(choices);
  ASSERT_TRUE(first && second);
  EXPECT_THAT(first->choices, SizeIs(2));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(first->choices[i].share, second->choices[i].share);
    EXPECT_EQ(first->choices[i].interval, second->choices[i].interval);
  }
}

}  // namespace
}  // namespace netwright
