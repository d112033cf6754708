// Against the textbook's formulas with an explicit inverse, of a kernel written out pair by pair.
#include "netwright/strategy/gaussian_process.h"

#include <gtest/gtest.h>

#include <cmath>

namespace netwright {
namespace {

// One column of the first choice, two of the second, two of a network's group.
const std::vector<int> groups = {0, 1, 1, 2, 2};

struct Data {
  Eigen::MatrixXd points;
  Eigen::VectorXd targets;
};

Data draw(int rows, std::uint64_t seed) {
  Random random(seed);
  Data data{Eigen::MatrixXd(rows, 5), Eigen::VectorXd(rows)};
  for (double& one : data.points.reshaped()) one = random.uniform();
  for (int i = 0; i < rows; ++i) {
    data.targets[i] = std::sin(6 * data.points(i, 0)) + data.points(i, 3) - 0.5 + 0.05 * random.normal();
  }
  return data;
}

// With the hyperparameters that a process has before it has been tuned: share 1/2, weights 2 / choices and 0.1.
double prior_kernel(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  const auto squared = [&](int column) { return (a[column] - b[column]) * (a[column] - b[column]); };
  return 0.5 * std::exp(-(squared(0) + squared(1) + squared(2))) + 0.5 * std::exp(-0.1 * (squared(3) + squared(4)));
}

Eigen::MatrixXd prior_kernel(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd result(a.rows(), b.rows());
  for (int i = 0; i < a.rows(); ++i) {
    for (int k = 0; k < b.rows(); ++k) {
      result(i, k) = prior_kernel(Eigen::VectorXd(a.row(i)), Eigen::VectorXd(b.row(k)));
    }
  }
  return result;
}

struct Posterior {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

Posterior by_inverse(const Data& data, const Eigen::MatrixXd& points, double noise) {
  const Eigen::MatrixXd inverse = (prior_kernel(data.points, data.points) +
                                   noise * Eigen::MatrixXd::Identity(data.points.rows(), data.points.rows()))
                                      .inverse();
  const Eigen::MatrixXd cross = prior_kernel(points, data.points);
  const double n = static_cast<double>(data.targets.size());
  const double amplitude = (1 + data.targets.dot(inverse * data.targets)) / (1 + n);
  return {cross * inverse * data.targets,
          amplitude * (prior_kernel(points, points) - cross * inverse * cross.transpose())};
}

TEST(GaussianProcess, PredictsThePosterior) {
  const Data data = draw(12, 1), other = draw(7, 2);
  GaussianProcess process(2, 3);
  Random random(3);
  process.fit(data.points, groups, data.targets, 0, random);
  EXPECT_NEAR(process.noise(), 0.0201, 1e-12);
  EXPECT_NEAR(process.weight(0), 1, 1e-12);
  EXPECT_NEAR(process.weight(2), 0.1, 1e-12);
  const Posterior expected = by_inverse(data, other.points, process.noise());
  const auto predicted = process.predict(other.points, groups);
  for (int i = 0; i < 7; ++i) {
    EXPECT_NEAR(predicted.mean[i], expected.mean[i], 1e-9);
    EXPECT_NEAR(predicted.deviation[i], std::sqrt(expected.covariance(i, i)), 1e-9);
  }
  const Eigen::VectorXd smooth = process.smooth(other.points, groups, 3 * data.targets);
  EXPECT_TRUE(smooth.isApprox(3 * expected.mean, 1e-9));
}

TEST(GaussianProcess, DrawsHaveThePosteriorsMeanAndCovariance) {
  const Data data = draw(8, 1), other = draw(4, 2);
  GaussianProcess process(2, 3);
  Random random(3);
  process.fit(data.points, groups, data.targets, 0, random);
  const Posterior expected = by_inverse(data, other.points, process.noise());
  constexpr int count = 20000;
  Eigen::MatrixXd draws(count, 4);
  for (int i = 0; i < count; ++i) draws.row(i) = process.draw(other.points, groups, random).transpose();
  const Eigen::VectorXd mean = draws.colwise().mean().transpose();
  const Eigen::MatrixXd centred = draws.rowwise() - mean.transpose();
  const Eigen::MatrixXd covariance = centred.transpose() * centred / count;
  for (int i = 0; i < 4; ++i) {
    const double deviation = std::sqrt(expected.covariance(i, i));
    EXPECT_NEAR(mean[i], expected.mean[i], 5 * deviation / std::sqrt(count));
    for (int k = 0; k < 4; ++k) {
      const double scale = deviation * std::sqrt(expected.covariance(k, k));
      EXPECT_NEAR(covariance(i, k), expected.covariance(i, k), 7 * scale / std::sqrt(count) + 1e-5);
    }
  }
}

TEST(GaussianProcess, TuningRaisesTheLikelihoodAndFindsTheChoiceThatMatters) {
  const Data data = draw(60, 1), other = draw(100, 2);
  GaussianProcess process(2, 3);
  Random random(3);
  process.fit(data.points, groups, data.targets, 0, random);
  const double untuned = process.log_likelihood();
  const double before = (process.predict(other.points, groups).mean - other.targets).squaredNorm();
  double last = untuned;
  for (int i = 0; i < 20; ++i) {
    process.fit(data.points, groups, data.targets, 10, random);
    EXPECT_GE(process.log_likelihood(), last - 1e-9);
    last = process.log_likelihood();
  }
  EXPECT_GT(last, untuned + 5);
  EXPECT_GT(process.weight(0), 3 * process.weight(1));
  EXPECT_LT((process.predict(other.points, groups).mean - other.targets).squaredNorm(), before);
}

TEST(GaussianProcess, KnowsLittleFarFromItsPoints) {
  const Data data = draw(10, 1);
  GaussianProcess process(2, 3);
  Random random(3);
  process.fit(data.points, groups, data.targets, 0, random);
  const auto near = process.predict(data.points, groups);
  const auto far = process.predict(Eigen::MatrixXd::Constant(1, 5, 100), groups);
  EXPECT_NEAR(far.mean[0], 0, 1e-9);
  EXPECT_GT(far.deviation[0], 2 * near.deviation.maxCoeff());
}

TEST(GaussianProcess, EqualPointsDoNotBreakIt) {
  GaussianProcess process(2, 3);
  Random random(3);
  const Eigen::MatrixXd points = Eigen::MatrixXd::Ones(20, 5);
  process.fit(points, groups, Eigen::VectorXd::Constant(20, 0.5), 20, random);
  const auto predicted = process.predict(points, groups);
  EXPECT_TRUE(predicted.mean.allFinite());
  EXPECT_NEAR(predicted.mean[0], 0.5, 0.05);
}

}  // namespace
}  // namespace netwright
