#include "netwright/base/bytes.h"

#include <gtest/gtest.h>

#include <vector>

namespace netwright {
namespace {

TEST(Bytes, AreReadWithTheirUnits) {
  EXPECT_EQ(parse_bytes("4 GiB"), std::int64_t{4} << 30);
  EXPECT_EQ(parse_bytes("4gib"), std::int64_t{4} << 30);
  EXPECT_EQ(parse_bytes(" 1.5 MB "), 1'500'000);
  EXPECT_EQ(parse_bytes("800 MiB"), std::int64_t{800} << 20);
  EXPECT_EQ(parse_bytes("2 kB"), 2000);
  EXPECT_EQ(parse_bytes("65536"), 65536);
  for (const char* wrong : {"", "GiB", "4 GG", "-1 GiB", "0", "nan GiB", "inf", "1e30", "4 GiB 2", "0.1 B"}) {
    EXPECT_FALSE(parse_bytes(wrong)) << wrong;
  }
}

TEST(Bytes, AreWrittenForPeople) {
  EXPECT_EQ(human_bytes(std::int64_t{3} << 29), "1.50 GiB");
  EXPECT_EQ(human_bytes(std::int64_t{812} << 20), "812 MiB");
  EXPECT_EQ(human_bytes(2048), "2 KiB");
  EXPECT_EQ(parse_bytes(human_bytes(std::int64_t{3} << 29)), std::int64_t{3} << 29);
}

TEST(Bytes, OfThisProcess) {
  if (resident_bytes() == 0) GTEST_SKIP() << "the system does not say";
  const std::vector<char> some(64 << 20, 1);  // written to
  EXPECT_GT(resident_bytes(), std::int64_t{64} << 20);
  EXPECT_GE(peak_resident_bytes(), resident_bytes() - (1 << 20));
  ASSERT_TRUE(available_bytes());
  EXPECT_GT(*available_bytes(), 0);
  EXPECT_EQ(some.back(), 1);
}

}  // namespace
}  // namespace netwright
