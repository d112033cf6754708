#include "netwright/space/choice.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>

#include "netwright/base/error.h"

namespace netwright {
namespace {

using namespace std::string_literals;

Choice read(const std::string& text) {
  return parse_choice("c", parse_yaml(text, "space.yaml"));
}

std::string problem(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_EQ(error.where().line, 1);
    EXPECT_FALSE(error.remedy().empty());
    return error.what();
  }
  return "";
}

TEST(Choice, ReadsEveryForm) {
  EXPECT_EQ(std::get<Categorical>(read("[a, 3, true]").domain).options,
            (std::vector<Value>{"a"s, std::int64_t{3}, true}));
  EXPECT_EQ(std::get<Categorical>(read("{choice: [0.5, 1]}").domain).options, (std::vector<Value>{0.5, 1.0}));
  const auto integer = std::get<Integer>(read("{integer: [16, 60], step: 8}").domain);
  EXPECT_EQ(integer.low, 16);
  EXPECT_EQ(integer.high, 56);  // the last value that the steps reach
  EXPECT_EQ(integer.step, 8);
  const auto real = std::get<Real>(read("{real: [1e-3, 1], log: true}").domain);
  EXPECT_EQ(real.low, 1e-3);
  EXPECT_TRUE(real.log);
  const auto conditional = read("{choice: [a], when: {width: [16, 24], op: conv}}");
  ASSERT_EQ(conditional.conditions.size(), 2u);
  EXPECT_EQ(conditional.conditions[0].parent, "width");
  EXPECT_EQ(conditional.conditions[0].values, (std::vector<Value>{std::int64_t{16}, std::int64_t{24}}));
  EXPECT_EQ(conditional.conditions[1].values, (std::vector<Value>{"conv"s}));
}

TEST(Choice, RefusesEmptyReversedAndMistypedDomains) {
  EXPECT_NE(problem("[]").find("no options"), std::string::npos);
  EXPECT_NE(problem("{choice: []}").find("no options"), std::string::npos);
  EXPECT_NE(problem("[a, b, a]").find("twice"), std::string::npos);
  EXPECT_NE(problem("[1, 1.0]").find("twice"), std::string::npos);
  EXPECT_NE(problem("{integer: [8, 1]}").find("[1, 8]"), std::string::npos);
  EXPECT_NE(problem("{integer: [1, 8.5]}").find("integer"), std::string::npos);
  EXPECT_NE(problem("{integer: [1]}").find("[low, high]"), std::string::npos);
  EXPECT_NE(problem("{integer: [0, 8], log: true}").find("logarithmic"), std::string::npos);
  EXPECT_NE(problem("{integer: [1, 8], step: 0}").find("step"), std::string::npos);
  EXPECT_NE(problem("{real: [1, 0.1]}").find("above"), std::string::npos);
  EXPECT_NE(problem("{real: [0, 1], log: true}").find("logarithmic"), std::string::npos);
  EXPECT_NE(problem("{real: [0, 1], choice: [a]}").find("exactly one"), std::string::npos);
  EXPECT_NE(problem("{choise: [a]}").find("did you mean 'choice'"), std::string::npos);
  EXPECT_NE(problem("{choice: [a], whem: {b: c}}").find("did you mean 'when'"), std::string::npos);
  EXPECT_NE(problem("{choice: [a], when: {b: []}}").find("never active"), std::string::npos);
  EXPECT_NE(problem("relu").find("list of options"), std::string::npos);
}

TEST(Choice, CountsValues) {
  EXPECT_EQ(count_values(read("[a, b]")), 2u);
  EXPECT_EQ(count_values(read("{integer: [16, 60], step: 8}")), 6u);
  EXPECT_EQ(count_values(read("{integer: [-3, 3]}")), 7u);
  EXPECT_EQ(count_values(read("{real: [0, 1]}")), std::nullopt);
  EXPECT_EQ(count_values(read("{real: [1, 1]}")), 1u);
}

TEST(Choice, KnowsItsValues) {
  const Choice width = read("{integer: [16, 60], step: 8}");
  EXPECT_TRUE(contains(width, std::int64_t{24}));
  EXPECT_FALSE(contains(width, std::int64_t{25}));
  EXPECT_FALSE(contains(width, std::int64_t{64}));
  EXPECT_FALSE(contains(width, 24.0));
  EXPECT_EQ(converted(width, 24.0), Value(std::int64_t{24}));
  EXPECT_EQ(converted(width, 24.5), std::nullopt);
  EXPECT_EQ(converted(read("{real: [0, 2]}"), std::int64_t{1}), Value(1.0));
  EXPECT_EQ(converted(read("[a]"), "b"s), std::nullopt);
}

TEST(Choice, MakesGrids) {
  EXPECT_EQ(grid_values(read("[a, b]"), 9).size(), 2u);
  EXPECT_EQ(grid_values(read("{integer: [1, 5], step: 2}"), 9),
            (std::vector<Value>{std::int64_t{1}, std::int64_t{3}, std::int64_t{5}}));
  EXPECT_EQ(grid_values(read("{real: [0, 1]}"), 3), (std::vector<Value>{0.0, 0.5, 1.0}));
  const auto logarithmic = grid_values(read("{real: [0.01, 1], log: true}"), 3);
  EXPECT_NEAR(std::get<double>(logarithmic[1]), 0.1, 1e-15);
  EXPECT_EQ(grid_values(read("{real: [2, 3]}"), 1), (std::vector<Value>{2.0}));
}

const char* const domains[] = {"[a, b, c]",
                               "[true, false]",
                               "{integer: [-5, 5]}",
                               "{integer: [1, 1000], log: true}",
                               "{integer: [2, 31], step: 7, log: true}",
                               "{real: [-1, 1]}",
                               "{real: [1e-5, 1e-1], log: true}"};

RC_GTEST_PROP(Choice, SamplesAndMutationsAreInTheDomain, (std::uint64_t seed)) {
  Random random(seed);
  for (const char* text : domains) {
    const Choice choice = read(text);
    const Value value = sample(choice, random);
    RC_ASSERT(contains(choice, value));
    const Value other = mutate(choice, value, random);
    RC_ASSERT(contains(choice, other));
    RC_ASSERT(other != value);
  }
}

TEST(Choice, MutatesUniformlyAmongTheOthers) {
  Random random(7);
  std::map<Value, int> counts;
  const Choice choice = read("[a, b, c, d]");
  for (int i = 0; i < 30'000; ++i) ++counts[mutate(choice, Value("b"s), random)];
  ASSERT_EQ(counts.size(), 3u);
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 10'000, 400) << to_string(value);
}

TEST(Choice, SamplesLogarithmsEvenly) {
  Random random(7);
  const Choice rate = read("{real: [1e-4, 1], log: true}");
  const Choice width = read("{integer: [1, 1023], log: true}");
  int low_rate = 0;
  int low_width = 0;
  for (int i = 0; i < 20'000; ++i) {
    low_rate += std::get<double>(sample(rate, random)) < 1e-2 ? 1 : 0;
    low_width += std::get<std::int64_t>(sample(width, random)) < 32 ? 1 : 0;  // five of ten octaves
  }
  EXPECT_NEAR(low_rate, 10'000, 400);
  EXPECT_NEAR(low_width, 10'000, 400);
}

}  // namespace
}  // namespace netwright
