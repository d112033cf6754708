#include "netwright/report/forest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "netwright/base/statistics.h"

namespace netwright {
namespace {

struct Split {
  double gain = 0;  // fall of the sum of squares
  int input = -1;
  double threshold = 0;
  std::vector<char> goes_left;
};

bool goes_left(const TreeNode& node, double value) {
  if (std::isnan(value)) return true;
  return node.goes_left.empty() ? value < node.threshold : node.goes_left[static_cast<std::size_t>(value)] != 0;
}

class TreeGrower {
 public:
  TreeGrower(const std::vector<ForestInput>& inputs, const std::vector<ForestRow>& rows,
             const std::vector<double>& values, const ForestOptions& options, Random& random)
      : inputs_(inputs), rows_(rows), values_(values), options_(options), random_(random) {}

  RegressionTree grow(std::vector<std::size_t> sample) {
    grow_node(sample.data(), sample.data() + sample.size());
    return std::move(tree_);
  }

 private:
  using Place = std::size_t*;

  int grow_node(Place begin, Place end) {
    const int at = static_cast<int>(tree_.nodes.size());
    tree_.nodes.emplace_back();
    double sum = 0;
    for (Place i = begin; i != end; ++i) sum += values_[*i];
    const auto size = static_cast<std::size_t>(end - begin);
    tree_.nodes.back().value = sum / static_cast<double>(size);
    if (size < 2 * options_.smallest_leaf) return at;
    const Split split = best_split(begin, end);
    if (split.input < 0) return at;
    TreeNode node;
    node.input = split.input;
    node.threshold = split.threshold;
    node.goes_left = split.goes_left;
    const auto column = static_cast<std::size_t>(split.input);
    const Place middle = std::partition(begin, end, [&](std::size_t i) { return goes_left(node, rows_[i][column]); });
    node.left = grow_node(begin, middle);
    node.right = grow_node(middle, end);
    tree_.nodes[static_cast<std::size_t>(at)] = std::move(node);
    return at;
  }

  Split best_split(Place begin, Place end) {
    std::vector<int> order(inputs_.size());
    std::iota(order.begin(), order.end(), 0);
    random_.shuffle(order);
    const auto tried = static_cast<std::size_t>(
        std::max(1.0, std::ceil(options_.inputs_tried * static_cast<double>(order.size()) - 1e-9)));
    Split best;
    // Inputs that cannot be split are no choice: look on until one can.
    for (std::size_t i = 0; i < order.size() && (i < tried || best.input < 0); ++i) {
      const int options = inputs_[static_cast<std::size_t>(order[i])].options;
      if (options > 0) {
        split_options(begin, end, order[i], options, best);
      } else {
        split_numbers(begin, end, order[i], best);
      }
    }
    return best;
  }

  void split_numbers(Place begin, Place end, int input, Split& best) {
    const auto column = static_cast<std::size_t>(input);
    sorted_.clear();
    for (Place i = begin; i != end; ++i) sorted_.emplace_back(rows_[*i][column], values_[*i]);
    std::sort(sorted_.begin(), sorted_.end());
    double total = 0, left = 0;
    for (const auto& [x, y] : sorted_) total += y;
    const auto n = sorted_.size();
    for (std::size_t i = 1; i < n; ++i) {
      left += sorted_[i - 1].second;
      if (sorted_[i - 1].first == sorted_[i].first || i < options_.smallest_leaf || n - i < options_.smallest_leaf)
        continue;
      const double gain = gain_of(left, static_cast<double>(i), total, static_cast<double>(n));
      if (gain <= best.gain + least_gain(total, static_cast<double>(n))) continue;
      const double middle = (sorted_[i - 1].first + sorted_[i].first) / 2;
      best = {gain, input, middle > sorted_[i - 1].first ? middle : sorted_[i].first, {}};
    }
  }

