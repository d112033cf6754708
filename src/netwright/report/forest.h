// A random forest of regression trees (Breiman 2001) over numbers and unordered options.
//
// Its trees can be looked into: importance.h reads their leaves.
#pragma once

#include <cstddef>
#include <vector>

#include "netwright/base/random.h"

namespace netwright {

struct ForestInput {
  int options = 0;  // codes 0 … options - 1, unordered; 0: a number in [0, 1]
};

using ForestRow = std::vector<double>;  // a value for each input; NaN: the input does not matter in this row

struct ForestOptions {
  int trees = 48;
  double inputs_tried = 0.7;          // share of the inputs that a node may split on, drawn for each node
  std::size_t smallest_leaf = 3;      // rows
  std::size_t largest_sample = 1000;  // rows drawn, with replacement, for a tree: so many, or as many as there are
};

struct TreeNode {
  int input = -1;                    // that it splits on; -1: a leaf
  double threshold = 0;              // numbers below it go left
  std::vector<char> goes_left = {};  // options: by code
  int left = -1, right = -1;         // places in the tree
  double value = 0;                  // of a leaf: the mean of its rows
};

struct RegressionTree {
  std::vector<TreeNode> nodes;  // the first is the root

  double predict(const ForestRow& row) const;  // NaN goes left
};

class RegressionForest {
 public:
  // A value that does not matter is drawn anew for each tree, so that no tree can learn from it. Preconditions: at
  // least one row, rows and values equally many and finite but for NaN in rows. Deterministic in `random`.
  RegressionForest(std::vector<ForestInput> inputs, const std::vector<ForestRow>& rows,
                   const std::vector<double>& values, const ForestOptions& options, Random& random);

  const std::vector<ForestInput>& inputs() const { return inputs_; }
  const std::vector<RegressionTree>& trees() const { return trees_; }
  double predict(const ForestRow& row) const;

  // Share of the values' variance that trees explain for rows they were not grown from; below zero: worse than the
  // mean. 0 when the values are all equal.
  double explained() const { return explained_; }

 private:
  std::vector<ForestInput> inputs_;
  std::vector<RegressionTree> trees_;
  double explained_ = 0;
};

}  // namespace netwright
