#include "netwright/strategy/gaussian_process.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace netwright {
namespace {

constexpr double least_noise = 1e-4;

// ‖a_i − b_j‖² of all pairs.
Eigen::MatrixXd squared_distances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd result = -2 * a * b.transpose();
  result.colwise() += a.rowwise().squaredNorm();
  result.rowwise() += b.rowwise().squaredNorm().transpose();
  return result.cwiseMax(0);
}

}  // namespace

GaussianProcess::GaussianProcess(int choices, int groups)
    : choices_(choices), groups_(groups), prior_(Eigen::VectorXd::Zero(groups + 2)) {
  // A configuration that differs in half of its choices is e^-1 alike.
  for (int i = 0; i < choices; ++i) prior_[i] = std::log(2.0 / choices);
  for (int i = choices; i < groups; ++i) prior_[i] = std::log(0.1);
  prior_[groups + 1] = std::log(0.02);
  parameters_ = prior_;
}

double GaussianProcess::noise() const {
  return least_noise + std::exp(parameters_[groups_ + 1]);
}
double GaussianProcess::weight(int group) const {
  return std::exp(parameters_[group]);
}

Eigen::MatrixXd GaussianProcess::weighted(const Eigen::MatrixXd& points, const std::vector<int>& groups,
                                          const Eigen::VectorXd& parameters, bool network) const {
  std::vector<Eigen::Index> chosen;
  for (Eigen::Index c = 0; c < points.cols(); ++c) {
    if ((groups[static_cast<std::size_t>(c)] >= choices_) == network) chosen.push_back(c);
  }
  Eigen::MatrixXd result(points.rows(), static_cast<Eigen::Index>(chosen.size()));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const double scale = std::exp(0.5 * parameters[groups[static_cast<std::size_t>(chosen[i])]]);
    result.col(static_cast<Eigen::Index>(i)) = scale * points.col(chosen[i]);
  }
  return result;
}

Eigen::MatrixXd GaussianProcess::kernel(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b,
                                        const std::vector<int>& groups, const Eigen::VectorXd& parameters) const {
  const double share = 1 / (1 + std::exp(-parameters[groups_]));
  Eigen::MatrixXd result =
      share * (-squared_distances(weighted(a, groups, parameters, false), weighted(b, groups, parameters, false)))
                  .array()
                  .exp();
  result.array() +=
      (1 - share) *
      (-squared_distances(weighted(a, groups, parameters, true), weighted(b, groups, parameters, true))).array().exp();
  return result;
}

// The sums of weighted squared distances that the kernel's two parts are made of, and their exponentials.
GaussianProcess::Parts GaussianProcess::parts(const Eigen::VectorXd& parameters, const std::vector<int>& groups) const {
  Parts result;
  for (const int network : {0, 1}) {
    const Eigen::MatrixXd points = weighted(points_, groups, parameters, network == 1);
    result.distances[network] = squared_distances(points, points);
    result.alike[network] = (-result.distances[network]).array().exp();
  }
  return result;
}

// Adds `change` to the weight of a group.
void GaussianProcess::reweigh(Parts& parts, int group, double change, const std::vector<int>& groups) const {
  std::vector<Eigen::Index> columns;
  for (Eigen::Index c = 0; c < points_.cols(); ++c) {
    if (groups[static_cast<std::size_t>(c)] == group) columns.push_back(c);
  }
  const Eigen::MatrixXd points = points_(Eigen::all, columns);
  const int network = group >= choices_ ? 1 : 0;
  parts.distances[network] = (parts.distances[network] + change * squared_distances(points, points)).cwiseMax(0);
  parts.alike[network] = (-parts.distances[network]).array().exp();
}

