#include "netwright/space/recipe.h"

#include <gtest/gtest.h>

#include "netwright/base/error.h"

namespace netwright {
namespace {

Recipe read(const std::string& text, const Recipe& base = {}) {
  return parse_recipe(parse_yaml(text, "r.yaml"), base);
}

void expect_refused(const std::string& text, int line, int column, const std::string& words) {
  try {
    read(text);
    ADD_FAILURE() << "accepted: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    EXPECT_EQ(error.where().line, line) << error.what();
    EXPECT_EQ(error.where().column, column) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(Recipe, HasDefaults) {
  const Recipe recipe = read("");
  EXPECT_EQ(recipe.epochs, 10);
  EXPECT_EQ(recipe.optimizer.name, "sgd");
  EXPECT_TRUE(recipe.optimizer.nesterov);
}

TEST(Recipe, ReadsEveryFieldAndComesBack) {
  const Recipe recipe = read(R"(
epochs: 2.5
steps: 100
batch: 32
optimizer: {name: adamw, learning_rate: 1e-3, momentum: 0.8, nesterov: false, beta1: 0.8, beta2: 0.99, weight_decay: 0.01, decay_norm_and_bias: false}
schedule: {name: step, warmup_epochs: 0.5, final_fraction: 0.01, step_epochs: 3, gamma: 0.5, horizon_epochs: 20}
augmentation: {crop_padding: 4, flip: true, cutout: 16, normalize: false}
gradient_clip: 5
label_smoothing: 0.1
drop_path: 0.2
auxiliary_weight: 0.4
ema: 0.999
swa_start: 0.75
train_fraction: 0.5
)");
  EXPECT_EQ(recipe.epochs, 2.5);
  EXPECT_EQ(recipe.optimizer.name, "adamw");
  EXPECT_EQ(recipe.optimizer.beta2, 0.99);
  EXPECT_EQ(recipe.schedule.gamma, 0.5);
  EXPECT_EQ(recipe.augmentation.cutout, 16);
  EXPECT_EQ(recipe.train_fraction, 0.5);
  // Every field differs from its default above, so what gets lost on the way shows.
  const Json json = to_json(recipe);
  const Json defaults = to_json(Recipe{});
  for (const auto& [key, value] : json.items()) {
    if (!value.is_object()) {
      EXPECT_NE(value, defaults[key]) << key;
      continue;
    }
    for (const auto& [inner, field] : value.items()) EXPECT_NE(field, defaults[key][inner]) << key << "." << inner;
  }
  EXPECT_EQ(to_json(recipe_from_json(Json::parse(json.dump()))), json);
  EXPECT_EQ(to_json(parse_recipe(parse_yaml(dump_yaml(to_yaml(recipe)), "r.yaml"))), json);
}

TEST(Recipe, TakesAbsentKeysFromItsBase) {
  const Recipe base = read("{epochs: 3, optimizer: {learning_rate: 0.5, weight_decay: 0}}");
  const Recipe recipe = read("{epochs: 30, optimizer: {weight_decay: 1e-4}}", base);
  EXPECT_EQ(recipe.epochs, 30);
  EXPECT_EQ(recipe.optimizer.learning_rate, 0.5);
  EXPECT_EQ(recipe.optimizer.weight_decay, 1e-4);
}

TEST(Recipe, RefusesMistakesAtTheirPlace) {
  expect_refused("epoch: 3", 1, 1, "did you mean 'epochs'?");
  expect_refused("epochs: 3\noptimizer:\n  name: sdg", 3, 9, "did you mean 'sgd'?");
  expect_refused("optimizer:\n  lerning_rate: 1", 2, 3, "did you mean 'learning_rate'?");
  expect_refused("batch: 0", 1, 8, "between 1 and");
  expect_refused("batch: many", 1, 8, "integer");
  expect_refused("drop_path: 1", 1, 12, "between 0 and");
  expect_refused("augmentation: {flip: maybe}", 1, 22, "true or false");
  expect_refused("optimizer: sgd", 1, 12, "mapping");
  expect_refused("optimizer: {momentum: 0, nesterov: true}", 1, 36, "momentum");
}

TEST(Recipe, DropsNesterovWithoutMomentum) {
  EXPECT_FALSE(read("optimizer: {momentum: 0}").optimizer.nesterov);
}

}  // namespace
}  // namespace netwright
