#include "netwright/space/configuration.h"

#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "netwright/base/error.h"
#include "netwright/space/configuration_hash.h"

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

TEST(Configuration, HashesTellKindsAndPlacesApart) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> hashes;
  const auto add = [&](const Configuration& configuration) {
    const GraphHash hash = hash_of(configuration);
    hashes.emplace(hash.high, hash.low);
  };
  for (const Value& value : {Value(true), Value(false), Value(std::int64_t{1}), Value(std::int64_t{0}), Value(1.0),
                             Value(0.0), Value(std::string("1")), Value(std::string())}) {
    add(Configuration({{"a", value}}));
    add(Configuration({{"b", value}}));
    add(Configuration({{"a", value}, {"b", value}}));
  }
  add(Configuration({{"a", std::string("bc")}}));
  add(Configuration({{"ab", std::string("c")}}));
  add({});
  EXPECT_EQ(hashes.size(), 27U);
  EXPECT_EQ(hash_of(Configuration({{"a", 0.0}})), hash_of(Configuration({{"a", -0.0}})));
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
  RC_ASSERT((a == b) == (hash_of(a) == hash_of(b)));
}

}  // namespace
}  // namespace netwright
