#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "netwright/strategy/strategy.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

std::vector<std::string> whole_grid(const SearchSpace& space, const std::string& options) {
  const Yaml yaml = parse_yaml(options, "test");
  const auto strategy = make_strategy({space, {Objective{}}, yaml});
  std::vector<std::string> all;
  Random random(1);
  while (const auto configuration = strategy->ask(random)) {
    EXPECT_NO_THROW(space.validate(*configuration));
    all.push_back(configuration->canonical_text());
  }
  EXPECT_FALSE(strategy->ask(random));
  return all;
}

TEST(Grid, VisitsEveryConfigurationOnce) {
  const SearchSpace space = edges_space();
  const auto all = whole_grid(space, "name: grid");
  EXPECT_EQ(all.size(), 15625u);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), *space.size());
}

TEST(Grid, LastChoiceVariesFastest) {
  const auto all = whole_grid(edges_space(), "name: grid");
  EXPECT_THAT(all[0], testing::HasSubstr("edge4=none; edge5=none"));
  EXPECT_THAT(all[1], testing::HasSubstr("edge4=none; edge5=skip_connect"));
  EXPECT_THAT(all[5], testing::HasSubstr("edge4=skip_connect; edge5=none"));
}

// Depth d has d widths of 8 values; dropout exists only without normalisation; reals have `points` values.
TEST(Grid, RespectsConditionsAndPoints) {
  for (const int points : {1, 2, 3}) {
    const auto all = whole_grid(mixed_space(), "{name: grid, points: " + std::to_string(points) + "}");
    const auto expected = static_cast<std::size_t>((8 + 64 + 512) * (points + 1) * points);
    EXPECT_EQ(all.size(), expected);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), expected);
  }
}

TEST(Grid, OneConfigurationIsAGridOfOne) {
  EXPECT_EQ(whole_grid(point_space(), "name: grid").size(), 1u);
}

}  // namespace
}  // namespace netwright
