// The densities of TPE against numbers computed independently from the published formulas of Hyperopt, in double
// precision outside this project. Each says which formula it comes from.
#include "netwright/strategy/parzen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace netwright {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

// A mixture of observations in order of time.
ParzenMixture mixture(const std::vector<double>& observations, Interval support) {
  std::vector<double> weights;
  linear_forgetting_weights(observations.size(), weights);
  std::vector<std::size_t> order(observations.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return observations[a] < observations[b]; });
  std::vector<double> means, sorted_weights;
  for (const std::size_t i : order) {
    means.push_back(observations[i]);
    sorted_weights.push_back(weights[i]);
  }
  ParzenMixture result;
  result.fit(means, sorted_weights, support);
  return result;
}

// (i·0.618…) mod 1 for i = 1, 2, …, raised to a power: even coverage, or crowded towards 0.
std::vector<double> golden(int count, int power) {
  std::vector<double> values;
  for (int i = 1; i <= count; ++i) values.push_back(std::pow(std::fmod(i * 0.6180339887498949, 1.0), power));
  return values;
}

std::vector<double> columns(const ParzenMixture& parzen, double (ParzenMixture::*column)(std::size_t) const) {
  std::vector<double> values;
  for (std::size_t i = 0; i < parzen.size(); ++i) values.push_back((parzen.*column)(i));
  return values;
}

TEST(LinearForgetting, YoungestTwentyFiveKeepTheirWeight) {
  std::vector<double> weights;
  linear_forgetting_weights(25, weights);
  EXPECT_THAT(weights, testing::AllOf(testing::SizeIs(25), testing::Each(1.0)));
  linear_forgetting_weights(0, weights);
  EXPECT_THAT(weights, testing::IsEmpty());
  // linspace(1/26, 1, 1) is its first point alone.
  linear_forgetting_weights(26, weights);
  EXPECT_DOUBLE_EQ(weights[0], 1 / 26.0);
  EXPECT_DOUBLE_EQ(weights[1], 1.0);
  // linspace(1/30, 1, 5), then ones.
  linear_forgetting_weights(30, weights);
  weights.resize(7);
  EXPECT_THAT(weights,
              Pointwise(testing::DoubleEq(), {1 / 30.0, 0.275, 0.5166666666666667, 0.7583333333333333, 1.0, 1.0, 1.0}));
}

// 30 observations 0, 1, 2, 0, 1, 2, … of four options: bincount with the weights above plus a prior of 1 for each,
// divided by the sum.
TEST(CategoricalDensity, IsWeightedCountsPlusOne) {
  std::vector<std::uint32_t> observations;
  for (std::uint32_t i = 0; i < 30; ++i) observations.push_back(i % 3);
  std::vector<double> weights, density;
  linear_forgetting_weights(30, weights);
  categorical_density(observations, weights, 4, density);
  const double sum = std::accumulate(density.begin(), density.end(), 0.0);
  for (double& share : density) share /= sum;
  EXPECT_THAT(density, Pointwise(DoubleNear(1e-15),
                                 {0.3100263852242744, 0.3253298153034301, 0.3329815303430079, 0.0316622691292876}));
  categorical_density({}, {}, 3, density);
  EXPECT_THAT(density, ElementsAre(1.0, 1.0, 1.0));
}

// adaptive_parzen_normal with prior mean 0.5 and prior sigma 1.
TEST(ParzenMixture, ComponentsAreAsWideAsTheLargerGap) {
  const ParzenMixture none = mixture({}, {0, 1});
  EXPECT_THAT(columns(none, &ParzenMixture::mean), ElementsAre(0.5));
  EXPECT_THAT(columns(none, &ParzenMixture::sigma), ElementsAre(1.0));
  // One observation is half as wide as the prior.
  const ParzenMixture one = mixture({0.3}, {0, 1});
  EXPECT_THAT(columns(one, &ParzenMixture::mean), ElementsAre(0.3, 0.5));
  EXPECT_THAT(columns(one, &ParzenMixture::sigma), ElementsAre(0.5, 1.0));
  // Of 0.2 the gap 0.05 is clipped to 1/(4+1); 0.25 is 0.25 from the prior, 0.9 is 0.4 from it.
  const ParzenMixture three = mixture({0.9, 0.2, 0.25}, {0, 1});
  EXPECT_THAT(columns(three, &ParzenMixture::mean), ElementsAre(0.2, 0.25, 0.5, 0.9));
  EXPECT_THAT(columns(three, &ParzenMixture::sigma), Pointwise(DoubleNear(1e-15), {0.2, 0.25, 1.0, 0.4}));
  EXPECT_THAT(columns(three, &ParzenMixture::weight), ElementsAre(0.25, 0.25, 0.25, 0.25));
}

