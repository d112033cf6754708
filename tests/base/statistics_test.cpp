#include "netwright/base/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "netwright/base/error.h"

namespace netwright {
namespace {

using testing::DoubleEq;
using testing::HasSubstr;
using testing::StartsWith;

const std::vector<double> three_high{0.912, 0.915, 0.917};
const std::vector<double> three_low{0.895, 0.899, 0.902};
const std::vector<double> five_high{0.912, 0.915, 0.917, 0.909, 0.914};
const std::vector<double> five_low{0.895, 0.899, 0.902, 0.905, 0.893};

// 0 … n-1 with so many inversions.
std::vector<double> permutation_with(std::size_t n, std::int64_t inversions) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i);
  for (std::size_t end = n; end > 1; --end) {
    for (std::size_t i = end - 1; i > 0 && inversions > 0; --i, --inversions) {
      // Each exchange carries the largest value left one place forward: one more inversion.
      std::swap(values[n - end + i], values[n - end + i - 1]);
    }
  }
  return values;
}

std::vector<double> counting(std::size_t n) {
  return permutation_with(n, 0);
}

TEST(Statistics, MomentsOfKnownSamples) {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(mean(values), 5);
  EXPECT_DOUBLE_EQ(standard_deviation(values), std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(median(values), 4.5);
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_EQ(standard_deviation(std::vector<double>{3}), 0);
}

TEST(Statistics, QuantilesInterpolateAsNumpyDoes) {
  const std::vector<double> values{15, 20, 35, 40, 50};
  EXPECT_DOUBLE_EQ(quantile(values, 0.4), 29);
  EXPECT_DOUBLE_EQ(quantile(values, 0.25), 20);
  EXPECT_DOUBLE_EQ(quantile(values, 0), 15);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 50);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{7}, 0.3), 7);
}

TEST(Statistics, KendallReproducesPublishedDigits) {
  EXPECT_EQ(kendall_tau(counting(10), permutation_with(10, 1)).tau, 0.9555555555555556);
  EXPECT_EQ(kendall_tau(counting(10), permutation_with(10, 1)).p, 5.5114638447971785e-06);
  EXPECT_EQ(kendall_tau(counting(8), permutation_with(8, 3)).tau, 0.7857142857142857);
  EXPECT_EQ(kendall_tau(counting(8), permutation_with(8, 3)).p, 0.005505952380952381);
  EXPECT_EQ(kendall_tau(counting(10), permutation_with(10, 24)).p, 0.8618005952380953);
  EXPECT_EQ(kendall_tau(counting(10), permutation_with(10, 36)).p, 0.016666115520282188);
  EXPECT_EQ(kendall_tau(counting(10), permutation_with(10, 30)).p, 0.21637345679012346);
}

TEST(Statistics, KendallCountsInversions) {
  for (const std::int64_t inversions : {0, 1, 7, 20, 45}) {
    const KendallTau result = kendall_tau(counting(10), permutation_with(10, inversions));
    EXPECT_EQ(result.inversions, inversions);
    EXPECT_TRUE(result.exact);
  }
  // The order in which pairs are listed is irrelevant.
  const std::vector<double> x{3, 1, 2, 5, 4}, y{1, 2, 3, 4, 5};
  EXPECT_EQ(kendall_tau(x, y).inversions, kendall_tau(y, x).inversions);
}

TEST(Statistics, KendallExactDistributionSumsToOne) {
  // Numbers of permutations of five values by inversions (Mahonian numbers).
  const std::vector<double> mahonian5{1, 4, 9, 15, 20, 22, 20, 15, 9, 4, 1};
  for (std::size_t i = 0; i < mahonian5.size(); ++i) {
    double expected = 0;
    for (std::size_t j = 0; j < mahonian5.size(); ++j) {
      if (std::abs(static_cast<int>(j) - 5) >= std::abs(static_cast<int>(i) - 5)) expected += mahonian5[j] / 120;
    }
    EXPECT_THAT(kendall_exact_p(5, static_cast<std::int64_t>(i)), testing::DoubleNear(std::min(1.0, expected), 1e-15));
  }
  EXPECT_NEAR(kendall_exact_p(60, 885), 1, 1e-12);
  EXPECT_NEAR(kendall_exact_p(60, 800) / std::erfc((1770 - 1600) / std::sqrt(2 * 60 * 59 * 125.0 / 18)), 1, 0.05);
}

