// Regression by gradient boosting: small trees, each fitted to what the trees before it leave over (Friedman 2001,
// "Greedy Function Approximation"; 2002, "Stochastic Gradient Boosting"). An ensemble of such models, each learned
// from its own resample of the points, says how sure it is by how far its members differ (Breiman 1996, "Bagging
// Predictors").
#pragma once

#include <Eigen/Dense>
#include <cstdint>
#include <utility>
#include <vector>

#include "netwright/base/random.h"

namespace netwright {

struct BoostingOptions {
  int members = 5;       // models in the ensemble
  int trees = 50;        // of a member
  int depth = 4;         // splits from root to leaf, at most
  double rate = 0.15;    // share of a tree's correction that is taken
  double columns = 0.3;  // share of the columns that a tree may split by, ten at least
  double leaf = 1;       // a leaf predicts its rows' mean as if so many rows of 0 were with them
};

class BoostedTrees {
 public:
  explicit BoostedTrees(const BoostingOptions& options) : options_(options) {}

  // Rows are points. What was learned before is forgotten.
  void fit(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets, Random& random);

  // A row a point and a column a member. Columns beyond those that were fitted are not looked at. Precondition: fitted.
  Eigen::MatrixXd predict(const Eigen::MatrixXd& points) const;

 private:
  struct Split {
    int column = -1;   // of the points; a leaf where negative
    double limit = 0;  // rows up to it go to the next node, the others to `above`
    double value = 0;  // of a leaf
    std::size_t above = 0;
  };
  using Tree = std::vector<Split>;  // the root first, each split's lower side right behind it
  struct Member {
    double mean = 0;
    std::vector<Tree> trees;
  };
  struct Column {  // of the points that are fitted, sorted into bins
    int column = 0;
    std::vector<double> limits;  // between the bins
    std::vector<std::uint8_t> bin;
  };

  void sort_into_bins(const Eigen::MatrixXd& points);
  Member member(const Eigen::VectorXd& targets, Random& random);
  void grow(Tree& tree, std::vector<int>::iterator begin, std::vector<int>::iterator end, int depth);
  // The column (an index into columns_, -1: none) and the last bin below the cut that leave the least squared error.
  std::pair<int, int> best_cut(std::vector<int>::iterator begin, std::vector<int>::iterator end, double sum);

  BoostingOptions options_;
  std::vector<Member> members_;
  // While fitting:
  std::vector<Column> columns_;
  std::vector<int> allowed_;           // to the tree that grows; indices into columns_
  std::vector<double> residual_;       // by row
  std::vector<double> fitted_;         // by row
  std::vector<double> node_residual_;  // of the rows of the node that is cut
};

}  // namespace netwright
