#include "netwright/strategy/encoding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "netwright/space/canonical.h"
#include "strategy/spaces.h"

namespace netwright {
namespace {

// The columns that are not 0.
std::map<int, double> columns(Encoding& encoding, const Configuration& configuration) {
  std::map<int, double> result;
  for (const auto& [column, value] : encoding.of(configuration).entries) {
    EXPECT_FALSE(result.contains(column)) << column;
    if (value != 0) result[column] = value;
  }
  return result;
}

std::map<int, double> of_group(const Encoding& encoding, const std::map<int, double>& columns, int first, int last) {
  std::map<int, double> result;
  for (const auto& [column, value] : columns) {
    const int group = encoding.group_of(static_cast<std::size_t>(column));
    if (group >= first && group <= last) result[column] = value;
  }
  return result;
}

// A cell of three edges, from 0 to 1, from 1 to 2 and from 0 to 2.
SearchSpace cell_space() {
  return SearchSpace::parse(parse_yaml(R"(
name: cells
input: [3, 8, 8]
classes: 10
choices:
  a: [none, skip_connect, nor_conv_1x1, nor_conv_3x3]
  b: [none, skip_connect, nor_conv_1x1, nor_conv_3x3]
  c: [none, skip_connect, nor_conv_1x1, nor_conv_3x3]
cells:
  cell:
    inputs: [n0]
    nodes:
      - {name: n1, sum: [{op: $a, from: n0}]}
      - {name: n2, sum: [{op: $b, from: n1}, {op: $c, from: n0}]}
    output: n2
network:
  - {name: stem, op: conv_bn, channels: 4}
  - {name: body, cell: cell, repeat: 2}
  - {name: head, op: classifier}
)",
                                       "cells.yaml"),
                            Yaml(), std::nullopt, std::nullopt);
}

Configuration cell(const std::string& a, const std::string& b, const std::string& c) {
  return Configuration({{"a", a}, {"b", b}, {"c", c}});
}

TEST(Encoding, EqualNetworksHaveEqualColumns) {
  const SearchSpace space = cell_space();
  Encoding encoding(space);
  const Configuration first = cell("nor_conv_3x3", "skip_connect", "none");
  for (const auto& [other, equal] : std::vector<std::pair<Configuration, bool>>{
           {cell("skip_connect", "nor_conv_3x3", "none"), true},
           {cell("none", "skip_connect", "nor_conv_3x3"), true},
           {cell("none", "nor_conv_1x1", "nor_conv_3x3"), false},  // its unused edge has weights of its own
           {cell("nor_conv_1x1", "skip_connect", "none"), false},
           {cell("nor_conv_3x3", "skip_connect", "skip_connect"), false}}) {
    const auto a = of_group(encoding, columns(encoding, first), encoding.operations_group(), encoding.paths_group());
    const auto b = of_group(encoding, columns(encoding, other), encoding.operations_group(), encoding.paths_group());
    if (encoding.network_of(first) == encoding.network_of(other)) {
      EXPECT_EQ(a, b) << other.canonical_text();
    }
    if (equal) {
      EXPECT_EQ(encoding.network_of(first), encoding.network_of(other)) << other.canonical_text();
      EXPECT_EQ(a, b) << other.canonical_text();
    }
  }
  EXPECT_NE(columns(encoding, first), columns(encoding, cell("nor_conv_1x1", "skip_connect", "none")));
}

// Of all pairs of a space: the same network, the same columns.
TEST(Encoding, HoldsForEveryPairOfASpace) {
  const SearchSpace space = cell_space();
  Encoding encoding(space);
  const auto& options = std::get<Categorical>(space.choices()[0].domain).options;
  std::map<std::string, std::map<int, double>> known;
  std::size_t configurations = 0;
  for (const Value& a : options) {
    for (const Value& b : options) {
      for (const Value& c : options) {
        const Configuration configuration({{"a", a}, {"b", b}, {"c", c}});
        const auto of_network =
            of_group(encoding, columns(encoding, configuration), encoding.operations_group(), encoding.paths_group());
        const auto [found, added] = known.emplace(encoding.network_of(configuration), of_network);
        EXPECT_EQ(found->second, of_network) << configuration.canonical_text();
        ++configurations;
      }
    }
  }
  EXPECT_EQ(configurations, 64u);
  EXPECT_LT(known.size(), 64u);
}

TEST(Encoding, CountsOperationsAndPaths) {
  const SearchSpace space = cell_space();
  Encoding encoding(space);
  // Two paths: both convolutions, and the lower edge alone.
  const auto all = columns(encoding, cell("nor_conv_3x3", "nor_conv_3x3", "nor_conv_1x1"));
  double operations = 0;
  for (const auto& [column, count] :
       of_group(encoding, all, encoding.operations_group(), encoding.operations_group())) {
    operations += count;
  }
  double paths = 0;
  for (const auto& [column, count] : of_group(encoding, all, encoding.paths_group(), encoding.paths_group())) {
    paths += count;
  }
  EXPECT_EQ(operations, 2 + 1 + 4);  // the stem, the head, and two equal cells drawn as nodes of the network
  EXPECT_EQ(paths, 2 + 1);
}

TEST(Encoding, AnyTwoOptionsAreOneApart) {
  const SearchSpace space = edges_space();
  Encoding encoding(space);
  Random random(1);
  for (int i = 0; i < 50; ++i) {
    const Configuration configuration = space.sample(random);
    const auto all = columns(encoding, configuration);
    for (int group = 0; group < 6; ++group) {
      const auto of_choice = of_group(encoding, all, group, group);
      ASSERT_EQ(of_choice.size(), 1u);
      EXPECT_DOUBLE_EQ(of_choice.begin()->second, std::sqrt(0.5));
    }
    const auto other = columns(encoding, space.mutate(configuration, random));
    double distance = 0;
    for (std::size_t c = 0; c < encoding.columns(); ++c) {
      if (encoding.group_of(c) >= 6) continue;
      const auto place = static_cast<int>(c);
      const double a = all.contains(place) ? all.at(place) : 0;
      const double b = other.contains(place) ? other.at(place) : 0;
      distance += (a - b) * (a - b);
    }
    EXPECT_NEAR(distance, 1, 1e-12);
  }
}

TEST(Encoding, NumbersLieBetween0And1AndInactiveChoicesAreAValueOfTheirOwn) {
  const SearchSpace space = mixed_space();
  Encoding encoding(space);
  const auto group_of = [&](const std::string& name) {
    for (std::size_t i = 0; i < space.choices().size(); ++i) {
      if (space.choices()[i].name == name) return static_cast<int>(i);
    }
    return -1;
  };
  std::map<std::string, Value> values = {
      {"depth", std::int64_t{1}}, {"norm", true}, {"hidden.0.features", std::int64_t{64}}, {"rate", std::sqrt(0.001)}};
  const Configuration inactive(values);
  space.validate(inactive);
  const auto all = columns(encoding, inactive);
  EXPECT_TRUE(of_group(encoding, all, group_of("depth"), group_of("depth")).empty());  // the low end: 0
  EXPECT_DOUBLE_EQ(
      of_group(encoding, all, group_of("hidden.0.features"), group_of("hidden.0.features")).begin()->second, 1);
  EXPECT_NEAR(of_group(encoding, all, group_of("rate"), group_of("rate")).begin()->second, 0.5, 1e-12);
  values["norm"] = false;
  values["dropout"] = 0.25;
  const auto active = columns(encoding, Configuration(values));
  const auto without = of_group(encoding, all, group_of("dropout"), group_of("dropout"));
  const auto with = of_group(encoding, active, group_of("dropout"), group_of("dropout"));
  ASSERT_EQ(without.size(), 1u);
  ASSERT_EQ(with.size(), 1u);
  EXPECT_EQ(without.begin()->second, 1);
  EXPECT_DOUBLE_EQ(with.begin()->second, 0.5);
  EXPECT_NE(without.begin()->first, with.begin()->first);
}

TEST(Encoding, TrainingsThatDifferInTheRecipeAloneAreDifferent) {
  const SearchSpace space = mixed_space();
  Encoding encoding(space);
  Random random(1);
  Configuration configuration = space.sample(random);
  configuration.set("rate", 0.01);
  const std::string slow = encoding.network_of(configuration);
  configuration.set("rate", 0.1);
  EXPECT_NE(encoding.network_of(configuration), slow);
}

// Letters whose network never fits its classes: only the choices are left to tell configurations apart.
TEST(Encoding, AConfigurationThatIsNoNetworkHasItsChoicesAlone) {
  const SearchSpace space = cell_space();
  Encoding encoding(space);
  Configuration wrong = cell("none", "none", "none");
  wrong.set("a", std::string("no_such_operation"));
  const std::size_t before = encoding.columns();
  const auto all = columns(encoding, wrong);
  EXPECT_EQ(encoding.columns(), before);
  EXPECT_EQ(all.size(), 3u);
  EXPECT_EQ(encoding.network_of(wrong), "configuration " + wrong.canonical_text());
}

}  // namespace
}  // namespace netwright
