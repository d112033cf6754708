#include "netwright/strategy/gaussian_process.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace netwright {
namespace {

constexpr double least_noise = 1e-4;

// Replaces each element of the lower triangle of `result` by exp(−the one of `distances`).
void exponential(const Eigen::MatrixXd& distances, Eigen::MatrixXd& result) {
  result.resize(distances.rows(), distances.cols());
  for (Eigen::Index j = 0; j < distances.cols(); ++j) {
    const Eigen::Index rest = distances.rows() - j;
    result.col(j).tail(rest) = (-distances.col(j).tail(rest)).array().exp();
  }
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

GaussianProcess::Points::Points(const Eigen::MatrixXd& dense, const std::vector<int>& groups) : count(dense.rows()) {
  for (Eigen::Index c = 0; c < dense.cols(); ++c) {
    Column column{c, groups[static_cast<std::size_t>(c)], {}};
    for (Eigen::Index i = 0; i < dense.rows(); ++i) {
      if (dense(i, c) != 0) column.entries.emplace_back(i, dense(i, c));
    }
    if (!column.entries.empty()) columns.push_back(std::move(column));
  }
}

// Adds Σ_g weights[g]·‖a_i − b_j‖² over groups g to each (i, j) of `sum`; a weight of 0 leaves its group out. Points
// have few entries that are not 0, so their products are summed column by column; of points with themselves only the
// lower triangle is.
void GaussianProcess::add_distances(const Points& a, const Points& b, const std::vector<double>& weights,
                                    Eigen::MatrixXd& sum) {
  const auto lengths = [&weights](const Points& points) {
    Eigen::VectorXd result = Eigen::VectorXd::Zero(points.count);
    for (const Column& column : points.columns) {
      const double weight = weights[static_cast<std::size_t>(column.group)];
      if (weight == 0) continue;
      for (const auto& [row, value] : column.entries) result[row] += weight * value * value;
    }
    return result;
  };
  sum.colwise() += lengths(a);
  sum.rowwise() += lengths(b).transpose();
  auto other = b.columns.begin();
  for (const Column& column : a.columns) {
    while (other != b.columns.end() && other->number < column.number) ++other;
    if (other == b.columns.end()) break;
    const double weight = weights[static_cast<std::size_t>(column.group)];
    if (other->number != column.number || weight == 0) continue;
    auto from = column.entries.begin();
    for (const auto& [j, second] : other->entries) {
      const double factor = 2 * weight * second;
      double* const target = sum.col(j).data();
      for (auto entry = from; entry != column.entries.end(); ++entry) target[entry->first] -= factor * entry->second;
      if (&a == &b) ++from;  // by rising row
    }
  }
}

// The weights of the choices' groups or of the network's; the others are 0.
std::vector<double> GaussianProcess::weights(int network) const {
  std::vector<double> result(static_cast<std::size_t>(groups_), 0.0);
  const int first = network == 1 ? choices_ : 0, end = network == 1 ? groups_ : choices_;
  for (int group = first; group < end; ++group) result[static_cast<std::size_t>(group)] = weight(group);
  return result;
}

double GaussianProcess::share(const Eigen::VectorXd& parameters) const {
  return 1 / (1 + std::exp(-parameters[groups_]));
}

Eigen::MatrixXd GaussianProcess::kernel(const Points& a, const Points& b) const {
  Eigen::MatrixXd result = Eigen::MatrixXd::Zero(a.count, b.count);
  for (const int network : {0, 1}) {
    Eigen::MatrixXd distances = Eigen::MatrixXd::Zero(a.count, b.count);
    add_distances(a, b, weights(network), distances);
    const double part = network == 1 ? 1 - share(parameters_) : share(parameters_);
    result.array() += part * (-distances.array().max(0)).exp();
  }
  return result;
}

GaussianProcess::Factor GaussianProcess::factorise(const Eigen::MatrixXd& choices, const Eigen::MatrixXd& network,
                                                   const Eigen::VectorXd& parameters,
                                                   const Eigen::VectorXd& targets) const {
  Factor factor;
  const double part = share(parameters);
  Eigen::MatrixXd covariance(choices.rows(), choices.cols());
  for (Eigen::Index j = 0; j < choices.cols(); ++j) {
    const Eigen::Index rest = choices.rows() - j;
    covariance.col(j).tail(rest) = part * choices.col(j).tail(rest) + (1 - part) * network.col(j).tail(rest);
  }
  covariance.diagonal().array() += least_noise + std::exp(parameters[groups_ + 1]);
  factor.cholesky.compute(covariance);  // looks at the lower triangle alone
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
  points_ = Points(points, groups);
  // Of the choices and of the network: weighted squared distances and their exponentials, in the lower triangle.
  Eigen::MatrixXd distances[2], alike[2];
  for (const int network : {0, 1}) {
    distances[network] = Eigen::MatrixXd::Zero(points_.count, points_.count);
    add_distances(points_, points_, weights(network), distances[network]);
    distances[network] = distances[network].cwiseMax(0);
    exponential(distances[network], alike[network]);
  }
  factor_ = factorise(alike[0], alike[1], parameters_, targets);
  for (int step = 0; step < steps; ++step) {
    Eigen::VectorXd tried = parameters_;
    Eigen::MatrixXd new_distances, new_alike;
    int changed = -1;  // which of the two
    const double size = random.normal();
    if (choices_ > 0 && random.below(3) == 0) {
      tried.head(choices_).array() += size;
      changed = 0;
      new_distances = std::exp(size) * distances[0];
    } else {
      const auto which = static_cast<int>(random.below(static_cast<std::uint64_t>(groups_ + 2)));
      tried[which] += 1.5 * size;
      if (which < groups_) {
        changed = which >= choices_ ? 1 : 0;
        std::vector<double> change(static_cast<std::size_t>(groups_), 0.0);
        change[static_cast<std::size_t>(which)] = std::exp(tried[which]) - weight(which);
        new_distances = distances[changed];
        add_distances(points_, points_, change, new_distances);
        new_distances = new_distances.cwiseMax(0);
      }
    }
    if (changed >= 0) exponential(new_distances, new_alike);
    Factor factor = factorise(changed == 0 ? new_alike : alike[0], changed == 1 ? new_alike : alike[1], tried, targets);
    if (factor.objective <= factor_.objective) continue;
    parameters_ = tried;
    factor_ = std::move(factor);
    if (changed < 0) continue;
    distances[changed] = std::move(new_distances);
    alike[changed] = std::move(new_alike);
  }
  likelihood_ = factor_.objective;
}

GaussianProcess::Prediction GaussianProcess::predict(const Eigen::MatrixXd& points,
                                                     const std::vector<int>& groups) const {
  const Eigen::MatrixXd cross = kernel(points_, Points(points, groups));
  Prediction result;
  result.mean = cross.transpose() * factor_.solved;
  const Eigen::MatrixXd half = factor_.cholesky.matrixL().solve(cross);
  result.deviation = (factor_.amplitude * (1 - half.colwise().squaredNorm().array()).max(1e-9)).sqrt().transpose();
  return result;
}

Eigen::VectorXd GaussianProcess::draw(const Eigen::MatrixXd& points, const std::vector<int>& groups,
                                      Random& random) const {
  const Points at(points, groups);
  const Eigen::MatrixXd cross = kernel(points_, at);
  const Eigen::MatrixXd half = factor_.cholesky.matrixL().solve(cross);
  Eigen::MatrixXd covariance = kernel(at, Points(at)) - half.transpose() * half;
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
  return kernel(points_, Points(points, groups)).transpose() * factor_.cholesky.solve(targets);
}

}  // namespace netwright
