#include "netwright/space/value.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <stdexcept>

#include "netwright/base/error.h"

namespace netwright {
namespace {

using namespace std::string_literals;

rc::Gen<Value> any_value() {
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool v) { return Value(v); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t v) { return Value(v); }),
      rc::gen::map(rc::gen::arbitrary<double>(), [](double v) { return Value(v); }),
      rc::gen::map(rc::gen::string<std::string>(), [](std::string v) { return Value(std::move(v)); }));
}

// yaml-cpp replaces bytes that are no UTF-8 and refuses control characters; spaces are written in printable text.
rc::Gen<Value> printable_value() {
  const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(32, 127));
  return rc::gen::oneOf(rc::gen::map(rc::gen::arbitrary<bool>(), [](bool v) { return Value(v); }),
                        rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t v) { return Value(v); }),
                        rc::gen::map(rc::gen::arbitrary<double>(), [](double v) { return Value(v); }),
                        rc::gen::map(text, [](std::string v) { return Value(std::move(v)); }));
}

TEST(Value, HasOneTextAKind) {
  EXPECT_EQ(to_string(Value(true)), "true");
  EXPECT_EQ(to_string(Value(std::int64_t{3})), "3");
  EXPECT_EQ(to_string(Value(0.1)), "0.1");
  EXPECT_EQ(to_string(Value(1.0)), "1.0");
  EXPECT_EQ(to_string(Value(1e-5)), "1e-05");
  EXPECT_EQ(to_string(Value(1e22)), "1e+22");
  EXPECT_EQ(to_string(Value(std::numeric_limits<double>::infinity())), "inf");
  EXPECT_EQ(to_string(Value("relu"s)), "relu");
  EXPECT_EQ(to_string(Value("p0,p1"s)), "p0,p1");
}

TEST(Value, QuotesTextThatWouldReadAsAnotherKind) {
  for (const char* text : {"", "true", "no", "3", "0.1", "-1e5", "null", "inf", "nan", "a b", "a;b", "a=b", "ä"}) {
    EXPECT_EQ(to_string(Value(std::string(text))).front(), '"') << text;
  }
  EXPECT_EQ(to_string(Value("a\"\n"s)), "\"a\\\"\\u000a\"");
}

RC_GTEST_PROP(Value, DifferentValuesHaveDifferentText, ()) {
  const Value a = *any_value();
  const Value b = *any_value();
  RC_ASSERT((a == b) == (to_string(a) == to_string(b)) || (a == Value(0.0) && b == Value(0.0)));
}

RC_GTEST_PROP(Value, ComesBackFromYaml, ()) {
  const Value value = *printable_value();
  RC_ASSERT(value_from_yaml(parse_yaml(dump_yaml(to_yaml(value)), "test")) == value);
}

RC_GTEST_PROP(Value, ComesBackFromJson, ()) {
  const Value value = *printable_value();
  RC_ASSERT(value_from_json(Json::parse(to_json(value).dump())) == value);
}

TEST(Value, ReadsKindsFromYaml) {
  const auto read = [](const char* text) { return value_from_yaml(parse_yaml(text, "test")); };
  EXPECT_EQ(read("true"), Value(true));
  EXPECT_EQ(read("7"), Value(std::int64_t{7}));
  EXPECT_EQ(read("7.0"), Value(7.0));
  EXPECT_EQ(read("5e-4"), Value(5e-4));
  EXPECT_EQ(read("'7'"), Value("7"s));
  EXPECT_EQ(read("none"), Value("none"s));
  EXPECT_THROW(read("[1]"), Error);
  EXPECT_THROW(read("null"), Error);
}

TEST(Value, RefusesJsonThatIsNoValue) {
  EXPECT_THROW(value_from_json(Json()), Error);
  EXPECT_THROW(value_from_json(Json::array()), Error);
  EXPECT_THROW(value_from_json(Json::object()), Error);
}

TEST(Parameters, AreReadByKind) {
  const Parameters parameters = {
      {"kernel", std::int64_t{5}}, {"ratio", 0.25}, {"affine", false}, {"activation", "relu"s}};
  EXPECT_EQ(integer_of(parameters, "kernel", 3), 5);
  EXPECT_EQ(integer_of(parameters, "stride", 1), 1);
  EXPECT_EQ(real_of(parameters, "ratio", 0), 0.25);
  EXPECT_EQ(real_of(parameters, "kernel", 0), 5.0);
  EXPECT_FALSE(boolean_of(parameters, "affine", true));
  EXPECT_EQ(text_of(parameters, "activation", ""), "relu");
  EXPECT_THROW(integer_of(parameters, "ratio", 0), std::logic_error);
  EXPECT_THROW(boolean_of(parameters, "kernel", false), std::logic_error);
  EXPECT_THROW(text_of(parameters, "affine", ""), std::logic_error);
}

}  // namespace
}  // namespace netwright