  // Ordered by their means, options split best at one place of that order (Fisher 1958).
  void split_options(Place begin, Place end, int input, int options, Split& best) {
    struct Option {
      double sum = 0;
      double count = 0;
      int code = 0;
    };
    const auto column = static_cast<std::size_t>(input);
    std::vector<Option> seen(static_cast<std::size_t>(options));
    double total = 0;
    for (Place i = begin; i != end; ++i) {
      Option& option = seen[static_cast<std::size_t>(rows_[*i][column])];
      option.sum += values_[*i];
      option.count += 1;
      total += values_[*i];
    }
    for (int code = 0; code < options; ++code) seen[static_cast<std::size_t>(code)].code = code;
    std::erase_if(seen, [](const Option& option) { return option.count == 0; });
    std::sort(seen.begin(), seen.end(),
              [](const Option& a, const Option& b) { return a.sum * b.count < b.sum * a.count; });
    const auto n = static_cast<double>(end - begin), smallest = static_cast<double>(options_.smallest_leaf);
    double left = 0, count = 0;
    std::size_t chosen = 0;
    for (std::size_t i = 1; i < seen.size(); ++i) {
      left += seen[i - 1].sum;
      count += seen[i - 1].count;
      if (count < smallest || n - count < smallest) continue;
      const double gain = gain_of(left, count, total, n);
      if (gain <= best.gain + least_gain(total, n)) continue;
      best = {gain, input, 0, {}};
      chosen = i;
    }
    if (chosen == 0) return;
    // Nothing is known here of options that no row has: either side is as good.
    for (int code = 0; code < options; ++code) best.goes_left.push_back(random_.below(2) == 0 ? 1 : 0);
    for (std::size_t i = 0; i < seen.size(); ++i)
      best.goes_left[static_cast<std::size_t>(seen[i].code)] = i < chosen ? 1 : 0;
  }

  static double gain_of(double left, double left_count, double total, double count) {
    const double right = total - left;
    return left * left / left_count + right * right / (count - left_count) - total * total / count;
  }

  // What rounding alone may seem to gain.
  static double least_gain(double total, double count) { return 1e-12 * (1e-12 + total * total / count); }

  const std::vector<ForestInput>& inputs_;
  const std::vector<ForestRow>& rows_;
  const std::vector<double>& values_;
  const ForestOptions& options_;
  Random& random_;
  RegressionTree tree_;
  std::vector<std::pair<double, double>> sorted_;
};

void fill_in(std::vector<ForestRow>& rows, const std::vector<ForestInput>& inputs, Random& random) {
  for (auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!std::isnan(row[i])) continue;
      const int options = inputs[i].options;
      row[i] = options > 0 ? static_cast<double>(random.below(static_cast<std::uint64_t>(options))) : random.uniform();
    }
  }
}

}  // namespace

double RegressionTree::predict(const ForestRow& row) const {
  const TreeNode* node = &nodes.front();
  while (node->input >= 0) {
    const bool left = goes_left(*node, row[static_cast<std::size_t>(node->input)]);
    node = &nodes[static_cast<std::size_t>(left ? node->left : node->right)];
  }
  return node->value;
}

RegressionForest::RegressionForest(std::vector<ForestInput> inputs, const std::vector<ForestRow>& rows,
                                   const std::vector<double>& given, const ForestOptions& options, Random& random)
    : inputs_(std::move(inputs)) {
  // Sums of squares of centred values lose no digits.
  const double centre = mean(given);
  std::vector<double> values = given;
  for (double& value : values) value -= centre;
  const std::size_t size = std::min(rows.size(), options.largest_sample);
  std::vector<double> predicted(rows.size(), 0.0);
  std::vector<int> predictions(rows.size(), 0);
  for (int t = 0; t < options.trees; ++t) {
    std::vector<ForestRow> filled = rows;
    fill_in(filled, inputs_, random);
    std::vector<std::size_t> sample(size);
    std::vector<char> drawn(rows.size(), 0);
    for (auto& row : sample) {
      row = random.below(rows.size());
      drawn[row] = 1;
    }
    RegressionTree tree = TreeGrower(inputs_, filled, values, options, random).grow(std::move(sample));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (drawn[row] != 0) continue;
      predicted[row] += tree.predict(filled[row]);
      ++predictions[row];
    }
    for (auto& node : tree.nodes) node.value += centre;
    trees_.push_back(std::move(tree));
  }
  double left = 0, all = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (predictions[row] == 0) continue;
    const double error = values[row] - predicted[row] / predictions[row];
    left += error * error;
    all += values[row] * values[row];
  }
  explained_ = all > 0 ? 1 - left / all : 0;
}

double RegressionForest::predict(const ForestRow& row) const {
  double sum = 0;
  for (const auto& tree : trees_) sum += tree.predict(row);
  return sum / static_cast<double>(trees_.size());
}

}  // namespace netwright
