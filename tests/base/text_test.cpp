#include "netwright/base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>

namespace netwright {
namespace {

TEST(Text, FindsTheNearestName) {
  const std::vector<std::string> names = {"sep_conv_3x3", "dil_conv_3x3", "relu"};
  EXPECT_EQ(nearest("sepconv_3x3", names), "sep_conv_3x3");
  EXPECT_EQ(nearest("rellu", names), "relu");
  EXPECT_EQ(nearest("transformer", names), "");
  EXPECT_EQ(suggest("rellu", names), "did you mean 'relu'?");
  EXPECT_EQ(suggest("transformer", names), "valid names: sep_conv_3x3, dil_conv_3x3, relu");
}

TEST(Text, SplitsJoinsAndTrims) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string>{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(trim("  a b\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
}

RC_GTEST_PROP(Text, JoiningUndoesSplitting, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', ','));
  RC_ASSERT(join(split(text, ','), ",") == text);
}

RC_GTEST_PROP(Text, NumbersComeBack, (double value)) {
  RC_ASSERT(std::strtod(number_text(value).c_str(), nullptr) == value);
}

TEST(Text, WritesNumbersForPeople) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(1e-5), "1e-05");
  EXPECT_EQ(human_count(950), "950");
  EXPECT_EQ(human_count(1234567), "1.23 M");
  EXPECT_EQ(human_seconds(0.12), "120 ms");
  EXPECT_EQ(human_seconds(75.3), "1 min 15 s");
  EXPECT_EQ(human_seconds(7260), "2 h 1 min");
}

TEST(Text, EscapesMarkup) {
  EXPECT_EQ(escape_xml("<a href=\"x\">&'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
}

}  // namespace
}  // namespace netwright
