#include "netwright/space/expression.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "netwright/base/error.h"

namespace netwright {
namespace {

using namespace std::string_literals;

// $a = 7 and $x = 0.5 are constants, $c and $t choices 0 and 1, $p parameter 0.
Binding bind(const std::string& name, const Location& where) {
  if (name == "a") return {Binding::Kind::constant, std::int64_t{7}, 0};
  if (name == "x") return {Binding::Kind::constant, 0.5, 0};
  if (name == "c") return {Binding::Kind::choice, {}, 0};
  if (name == "t" || name == "stage.kernel") return {Binding::Kind::choice, {}, 1};
  if (name == "p") return {Binding::Kind::parameter, {}, 0};
  throw invalid(where, "unknown name '$" + name + "'", "none");
}

Expression read(const std::string& text) {
  Yaml scalar;
  scalar.kind = Yaml::Kind::scalar;
  scalar.text = text;
  scalar.where = {"space.yaml", 3, 5};
  return Expression::parse(scalar, bind);
}

Value constant(const std::string& text) {
  const Expression expression = read(text);
  EXPECT_NE(expression.constant(), nullptr) << text;
  return *expression.constant();
}

TEST(Expression, LeavesPlainScalarsAlone) {
  EXPECT_EQ(constant("relu"), Value("relu"s));
  EXPECT_EQ(constant("3"), Value(std::int64_t{3}));
  EXPECT_EQ(constant("-1"), Value(std::int64_t{-1}));
  EXPECT_EQ(constant("1e-3"), Value(1e-3));
  EXPECT_EQ(constant("true"), Value(true));
  EXPECT_EQ(constant("conv-3"), Value("conv-3"s));
}

TEST(Expression, WorksOutConstants) {
  EXPECT_EQ(constant("$a"), Value(std::int64_t{7}));
  EXPECT_EQ(constant("2 * $a"), Value(std::int64_t{14}));
  EXPECT_EQ(constant("2 * $a / 3 - $a / 3 - 1"), Value(std::int64_t{1}));
  EXPECT_EQ(constant("-$a + 2"), Value(std::int64_t{-5}));
  EXPECT_EQ(constant("(1 + 2) * -(3 - 5)"), Value(std::int64_t{6}));
  EXPECT_EQ(constant("$a % 4"), Value(std::int64_t{3}));
  EXPECT_EQ(constant("$a * $x"), Value(3.5));
  EXPECT_EQ(constant("7 / 2"), Value(std::int64_t{3}));
  EXPECT_EQ(constant("7 / 2.0"), Value(3.5));
  EXPECT_EQ(constant("$a-1"), Value(std::int64_t{6}));
}

TEST(Expression, KnowsWhatItDependsOn) {
  EXPECT_EQ(read("$c").choice(), 0);
  EXPECT_EQ(read("$stage.kernel").choice(), 1);
  EXPECT_EQ(read("$c + 1").choice(), -1);
  EXPECT_EQ(read("$c + $t * $c").choices(), (std::vector<int>{0, 1}));
  EXPECT_TRUE(read("$p + 1").uses_parameters());
  EXPECT_FALSE(read("$c").uses_parameters());
}

TEST(Expression, IsWorkedOutWithValues) {
  const Value c = std::int64_t{5};
  const std::vector<const Value*> choices = {&c, nullptr};
  const std::vector<Value> parameters = {std::int64_t{3}};
  const Environment environment{&choices, &parameters};
  EXPECT_EQ(read("$c * $p - 1").evaluate(environment), Value(std::int64_t{14}));
  EXPECT_EQ(read("$t").evaluate(environment), std::nullopt);
  EXPECT_EQ(read("$t + 1").evaluate(environment), std::nullopt);
}

TEST(Expression, RefusesWhatItCannotRead) {
  for (const char* text : {"$", "$a +", "($a", "$a)", "$a $a", "2 * * $a", "$a ^ 2", "$1", "1 + (2 * 3", "$missing"}) {
    try {
      read(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.where().line, 3);
      EXPECT_EQ(error.where().column, 5);
    }
  }
  EXPECT_THROW(read(std::string(500, '(') + "$a"), Error);
}

TEST(Expression, RefusesArithmeticThatCannotBeDone) {
  for (const char* text : {"$a / 0", "$a % 0", "$x / 0.0", "9223372036854775807 + $a", "9223372036854775807 * $a"}) {
    EXPECT_THROW(read(text), Error) << text;
  }
  const Value word = "relu"s;
  const std::vector<const Value*> choices = {&word, &word};
  EXPECT_EQ(read("$c").evaluate({&choices, nullptr}), word);
  EXPECT_THROW(read("$c + 1").evaluate({&choices, nullptr}), Error);
}

RC_GTEST_PROP(Expression, AgreesWithCpp, (std::int16_t a, std::int16_t b, std::int16_t c)) {
  RC_PRE(c != 0);
  const std::int64_t x = a;
  const std::int64_t y = b;
  const std::int64_t z = c;
  const auto text = [](std::int64_t v) { return "(" + std::to_string(v) + ")"; };
  RC_ASSERT(constant(text(x) + " + " + text(y) + " * " + text(z)) == Value(x + y * z));
  RC_ASSERT(constant(text(x) + " * " + text(y) + " / " + text(z)) == Value(x * y / z));
  RC_ASSERT(constant(text(x) + " - " + text(y) + " - " + text(z)) == Value(x - y - z));
  RC_ASSERT(constant(text(x) + " % " + text(z)) == Value(x % z));
}

}  // namespace
}  // namespace netwright
