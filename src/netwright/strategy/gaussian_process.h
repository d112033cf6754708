// Gaussian-process regression (Rasmussen & Williams 2006) on the columns of encoding.h.
//
// k(x, y) = share · exp(−Σ w_c d²(x_c, y_c) over choices) + (1 − share) · exp(−Σ w_g d²(x_g, y_g) over the groups of
// the network), plus noise on the diagonal; the amplitude in front is the one that maximises the likelihood. The
// weights w (inverse squared length scales, one a group: automatic relevance determination), the share and the noise
// maximise the marginal likelihood times a log-normal prior, by a random coordinate search that goes on from where it
// was.
#pragma once

#include <Eigen/Dense>
#include <utility>
#include <vector>

#include "netwright/base/random.h"

namespace netwright {

class GaussianProcess {
 public:
  // `choices`: how many of the groups are choices; the others are of the network.
  GaussianProcess(int choices, int groups);

  // Rows are points, columns as in `groups`; `targets` with mean near 0 and variance near 1. `steps`: tries to improve
  // the hyperparameters, each of one Cholesky factorisation.
  void fit(const Eigen::MatrixXd& points, const std::vector<int>& groups, const Eigen::VectorXd& targets, int steps,
           Random& random);

  struct Prediction {
    Eigen::VectorXd mean, deviation;  // of each point, without noise
  };
  // Columns as in the points that were fitted.
  Prediction predict(const Eigen::MatrixXd& points, const std::vector<int>& groups) const;
  // One function from the posterior, at these points.
  Eigen::VectorXd draw(const Eigen::MatrixXd& points, const std::vector<int>& groups, Random& random) const;
  // What the same kernel says of other values of the fitted points.
  Eigen::VectorXd smooth(const Eigen::MatrixXd& points, const std::vector<int>& groups,
                         const Eigen::VectorXd& targets) const;

  double log_likelihood() const { return likelihood_; }  // of the last fit, with the prior
  double noise() const;                                  // variance, as a share of the amplitude
  double weight(int group) const;

 private:
  struct Factor {
    Eigen::LLT<Eigen::MatrixXd> cholesky;
    Eigen::VectorXd solved;  // K⁻¹ targets
    double amplitude = 1;
    double objective = 0;
  };
  // Points by columns, without the entries that are 0.
  struct Column {
    Eigen::Index number = 0;
    int group = 0;
    std::vector<std::pair<Eigen::Index, double>> entries;  // row and value
  };
  struct Points {
    Points() = default;
    Points(const Eigen::MatrixXd& dense, const std::vector<int>& groups);
    Eigen::Index count = 0;
    std::vector<Column> columns;  // by rising number
  };
  static void add_distances(const Points& a, const Points& b, const std::vector<double>& weights, Eigen::MatrixXd& sum);
  std::vector<double> weights(int network) const;
  double share(const Eigen::VectorXd& parameters) const;
  Eigen::MatrixXd kernel(const Points& a, const Points& b) const;
  Factor factorise(const Eigen::MatrixXd& choices, const Eigen::MatrixXd& network, const Eigen::VectorXd& parameters,
                   const Eigen::VectorXd& targets) const;

  int choices_, groups_;
  Eigen::VectorXd prior_;       // means of the parameters
  Eigen::VectorXd parameters_;  // log weights, log share/(1 − share), log noise
  Points points_;
  Factor factor_;
  double likelihood_ = 0;
};

}  // namespace netwright
