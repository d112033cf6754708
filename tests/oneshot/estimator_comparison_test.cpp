#include "netwright/oneshot/estimator_comparison.h"

#include <gtest/gtest.h>

#include <map>

#include "netwright/base/error.h"
#include "oneshot/tiny.h"

namespace netwright {
namespace {

TEST(EstimatorComparison, TellsTheUnbiasedFromTheBiased) {
  ComparisonOptions options;
  options.draws = 1000;
  options.warm_up = 200;
  options.temperatures = {0.5, 2};
  options.seed = 4;
  const EstimatorComparison found = compare_estimators(options);
  ASSERT_EQ(found.estimators.size(), 8u);
  std::map<std::string, const EstimatorFigures*> last;  // of the highest temperature
  for (const EstimatorFigures& figures : found.estimators) {
    last[figures.name] = &figures;
    const bool relaxed = figures.name == "gumbel_softmax" || figures.name == "straight_through";
    EXPECT_EQ(figures.temperature > 0, relaxed || figures.name == "rebar" || figures.name == "relax") << figures.name;
    EXPECT_NEAR(figures.standard_error, std::sqrt(figures.variance / 1000), 1e-12);
    if (!relaxed) {
      EXPECT_TRUE(figures.unbiased) << figures.name << ": " << figures.bias << " in " << figures.standard_error;
    }
  }
  EXPECT_FALSE(last.at("gumbel_softmax")->unbiased);
  EXPECT_FALSE(last.at("straight_through")->unbiased);
  EXPECT_EQ(last.at("reinforce")->variance_ratio, 1);
  EXPECT_GT(last.at("reinforce_without_baseline")->variance_ratio, 1);
  EXPECT_LT(last.at("rebar")->variance_ratio, 1);
  EXPECT_LT(last.at("relax")->variance_ratio, 1);
}

// Of one row with a loss by option, the gradient is p (f - E f).
TEST(EstimatorComparison, ExactFiguresAreThoseOfTheExpectedLoss) {
  ComparisonOptions options;
  options.rows = 1;
  options.options = 3;
  options.draws = 2;
  options.warm_up = 0;
  const EstimatorProblem problem = made_up_problem(1, 3, options.seed);
  const torch::Tensor p = torch::softmax(problem.logits[0].detach()[0], 0);
  torch::Tensor losses = torch::zeros({3}, torch::kDouble);
  for (std::int64_t i = 0; i < 3; ++i) {
    losses[i] = problem.objective({torch::eye(3, torch::kDouble).slice(0, i, i + 1)}, true);
  }
  const EstimatorComparison found = compare_estimators(options);
  const double expected = torch::dot(p, losses).item<double>();
  EXPECT_NEAR(found.loss, expected, 1e-12);
  EXPECT_NEAR(found.gradient_norm, (p * (losses - expected)).norm().item<double>(), 1e-12);
}

TEST(EstimatorComparison, FiguresAreThoseOfTheSeed) {
  ComparisonOptions options;
  options.draws = 20;
  options.warm_up = 3;
  const EstimatorComparison once = compare_estimators(options);
  options.temperatures = {0.5};  // what one draws is not changed by the others
  const EstimatorComparison again = compare_estimators(options);
  EXPECT_EQ(once.estimators.back().bias, again.estimators.back().bias);
  options.seed = 1;
  EXPECT_NE(compare_estimators(options).gradient_norm, once.gradient_norm);
}

TEST(EstimatorComparison, RefusesWhatCannotBeEnumerated) {
  ComparisonOptions options;
  options.rows = 9;
  EXPECT_THROW(compare_estimators(options), Error);
}

}  // namespace
}  // namespace netwright