TEST(Statistics, KendallWithTiesUsesTauB) {
  // Digits from scipy.stats.kendalltau(method="asymptotic").
  const std::vector<double> x{12, 2, 1, 12, 2}, y{1, 4, 7, 1, 0};
  const KendallTau result = kendall_tau(x, y);
  EXPECT_DOUBLE_EQ(result.tau, -0.4714045207910316);
  EXPECT_DOUBLE_EQ(result.p, 0.2827454599327748);
  EXPECT_FALSE(result.exact);
}

TEST(Statistics, KendallOfConstantIsNotANumber) {
  EXPECT_TRUE(std::isnan(kendall_tau(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}).tau));
  EXPECT_TRUE(std::isnan(kendall_tau(std::vector<double>{1}, std::vector<double>{1}).p));
  EXPECT_THROW(kendall_tau(std::vector<double>{1}, std::vector<double>{}), Error);
}

TEST(Statistics, PermutationCountsEverySplit) {
  Random random(1);
  const PermutationTest separate = permutation_test(three_high, three_low, random);
  EXPECT_TRUE(separate.exact);
  EXPECT_EQ(separate.splits, 20u);
  EXPECT_DOUBLE_EQ(separate.p, 0.1);
  EXPECT_DOUBLE_EQ(separate.smallest_p, 0.1);
  EXPECT_DOUBLE_EQ(permutation_test(five_high, five_low, random).p, 2.0 / 252);
  EXPECT_DOUBLE_EQ(permutation_test(std::vector<double>{1, 2}, std::vector<double>{3, 4}, random).p, 1.0 / 3);
  EXPECT_DOUBLE_EQ(permutation_test(std::vector<double>{9}, std::vector<double>{1, 2, 3}, random).smallest_p, 0.25);
  EXPECT_DOUBLE_EQ(permutation_test(std::vector<double>{1}, std::vector<double>{2}, random).p, 1);
}

TEST(Statistics, PermutationOfEqualValuesIsOneDespiteRounding) {
  Random random(1);
  const std::vector<double> same(6, 0.1);
  EXPECT_EQ(permutation_test(same, same, random).p, 1);
}

TEST(Statistics, PermutationOfManyIsDrawn) {
  Random random(3);
  std::vector<double> a(30), b(30);
  for (double& value : a) value = random.normal();
  for (double& value : b) value = random.normal() + 0.5;
  Random first(7), second(7);
  const PermutationTest test = permutation_test(a, b, first);
  EXPECT_FALSE(test.exact);
  EXPECT_EQ(test.p, permutation_test(a, b, second).p);
  // The normal approximation of the same test.
  std::vector<double> pooled(a);
  pooled.insert(pooled.end(), b.begin(), b.end());
  const double z = (mean(a) - mean(b)) / (standard_deviation(pooled) * std::sqrt(2.0 / 30));
  EXPECT_NEAR(test.p, std::erfc(std::fabs(z) / std::sqrt(2)), 0.01);
  // Never zero, however clear the difference.
  for (double& value : b) value += 100;
  EXPECT_DOUBLE_EQ(permutation_test(a, b, first).p, 1 / 100001.0);
}

TEST(Statistics, BootstrapIsSeededAndOrdered) {
  Random first(5), second(5);
  const auto interval = bootstrap_difference(five_high, five_low, first);
  ASSERT_TRUE(interval);
  EXPECT_EQ(*interval, *bootstrap_difference(five_high, five_low, second));
  EXPECT_LT(interval->low, mean(five_high) - mean(five_low));
  EXPECT_GT(interval->high, mean(five_high) - mean(five_low));
  EXPECT_FALSE(bootstrap_difference(std::vector<double>{1}, five_low, first));
}

TEST(Statistics, BootstrapOfThreeIsTheWholeRange) {
  Random random(5);
  const auto interval = bootstrap_difference(three_high, three_low, random);
  EXPECT_NEAR(interval->low, 0.912 - 0.902, 1e-12);
  EXPECT_NEAR(interval->high, 0.917 - 0.895, 1e-12);
}

