#include "netwright/space/configuration.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "netwright/base/error.h"

namespace netwright {
namespace {

using namespace std::string_literals;

TEST(Configuration, IsSortedByNameHoweverItIsFilled) {
  Configuration a;
  a.set("width", std::int64_t{16});
  a.set("op", "conv"s);
  Configuration b;
  b.set("op", "pool"s);
  b.set("width", std::int64_t{16});
  b.set("op", "conv"s);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.canonical_text(), "op=conv; width=16");
  EXPECT_EQ(*a.find("width"), Value(std::int64_t{16}));
  EXPECT_EQ(a.find("depth"), nullptr);
  a.erase("op");
  a.erase("depth");
  EXPECT_EQ(a.canonical_text(), "width=16");
  EXPECT_EQ(Configuration().canonical_text(), "");
}

TEST(Configuration, RefusesWhatIsNoObject) {
  EXPECT_THROW(configuration_from_json(Json::array()), Error);
  EXPECT_THROW(configuration_from_json(Json::parse(R"({"a": [1]})")), Error);
}

RC_GTEST_PROP(Configuration, ComesBackFromJsonAndEqualTextMeansEqual,
              (std::map<std::string, std::int64_t> first, std::map<std::string, std::int64_t> second)) {
  const auto make = [](const std::map<std::string, std::int64_t>& values) {
    Configuration configuration;
    for (const auto& [name, value] : values) configuration.set("c" + std::to_string(name.size()), value % 3);
    return configuration;
  };
  const Configuration a = make(first);
  const Configuration b = make(second);
  RC_ASSERT(configuration_from_json(Json::parse(to_json(a).dump())) == a);
  RC_ASSERT((a == b) == (a.canonical_text() == b.canonical_text()));
}

}  // namespace
}  // namespace netwright
