#include "netwright/train/learning_rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "netwright/base/error.h"

namespace netwright {
namespace {

Recipe recipe_with(const std::string& schedule, double warmup = 0) {
  Recipe recipe;
  recipe.epochs = 10;
  recipe.optimizer.learning_rate = 0.4;
  recipe.schedule.name = schedule;
  recipe.schedule.warmup_epochs = warmup;
  return recipe;
}

double rate(const Recipe& recipe, std::int64_t step, std::int64_t batches = 20) {
  return learning_rate_at(recipe, make_timetable(recipe, batches), step);
}

TEST(LearningRate, ConstantStaysAtThePeak) {
  const Recipe recipe = recipe_with("constant");
  for (const std::int64_t step : {0, 1, 77, 10'000}) EXPECT_EQ(rate(recipe, step), 0.4);
}

TEST(LearningRate, WarmUpRisesLinearlyAndReachesThePeak) {
  const Recipe recipe = recipe_with("constant", 2);
  EXPECT_DOUBLE_EQ(rate(recipe, 0), 0.4 / 40);
  EXPECT_DOUBLE_EQ(rate(recipe, 19), 0.2);
  EXPECT_DOUBLE_EQ(rate(recipe, 39), 0.4);
  EXPECT_DOUBLE_EQ(rate(recipe, 40), 0.4);
}

TEST(LearningRate, CosineFallsFromThePeakToItsLastShare) {
  Recipe recipe = recipe_with("cosine");
  EXPECT_DOUBLE_EQ(rate(recipe, 0), 0.4);
  EXPECT_NEAR(rate(recipe, 100), 0.2, 1e-12);
  EXPECT_NEAR(rate(recipe, 50), 0.2 * (1 + std::cos(std::numbers::pi / 4)), 1e-12);
  EXPECT_NEAR(rate(recipe, 200), 0, 1e-12);
  EXPECT_NEAR(rate(recipe, 500), 0, 1e-12);
  recipe.schedule.final_fraction = 0.1;
  EXPECT_NEAR(rate(recipe, 200), 0.04, 1e-12);
}

TEST(LearningRate, CosineFollowsWarmUp) {
  const Recipe recipe = recipe_with("cosine", 2);
  EXPECT_DOUBLE_EQ(rate(recipe, 39), 0.4);
  EXPECT_DOUBLE_EQ(rate(recipe, 40), 0.4);
  EXPECT_NEAR(rate(recipe, 120), 0.2, 1e-12);
}

TEST(LearningRate, StepMultipliesEveryFewEpochs) {
  Recipe recipe = recipe_with("step");
  recipe.schedule.step_epochs = 3;
  recipe.schedule.gamma = 0.5;
  EXPECT_DOUBLE_EQ(rate(recipe, 59), 0.4);
  EXPECT_DOUBLE_EQ(rate(recipe, 60), 0.2);
  EXPECT_DOUBLE_EQ(rate(recipe, 120), 0.1);
}

TEST(LearningRate, HorizonReplacesTheEpochs) {
  Recipe recipe = recipe_with("cosine");
  recipe.schedule.horizon_epochs = 20;
  EXPECT_NEAR(rate(recipe, 200), 0.2, 1e-12);
}

TEST(LearningRate, RecipeMayCountSteps) {
  Recipe recipe = recipe_with("cosine");
  recipe.steps = 50;
  EXPECT_DOUBLE_EQ(make_timetable(recipe, 20).epochs, 2.5);
  EXPECT_NEAR(rate(recipe, 25), 0.2, 1e-12);
}

TEST(LearningRate, RefusesAnUnknownSchedule) {
  EXPECT_THROW(rate(recipe_with("cosinus"), 0), Error);
}

TEST(DropPath, RampsOverTheEpochs) {
  Recipe recipe = recipe_with("constant");
  recipe.drop_path = 0.2;
  const Timetable timetable = make_timetable(recipe, 20);
  EXPECT_EQ(drop_path_at(recipe, timetable, 19), 0);
  EXPECT_DOUBLE_EQ(drop_path_at(recipe, timetable, 20), 0.02);
  EXPECT_DOUBLE_EQ(drop_path_at(recipe, timetable, 199), 0.18);
  EXPECT_DOUBLE_EQ(drop_path_at(recipe, timetable, 4000), 0.2);
}

}  // namespace
}  // namespace netwright