GaussianProcess::Factor GaussianProcess::factorise(const Parts& parts, const Eigen::VectorXd& parameters,
                                                   const Eigen::VectorXd& targets) const {
  Factor factor;
  const double share = 1 / (1 + std::exp(-parameters[groups_]));
  Eigen::MatrixXd covariance = share * parts.alike[0] + (1 - share) * parts.alike[1];
  covariance.diagonal().array() += least_noise + std::exp(parameters[groups_ + 1]);
  factor.cholesky.compute(covariance);
  if (factor.cholesky.info() != Eigen::Success) {
    factor.objective = -std::numeric_limits<double>::infinity();
    return factor;
  }
  factor.solved = factor.cholesky.solve(targets);
  const auto n = static_cast<double>(targets.size());
  // A weak prior keeps the amplitude sensible while there are few points.
  factor.amplitude = (1 + targets.dot(factor.solved)) / (1 + n);
  const double log_determinant =
      2 * factor.cholesky.matrixLLT().diagonal().array().log().sum() + n * std::log(factor.amplitude);
  factor.objective = -0.5 * (targets.dot(factor.solved) / factor.amplitude + log_determinant) -
                     0.5 * std::log(factor.amplitude) - 0.5 / factor.amplitude -
                     0.5 * (parameters - prior_).squaredNorm() / 2.25;
  return factor;
}

void GaussianProcess::fit(const Eigen::MatrixXd& points, const std::vector<int>& groups, const Eigen::VectorXd& targets,
                          int steps, Random& random) {
  points_ = points;
  Parts known = parts(parameters_, groups);
  factor_ = factorise(known, parameters_, targets);
  for (int step = 0; step < steps; ++step) {
    Eigen::VectorXd tried = parameters_;
    Parts changed = known;
    const double size = random.normal();
    if (choices_ > 0 && random.below(3) == 0) {
      tried.head(choices_).array() += size;
      changed.distances[0] *= std::exp(size);
      changed.alike[0] = (-changed.distances[0]).array().exp();
    } else {
      const auto which = static_cast<int>(random.below(static_cast<std::uint64_t>(groups_ + 2)));
      tried[which] += 1.5 * size;
      if (which < groups_) reweigh(changed, which, std::exp(tried[which]) - std::exp(parameters_[which]), groups);
    }
    Factor factor = factorise(changed, tried, targets);
    if (factor.objective <= factor_.objective) continue;
    parameters_ = tried;
    known = std::move(changed);
    factor_ = std::move(factor);
  }
  likelihood_ = factor_.objective;
}

GaussianProcess::Prediction GaussianProcess::predict(const Eigen::MatrixXd& points,
                                                     const std::vector<int>& groups) const {
  const Eigen::MatrixXd cross = kernel(points_, points, groups, parameters_);
  Prediction result;
  result.mean = cross.transpose() * factor_.solved;
  const Eigen::MatrixXd half = factor_.cholesky.matrixL().solve(cross);
  result.deviation = (factor_.amplitude * (1 - half.colwise().squaredNorm().array()).max(1e-9)).sqrt().transpose();
  return result;
}

Eigen::VectorXd GaussianProcess::draw(const Eigen::MatrixXd& points, const std::vector<int>& groups,
                                      Random& random) const {
  const Eigen::MatrixXd cross = kernel(points_, points, groups, parameters_);
  const Eigen::MatrixXd half = factor_.cholesky.matrixL().solve(cross);
  Eigen::MatrixXd covariance = kernel(points, points, groups, parameters_) - half.transpose() * half;
  covariance.diagonal().array() += 1e-6;
  const Eigen::LLT<Eigen::MatrixXd> root(covariance);
  Eigen::VectorXd normals(points.rows());
  for (double& one : normals) one = random.normal();
  Eigen::VectorXd result = cross.transpose() * factor_.solved;
  if (root.info() == Eigen::Success) {
    const Eigen::VectorXd correlated = root.matrixL() * normals;
    result += std::sqrt(factor_.amplitude) * correlated;
  }
  return result;
}

Eigen::VectorXd GaussianProcess::smooth(const Eigen::MatrixXd& points, const std::vector<int>& groups,
                                        const Eigen::VectorXd& targets) const {
  return kernel(points_, points, groups, parameters_).transpose() * factor_.cholesky.solve(targets);
}

}  // namespace netwright
