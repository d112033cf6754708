#include "netwright/trial/data_options.h"

#include "data/files.h"

namespace netwright {
namespace {

using testing::expect_invalid;

DataOptions parse(const std::string& text) {
  return parse_data_options(parse_yaml(text, "experiment.yaml"));
}

TEST(DataOptions, EmptyMeansTheTrainerKnowsItsData) {
  EXPECT_TRUE(parse("").format.empty());
  EXPECT_TRUE(parse("{}").format.empty());
}

TEST(DataOptions, ReadsEveryKey) {
  const DataOptions options = parse(
      "format: csv\npath: a.csv\nvalidation_fraction: 0.25\ntrain_limit: 100\nvalidation_limit: 50\n"
      "test_limit: 20\ntarget: kind\ntest_path: b.csv\nsplit_seed: 7\n");
  EXPECT_EQ(options.format, "csv");
  EXPECT_EQ(options.path, "a.csv");
  EXPECT_EQ(options.validation_fraction, 0.25);
  EXPECT_EQ(options.train_limit, 100);
  EXPECT_EQ(options.validation_limit, 50);
  EXPECT_EQ(options.test_limit, 20);
  EXPECT_EQ(options.target, "kind");
  EXPECT_EQ(options.test_path, "b.csv");
  EXPECT_EQ(options.split_seed, 7U);
  EXPECT_EQ(parse("{format: image-folder, path: p, image_size: 64, test_fraction: 0.3}").image_size, 64);
}

TEST(DataOptions, SurvivesJson) {
  const DataOptions options = parse("{format: csv, path: a.csv, target: t, test_fraction: 0.125, split_seed: 3}");
  const Json json = to_json(options);
  EXPECT_EQ(to_json(data_options_from_json(json)), json);
  EXPECT_EQ(json.size(), 11U);
  EXPECT_THROW(data_options_from_json(Json{{"format", "csv"}}), Error);
  EXPECT_THROW(data_options_from_json(Json(3)), Error);
}

TEST(DataOptions, MistakesAreToldAtTheirPlace) {
  const std::string file = "experiment.yaml";
  expect_invalid([] { parse("format: mnits\npath: x"); }, file, "did you mean 'mnist'", 1);
  expect_invalid([] { parse("format: mnist\npath: x\nvalidaton_fraction: 0.1"); }, file, "validation_fraction", 3);
  expect_invalid([] { parse("format: mnist\npath: x\nvalidation_fraction: 1"); }, file, "between 0 and 1", 3);
  expect_invalid([] { parse("format: mnist\npath: x\nvalidation_fraction: 0"); }, file, "between 0 and 1", 3);
  expect_invalid([] { parse("format: mnist\npath: x\ntrain_limit: -1"); }, file, "train_limit", 3);
  expect_invalid([] { parse("format: mnist\npath: x\ntrain_limit: many"); }, file, "integer", 3);
  expect_invalid([] { parse("format: mnist\npath: x\nsplit_seed: -1"); }, file, "split_seed", 3);
  expect_invalid([] { parse("format: mnist"); }, file, "path", 1);
  expect_invalid([] { parse("path: x"); }, file, "format", 1);
  expect_invalid([] { parse("format: cifar-10\npath: x\ntarget: y"); }, file, "no meaning", 3);
  expect_invalid([] { parse("format: cifar-10\npath: x\nimage_size: 32"); }, file, "image-folder", 3);
  expect_invalid([] { parse("format: csv\npath: x\ntest_path: y\ntest_fraction: 0.5"); }, file, "exclude", 4);
  expect_invalid([] { parse("format: image-folder\npath: x\nimage_size: 100000"); }, file, "between 1 and 1024", 3);
  expect_invalid([] { parse("[1, 2]"); }, file, "mapping", 1);
}

TEST(DataOptions, FashionMnistNeedsNoPath) {
  EXPECT_EQ(parse("format: fashion-mnist").format, "fashion-mnist");
}

}  // namespace
}  // namespace netwright
