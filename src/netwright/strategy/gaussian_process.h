// Gaussian-process regression (Rasmussen & Williams 2006) on the columns of encoding.h.
//
// k(x, y) = share · exp(−Σ w_c d²(x_c, y_c) over choices) + (1 − share) · exp(−Σ w_g d²(x_g, y_g) over the groups of
// the network), plus noise on the diagonal; the amplitude in front is the one that maximises the likelihood. The
// weights w (inverse squared length scales, one a group: automatic relevance determination), the share and the noise
// maximise the marginal likelihood times a log-normal prior, by a random coordinate search that goes on from where it
// was.
#pragma once

#include <Eigen/Dense>
#include <array>
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
  Eigen::MatrixXd kernel(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, const std::vector<int>& groups,
                         const Eigen::VectorXd& parameters) const;
  // Of the fitted points with each other; [0] of the choices, [1] of the network.
  struct Parts {
    std::array<Eigen::MatrixXd, 2> distances, alike;
  };
  Parts parts(const Eigen::VectorXd& parameters, const std::vector<int>& groups) const;
  void reweigh(Parts& parts, int group, double change, const std::vector<int>& groups) const;
  Factor factorise(const Parts& parts, const Eigen::VectorXd& parameters, const Eigen::VectorXd& targets) const;
  Eigen::MatrixXd weighted(const Eigen::MatrixXd& points, const std::vector<int>& groups,
                           const Eigen::VectorXd& parameters, bool network) const;

  int choices_, groups_;
  Eigen::VectorXd prior_;       // means of the parameters
  Eigen::VectorXd parameters_;  // log weights, log share/(1 − share), log noise
  Eigen::MatrixXd points_;
  Factor factor_;
  double likelihood_ = 0;
};

}  // namespace netwright
