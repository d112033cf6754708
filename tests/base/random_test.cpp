#include "netwright/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace netwright {
namespace {

TEST(Random, IsTheSameEverywhere) {
  // xoshiro256** seeded by splitmix64(0), whose first outputs are published.
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.next(), 0x1a5f849d4933e6e0u);
}

TEST(Random, IsUniform) {
  Random random(42);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
  double sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
    const double normal = random.normal();
    normal_sum += normal;
    normal_squares += normal * normal;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
  EXPECT_NEAR(normal_sum / 100'000, 0, 0.015);
  EXPECT_NEAR(normal_squares / 100'000, 1, 0.02);
}

TEST(Random, StaysBelowLargeBounds) {
  Random random(1);
  const std::uint64_t bound = (std::uint64_t{1} << 63) + 1;  // nearly half of all draws are rejected
  for (int i = 0; i < 1'000; ++i) EXPECT_LT(random.below(bound), bound);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, ShufflesEveryOrderEquallyOften) {
  Random random(9);
  std::map<std::vector<int>, int> counts;
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> items = {0, 1, 2, 3};
    random.shuffle(items);
    ++counts[items];
  }
  ASSERT_EQ(counts.size(), 24u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1'000, 160);
}

TEST(Random, DerivesIndependentSeeds) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const char* purpose : {"sample", "split", "weights"}) {
      for (std::uint64_t index = 0; index < 50; ++index) seeds.insert(derive_seed(seed, purpose, index));
    }
  }
  EXPECT_EQ(seeds.size(), 20u * 3u * 50u);
  EXPECT_EQ(derive_seed(1, "sample", 2), derive_seed(1, "sample", 2));
}

}  // namespace
}  // namespace netwright