// 40 observations: the oldest has weight 1/40 before division by the sum; least sigma 1/(41+1). 200 of them: 1/100.
TEST(ParzenMixture, ManyComponentsHaveALeastWidth) {
  const ParzenMixture forty = mixture(golden(40, 1), {0, 1});
  EXPECT_EQ(forty.size(), 41u);
  EXPECT_DOUBLE_EQ(forty.weight(0), 0.029684601113172542);
  EXPECT_DOUBLE_EQ(forty.sigma(0), 0.023809523809523808);
  const auto sigmas = columns(mixture(golden(200, 4), {0, 1}), &ParzenMixture::sigma);
  EXPECT_DOUBLE_EQ(*std::min_element(sigmas.begin(), sigmas.end()), 0.01);
  EXPECT_DOUBLE_EQ(*std::max_element(sigmas.begin(), sigmas.end()), 1.0);  // the prior's own
}

// GMM1_lpdf(x, *adaptive_parzen_normal(observations, 1, 0.5, 1), low=0, high=1).
TEST(ParzenMixture, LogDensityOfARealChoice) {
  const ParzenMixture three = mixture({0.2, 0.25, 0.9}, {0, 1});
  EXPECT_NEAR(three.log_density(0.0), -0.015804428905024696, 1e-13);
  EXPECT_NEAR(three.log_density(0.22), 0.45734923682404227, 1e-13);
  EXPECT_NEAR(three.log_density(0.6), -0.2723949685262565, 1e-13);
  EXPECT_NEAR(three.log_density(1.0), -0.6843021571050147, 1e-13);
  const ParzenMixture forty = mixture(golden(40, 1), {0, 1});
  EXPECT_NEAR(forty.log_density(0.01), -0.162297110329902, 1e-13);
  EXPECT_NEAR(forty.log_density(0.5), 0.2036986243395064, 1e-13);
  EXPECT_NEAR(forty.log_density(0.77), -0.031145954261039558, 1e-13);
  const ParzenMixture crowded = mixture(golden(200, 4), {0, 1});
  EXPECT_NEAR(crowded.log_density(0.001), 2.712381976444677, 1e-13);
  EXPECT_NEAR(crowded.log_density(0.2), 0.046223722784117086, 1e-13);
  EXPECT_NEAR(crowded.log_density(0.9), -1.0888548633213868, 1e-13);
  EXPECT_NEAR(crowded.log_density(0.999), -1.6896796769147395, 1e-13);
}

// LGMM1_lpdf over [0.001, 1] leaves out the truncation, log 0.6395… = −0.447…, and counts per unit of x; this density
// is truncated and per unit of log x: LGMM1_lpdf + log x − log of the accepted share.
TEST(ParzenMixture, LogDensityOfALogarithmicChoice) {
  const ParzenMixture parzen =
      mixture({std::log(0.002), std::log(0.01), std::log(0.5)}, {std::log(0.001), std::log(1.0)});
  const double accepted = -0.44703849279038604;
  EXPECT_NEAR(parzen.log_density(std::log(0.003)), 3.7454884039740257 + std::log(0.003) - accepted, 1e-13);
  EXPECT_NEAR(parzen.log_density(std::log(0.05)), 0.5410772863004668 + std::log(0.05) - accepted, 1e-13);
  EXPECT_NEAR(parzen.log_density(std::log(0.9)), -2.901544976605037 + std::log(0.9) - accepted, 1e-13);
}

// GMM1_lpdf with q = 0.25: the first and last values have half a cell within [0, 1].
TEST(ParzenMixture, LogMassOfAQuantisedChoice) {
  const ParzenMixture three = mixture({0.2, 0.25, 0.9}, {0, 1});
  const auto mass = [&](double value) { return three.log_mass({value - 0.125, value + 0.125}); };
  EXPECT_NEAR(mass(0.0), -1.8800129140296682, 1e-13);
  EXPECT_NEAR(mass(0.25), -0.9717611183078427, 1e-13);
  EXPECT_NEAR(mass(0.5), -1.3806816729256437, 1e-13);
  EXPECT_NEAR(mass(1.0), -2.722875105177479, 1e-13);
}

