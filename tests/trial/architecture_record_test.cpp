#include "netwright/trial/architecture_record.h"

#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/trial/collapse_options.h"

namespace netwright {
namespace {

ArchitectureRecord example() {
  ArchitectureRecord record;
  record.groups = {{"normal",
                    {"none", "skip_connect"},
                    {{"n0 ← p0", {0.25, 0.75}, 1, 0.5}, {"n0 ← p1", {0.123456, 0.876544}, -1, 0.5}}},
                   {"head", {"32", "64", "96"}, {{"width", {0, 1, 0}, 1, {}}}}};
  return record;
}

TEST(ArchitectureRecord, ReadsBackWithFourDecimals) {
  const Json json = to_json(example());
  EXPECT_EQ(json.at("version"), 1);
  const auto back = architecture_record_from_json(Json::parse(json.dump()));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), json);
  const auto& normal = back->groups.at(0);
  EXPECT_EQ(normal.options, (std::vector<std::string>{"none", "skip_connect"}));
  EXPECT_EQ(normal.rows.at(1).name, "n0 ← p1");
  EXPECT_EQ(normal.rows.at(1).weights, (std::vector<double>{0.1235, 0.8765}));
  EXPECT_EQ(normal.rows.at(1).picked, -1);
  EXPECT_EQ(normal.rows.at(1).edge, 0.5);
  EXPECT_FALSE(back->groups.at(1).rows.at(0).edge);
}

TEST(ArchitectureRecord, WhatIsNoneIsPassedOver) {
  EXPECT_FALSE(architecture_record_from_json(Json()));
  EXPECT_FALSE(architecture_record_from_json(Json::array()));
  Json later = to_json(example());
  later["version"] = 2;
  EXPECT_FALSE(architecture_record_from_json(later));
  for (const std::string key : {"name", "options", "rows", "weights", "picked"}) {
    Json damaged = to_json(example());
    damaged["groups"][0].erase(key);
    EXPECT_FALSE(architecture_record_from_json(damaged)) << key;
    damaged["groups"][0][key] = 7;
    EXPECT_FALSE(architecture_record_from_json(damaged)) << key;
  }
  Json outside = to_json(example());
  outside["groups"][0]["picked"][0] = 2;
  EXPECT_FALSE(architecture_record_from_json(outside));
  outside["groups"][0]["picked"][0] = 1;
  outside["groups"][0]["weights"][0] = {1.0};
  EXPECT_FALSE(architecture_record_from_json(outside));
  EXPECT_TRUE(collapse_signs_from_json(Json{{{"rule", 1}, {"text", "x"}}, 3, {{"rule", "x"}}}).empty());
}

CollapseOptions parse(const std::string& text) {
  return parse_collapse(parse_yaml(text, "e.yaml"));
}

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(CollapseOptions, AWordOrAMapping) {
  EXPECT_EQ(CollapseOptions().action, "warn");
  EXPECT_TRUE(parse("stop").stops());
  EXPECT_FALSE(parse("off").is_on());
  const CollapseOptions options =
      parse("{action: stop, from_epoch: 3, skip_connections: 4, eigenvalue: {ratio: 0.5, window: 7, every: 2}}");
  EXPECT_TRUE(options.stops());
  EXPECT_EQ(options.from_epoch, 3);
  EXPECT_EQ(options.skips, 4);
  EXPECT_EQ(options.ratio, 0.5);
  EXPECT_EQ(options.window, 7);
  EXPECT_EQ(options.every, 2);
  EXPECT_EQ(options.iterations, CollapseOptions().iterations);
}

TEST(CollapseOptions, MistakesAreNamedWithTheirPlace) {
  EXPECT_EQ(error_of("stopp"), "e.yaml:1:1: 'collapse' is 'stopp'\n  remedy: did you mean 'stop'?");
  EXPECT_NE(error_of("{action: halt}").find("e.yaml:1:10"), std::string::npos);
  EXPECT_NE(error_of("{skip_connection: 3}").find("did you mean 'skip_connections'?"), std::string::npos);
  EXPECT_NE(error_of("{eigenvalue: {ratio: 2}}").find("e.yaml:1:22"), std::string::npos);
  EXPECT_NE(error_of("{eigenvalue: {ratios: 1}}").find("did you mean 'ratio'?"), std::string::npos);
  EXPECT_NE(error_of("{from_epoch: 0}").find("e.yaml:1:14"), std::string::npos);
  EXPECT_NE(error_of("[stop]").find("e.yaml:1:1"), std::string::npos);
}

}  // namespace
}  // namespace netwright