TEST(Statistics, BootstrapCoversAsPromised) {
  Random random(11);
  int covered = 0;
  constexpr int rounds = 400;
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> a(10), b(10);
    for (double& value : a) value = random.normal();
    for (double& value : b) value = 2 * random.normal() + 1;
    covered += bootstrap_difference(a, b, random, 0.95, 1000)->contains(-1) ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(rounds), 0.95, 0.03);
}

TEST(Statistics, BootstrapOfConstantsIsAPoint) {
  Random random(5);
  const std::vector<double> ones(4, 1.0), twos(4, 2.0);
  EXPECT_EQ(*bootstrap_difference(twos, ones, random), (Interval{1, 1}));
}

TEST(Statistics, ComparisonIsReproducible) {
  const Comparison comparison = compare(five_high, five_low, 42);
  EXPECT_DOUBLE_EQ(comparison.difference, mean(five_high) - mean(five_low));
  EXPECT_TRUE(comparison.above());
  EXPECT_FALSE(comparison.below());
  EXPECT_TRUE(compare(five_low, five_high, 42).below());
  EXPECT_EQ(to_json(comparison), to_json(compare(five_high, five_low, 42)));
  EXPECT_EQ(to_json(comparison), to_json(comparison_from_json(to_json(comparison))));
  EXPECT_THROW(comparison_from_json(Json::object()), Error);
}

TEST(Statistics, ComparisonRefusesNothingAndNotANumber) {
  EXPECT_THROW(compare({}, five_low, 1), Error);
  EXPECT_THROW(compare(five_low, std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, 1), Error);
}

TEST(Statistics, WordsOfAClearDifference) {
  const std::string text = in_words(compare(five_high, five_low, 42));
  EXPECT_THAT(text, StartsWith("The searched networks reach 91.3 % test accuracy, 1.5 points above random ones (95 % "
                               "interval 0.8 to 2.0, permutation p = 0.0079). 5 against 5 independent networks."));
}

TEST(Statistics, WordsOfNoDifference) {
  const std::vector<double> a{0.90, 0.91, 0.92, 0.89, 0.88}, b{0.91, 0.90, 0.93, 0.87, 0.90};
  const std::string text = in_words(compare(a, b, 1));
  EXPECT_THAT(text, StartsWith("Not better than random: the searched networks reach 90.0 % test accuracy, 0.2 points "
                               "below random ones (95 % interval -"));
  EXPECT_THAT(in_words(compare(five_low, five_high, 1)), StartsWith("Worse than random: the searched networks reach"));
}

TEST(Statistics, WordsOfEqualValues) {
  const std::vector<double> same{0.9, 0.9};
  EXPECT_THAT(in_words(compare(same, same, 1)), HasSubstr("90.00 % test accuracy, as much as random ones"));
}

TEST(Statistics, WordsSayWhenTheSampleIsTooSmall) {
  const std::vector<double> two_high{0.91, 0.92}, two_low{0.89, 0.90};
  ComparisonWords words;
  words.seeds = 3;
  const std::string text = in_words(compare(two_high, two_low, 1), words);
  EXPECT_THAT(text, StartsWith("Not better than random: "));
  EXPECT_THAT(text, HasSubstr("2 against 2 independent networks, each the mean of 3 seeds: too few for any p below "
                              "0.05; the smallest possible is 1/3."));
  EXPECT_THAT(in_words(compare(three_high, three_low, 1)), HasSubstr("the smallest possible is 1/10."));
  EXPECT_THAT(in_words(compare(std::vector<double>{0.9}, std::vector<double>{0.8}, 1)),
              HasSubstr("(no interval from a single network, permutation p = 1)"));
}

TEST(Statistics, WordsOfAMetricThatIsNoShare) {
  ComparisonWords words;
  words.percent = false;
  words.larger_is_better = false;
  words.quantity = "ms latency";
  const std::vector<double> slow{12, 13, 12.5, 12.2}, fast{10, 10.5, 9.5, 10.2};
  EXPECT_THAT(in_words(compare(fast, slow, 1), words),
              StartsWith("The searched networks reach 10.05 ms latency, 2.38 below random ones"));
  EXPECT_THAT(in_words(compare(slow, fast, 1), words), StartsWith("Worse than random: "));
}

}  // namespace
}  // namespace netwright