// LGMM1_lpdf with q = 1 over [0.5, 16.5], observations 2, 3, 12.
TEST(ParzenMixture, LogMassOfALogarithmicInteger) {
  const ParzenMixture parzen = mixture({std::log(2.0), std::log(3.0), std::log(12.0)}, {std::log(0.5), std::log(16.5)});
  const auto mass = [&](double value) { return parzen.log_mass({std::log(value - 0.5), std::log(value + 0.5)}); };
  EXPECT_NEAR(mass(1), -1.360026866792154, 1e-13);
  EXPECT_NEAR(mass(4), -2.4291797498907837, 1e-13);
  EXPECT_NEAR(mass(16), -4.414311451266671, 1e-13);
}

// Components that coincide share their work; the sum must not notice.
TEST(ParzenMixture, MassesOfAllValuesSumToOne) {
  std::vector<double> observations;
  for (int i = 0; i < 300; ++i) observations.push_back(i * i % 7);
  const ParzenMixture parzen = mixture(observations, {-0.5, 6.5});
  double sum = 0;
  for (int value = 0; value < 7; ++value) sum += std::exp(parzen.log_mass({value - 0.5, value + 0.5}));
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(ParzenMixture, DensityIntegratesToOne) {
  for (const int count : {0, 1, 7, 8, 200, 1000}) {
    const ParzenMixture parzen = mixture(golden(count, 4), {0, 1});
    double sum = 0;
    const int cells = 4000;
    for (int i = 0; i < cells; ++i) sum += std::exp(parzen.log_density((i + 0.5) / cells)) / cells;
    EXPECT_NEAR(sum, 1, 1e-5) << count;
  }
}

// Whatever is left out for speed, and the approximated power, against the plain sum.
TEST(ParzenMixture, RelativeDensitiesAreThePlainSum) {
  for (const int count : {1, 30, 1000, 5000}) {
    const ParzenMixture parzen = mixture(golden(count, 6), {0, 1});
    std::vector<double> points = golden(200, 1), densities(200);
    points.push_back(0);
    points.push_back(1);
    densities.resize(points.size());
    parzen.relative_densities(points, densities);
    for (std::size_t k = 0; k < points.size(); ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < parzen.size(); ++i) {
        const double z = (points[k] - parzen.mean(i)) / parzen.sigma(i);
        sum += parzen.weight(i) / parzen.sigma(i) * std::exp(-0.5 * z * z);
      }
      EXPECT_NEAR(densities[k] / sum, 1, 1e-12) << count << " at " << points[k];
    }
  }
}

// However few components are near a point.
TEST(ParzenMixture, LargestRatioIsThatOfTheWholeDensities) {
  Random random(7);
  std::vector<double> bounds;
  for (const int count : {1, 30, 200, 1000}) {
    for (const int power : {1, 6}) {
      const ParzenMixture good = mixture(golden(20, 3 * power), {0, 1}), other = mixture(golden(count, power), {0, 1});
      for (int round = 0; round < 20; ++round) {
        std::vector<double> points(24), numerators(24), densities(24);
        for (double& point : points) point = good.sample(random);
        good.relative_densities(points, numerators);
        other.relative_densities(points, densities);
        std::size_t best = 0;
        for (std::size_t i = 1; i < points.size(); ++i) {
          if (numerators[i] / densities[i] > numerators[best] / densities[best]) best = i;
        }
        EXPECT_EQ(other.largest_ratio(points, numerators, bounds), best) << count << " components";
      }
    }
  }
}

TEST(ParzenMixture, SamplesFollowTheDensity) {
  const ParzenMixture parzen = mixture({0.05, 0.1, 0.9}, {0, 1});
  Random random(1);
  std::vector<double> shares(10);
  const int draws = 100000;
  for (int i = 0; i < draws; ++i) {
    const double drawn = parzen.sample(random);
    ASSERT_GE(drawn, 0);
    ASSERT_LT(drawn, 1);
    shares[static_cast<std::size_t>(drawn * 10)] += 1.0 / draws;
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_NEAR(shares[static_cast<std::size_t>(i)], std::exp(parzen.log_mass({0.1 * i, 0.1 * i + 0.1})), 0.006);
  }
}

// A mixture is fitted again and again: nothing of the larger one before may be left.
TEST(ParzenMixture, FitForgetsTheFitBefore) {
  ParzenMixture parzen = mixture(golden(100, 1), {0, 1});
  const std::vector<double> means = {0.2, 0.25, 0.9}, weights = {1, 1, 1};
  parzen.fit(means, weights, {0, 1});
  EXPECT_NEAR(parzen.log_density(0.22), 0.45734923682404227, 1e-13);
}

}  // namespace
}  // namespace netwright
