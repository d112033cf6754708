#include "netwright/base/printable.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "netwright/base/json.h"

namespace netwright {
namespace {

TEST(Printable, KeepsTextAndReplacesTheRest) {
  EXPECT_EQ(printable("a b\n\tc"), "a b\n\tc");
  EXPECT_EQ(printable("é ∞ 𝄞"), "é ∞ 𝄞");
  EXPECT_EQ(printable("50 %\r\x1b[31mred\x7f"), "50 %??[31mred?");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(printable("caf\xe9!"), "caf?!");         // Latin-1
  EXPECT_EQ(printable("\xc0\xaf"), "??");            // not the shortest form
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");  // beyond U+10FFFF
  EXPECT_EQ(printable("\xe2\x88"), "??");            // cut off
  EXPECT_EQ(printable("\xf0\x9d\x84\x9e"), "𝄞");
}

RC_GTEST_PROP(Printable, IsValidJson, (const std::string& bytes)) {
  RC_ASSERT(printable(printable(bytes)) == printable(bytes));
  RC_ASSERT(Json::parse(Json(printable(bytes)).dump()) == printable(bytes));  // dump() throws on what is not UTF-8
}

}  // namespace
}  // namespace netwright
