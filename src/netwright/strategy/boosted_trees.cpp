#include "netwright/strategy/boosted_trees.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace netwright {
namespace {

constexpr std::size_t most_bins = 16;
constexpr std::size_t least_columns = 10;  // that a tree may split by, where there are so many

}  // namespace

void BoostedTrees::fit(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets, Random& random) {
  sort_into_bins(points);
  members_.clear();
  for (int i = 0; i < options_.members; ++i) members_.push_back(member(targets, random));
}

// Columns that tell no two points apart are left out, so are copies of the column before.
void BoostedTrees::sort_into_bins(const Eigen::MatrixXd& points) {
  columns_.clear();
  const auto rows = static_cast<std::size_t>(points.rows());
  for (Eigen::Index c = 0; c < points.cols(); ++c) {
    std::vector<double> values(points.col(c).begin(), points.col(c).end());
    std::sort(values.begin(), values.end());
    if (values.empty() || values.front() == values.back()) continue;
    std::vector<double> different = values;
    different.erase(std::unique(different.begin(), different.end()), different.end());
    Column column{static_cast<int>(c), {}, std::vector<std::uint8_t>(rows)};
    if (different.size() <= most_bins) {
      for (std::size_t i = 1; i < different.size(); ++i) {
        column.limits.push_back(0.5 * (different[i - 1] + different[i]));
      }
    } else {
      for (std::size_t i = 1; i < most_bins; ++i) column.limits.push_back(values[i * rows / most_bins]);
      column.limits.erase(std::unique(column.limits.begin(), column.limits.end()), column.limits.end());
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const double value = points(static_cast<Eigen::Index>(i), c);
      column.bin[i] = static_cast<std::uint8_t>(std::lower_bound(column.limits.begin(), column.limits.end(), value) -
                                                column.limits.begin());
    }
    if (columns_.empty() || columns_.back().bin != column.bin) columns_.push_back(std::move(column));
  }
}

BoostedTrees::Member BoostedTrees::member(const Eigen::VectorXd& targets, Random& random) {
  const auto rows = static_cast<std::size_t>(targets.size());
  std::vector<int> drawn(rows);
  for (int& row : drawn) row = static_cast<int>(random.below(rows));
  Member member;
  for (const int row : drawn) member.mean += targets[row] / static_cast<double>(rows);
  residual_.assign(targets.begin(), targets.end());
  for (double& one : residual_) one -= member.mean;
  std::vector<int> order(columns_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto taken = std::max(static_cast<std::size_t>(std::ceil(options_.columns * static_cast<double>(order.size()))),
                              std::min(order.size(), least_columns));
  for (int i = 0; i < options_.trees; ++i) {
    for (std::size_t k = 0; k < taken; ++k) std::swap(order[k], order[k + random.below(order.size() - k)]);
    allowed_.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(taken));
    fitted_.assign(rows, 0);
    Tree tree;
    grow(tree, drawn.begin(), drawn.end(), options_.depth);
    for (std::size_t row = 0; row < rows; ++row) residual_[row] -= fitted_[row];
    member.trees.push_back(std::move(tree));
  }
  return member;
}

void BoostedTrees::grow(Tree& tree, std::vector<int>::iterator begin, std::vector<int>::iterator end, int depth) {
  const std::size_t place = tree.size();
  tree.emplace_back();
  double sum = 0;
  for (auto row = begin; row != end; ++row) sum += residual_[static_cast<std::size_t>(*row)];
  const auto [found, bin] = depth > 0 ? best_cut(begin, end, sum) : std::pair{-1, 0};
  if (found < 0) {
    tree[place].value = options_.rate * sum / (static_cast<double>(end - begin) + options_.leaf);
    for (auto row = begin; row != end; ++row) fitted_[static_cast<std::size_t>(*row)] = tree[place].value;
    return;
  }
  const Column& column = columns_[static_cast<std::size_t>(found)];
  tree[place].column = column.column;
  tree[place].limit = column.limits[static_cast<std::size_t>(bin)];
  const auto middle =
      std::partition(begin, end, [&](int row) { return column.bin[static_cast<std::size_t>(row)] <= bin; });
  grow(tree, begin, middle, depth - 1);
  tree[place].above = tree.size();
  grow(tree, middle, end, depth - 1);
}

std::pair<int, int> BoostedTrees::best_cut(std::vector<int>::iterator begin, std::vector<int>::iterator end,
                                           double sum) {
  const auto count = static_cast<double>(end - begin);
  std::pair<int, int> best{-1, 0};
  double most = sum * sum / (count + options_.leaf) + 1e-12;
  const auto try_cut = [&](int index, std::size_t bin, double below, double rows) {
    if (rows == 0 || rows == count) return;
    const double above = sum - below;
    const double gain = below * below / (rows + options_.leaf) + above * above / (count - rows + options_.leaf);
    if (gain > most) {
      most = gain;
      best = {index, static_cast<int>(bin)};
    }
  };
  const auto number = static_cast<std::size_t>(end - begin);
  node_residual_.resize(number);
  for (std::size_t k = 0; k < number; ++k) {
    node_residual_[k] = residual_[static_cast<std::size_t>(begin[static_cast<std::ptrdiff_t>(k)])];
  }
  for (const int index : allowed_) {
    const Column& column = columns_[static_cast<std::size_t>(index)];
    if (column.limits.size() == 1) {  // as most columns: is or is not. Sums by turns, so that none waits for the other
      double sums[2] = {0, 0};
      std::int64_t rows = 0;
      for (std::size_t k = 0; k < number; ++k) {
        const std::uint8_t bin = column.bin[static_cast<std::size_t>(begin[static_cast<std::ptrdiff_t>(k)])];
        sums[k % 2] += bin * node_residual_[k];
        rows += bin;
      }
      try_cut(index, 0, sum - sums[0] - sums[1], count - static_cast<double>(rows));
      continue;
    }
    std::array<double, most_bins> sums{}, counts{};
    for (auto row = begin; row != end; ++row) {
      const auto bin = column.bin[static_cast<std::size_t>(*row)];
      sums[bin] += residual_[static_cast<std::size_t>(*row)];
      counts[bin] += 1;
    }
    double below = 0, rows = 0;
    for (std::size_t bin = 0; bin < column.limits.size(); ++bin) {
      below += sums[bin];
      rows += counts[bin];
      try_cut(index, bin, below, rows);
    }
  }
  return best;
}

Eigen::MatrixXd BoostedTrees::predict(const Eigen::MatrixXd& points) const {
  Eigen::MatrixXd result(points.rows(), static_cast<Eigen::Index>(members_.size()));
  for (std::size_t m = 0; m < members_.size(); ++m) {
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      double value = members_[m].mean;
      for (const Tree& tree : members_[m].trees) {
        std::size_t node = 0;
        while (tree[node].column >= 0) {
          node = points(i, tree[node].column) <= tree[node].limit ? node + 1 : tree[node].above;
        }
        value += tree[node].value;
      }
      result(i, static_cast<Eigen::Index>(m)) = value;
    }
  }
  return result;
}

}  // namespace netwright
