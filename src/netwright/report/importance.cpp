#include "netwright/report/importance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace netwright {
namespace {

constexpr double fence = 3;             // interquartile ranges
constexpr double smallest_pair = 0.01;  // share of the variance
constexpr double not_active = std::numeric_limits<double>::quiet_NaN();

// Numbers fill [0, 1]; an integer has a cell of its own there.
double placed(double value, double low, double high, double step, bool log) {
  if (log) {
    const double least = std::max(low - step / 2, low / 2);
    return std::log(value / least) / std::log((high + step / 2) / least);
  }
  return (value - low + step / 2) / (high - low + step);
}

double code_of(const Choice& choice, const Value* value) {
  if (value == nullptr) return not_active;
  if (const auto* categorical = std::get_if<Categorical>(&choice.domain)) {
    const auto found = std::find(categorical->options.begin(), categorical->options.end(), *value);
    return found == categorical->options.end() ? not_active : static_cast<double>(found - categorical->options.begin());
  }
  const auto* whole = std::get_if<std::int64_t>(value);
  const auto* real = std::get_if<double>(value);
  if (whole == nullptr && real == nullptr) return not_active;
  const double number = whole != nullptr ? static_cast<double>(*whole) : *real;
  double place = 0;
  if (const auto* integer = std::get_if<Integer>(&choice.domain)) {
    place = placed(number, static_cast<double>(integer->low), static_cast<double>(integer->high),
                   static_cast<double>(integer->step), integer->log);
  } else {
    const Real& domain = std::get<Real>(choice.domain);
    place = placed(number, domain.low, domain.high, 0, domain.log);
  }
  return std::clamp(place, 0.0, 1.0);
}

ForestInput input_of(const Choice& choice) {
  const auto* categorical = std::get_if<Categorical>(&choice.domain);
  return {categorical != nullptr ? static_cast<int>(categorical->options.size()) : 0};
}

void limit_outliers(std::vector<double>& values) {
  const double q1 = quantile(values, 0.25), q3 = quantile(values, 0.75), reach = fence * (q3 - q1);
  if (reach <= 0) return;
  for (double& value : values) value = std::clamp(value, q1 - reach, q3 + reach);
}

Importance::Entry entry(std::vector<std::string> choices, const std::vector<double>& shares) {
  return {std::move(choices), mean(shares), {quantile(shares, 0.05), quantile(shares, 0.95)}};
}

void sort_by_share(std::vector<Importance::Entry>& entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.share > b.share; });
}

}  // namespace

TreeVariance::TreeVariance(const RegressionTree& tree, const std::vector<ForestInput>& inputs)
    : cuts_(inputs.size()), widths_(inputs.size()) {
  for (const auto& node : tree.nodes) {
    if (node.input >= 0 && node.goes_left.empty())
      cuts_[static_cast<std::size_t>(node.input)].push_back(node.threshold);
  }
  Box whole;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto& cuts = cuts_[i];
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    const auto options = static_cast<std::size_t>(inputs[i].options);
    if (options > 0) {
      widths_[i].assign(options, 1.0 / static_cast<double>(options));
    } else {
      double from = 0;
      for (const double cut : cuts) {
        widths_[i].push_back(cut - from);
        from = cut;
      }
      widths_[i].push_back(1 - from);
    }
    whole.low.push_back(0);
    whole.high.push_back(1);
    whole.options.emplace_back(options, 1);
  }
  collect(tree, inputs, 0, whole);
  for (const auto& leaf : leaves_) mean_ += leaf.volume * leaf.value;
  for (const auto& leaf : leaves_) total_ += leaf.volume * (leaf.value - mean_) * (leaf.value - mean_);
  for (std::size_t i = 0; i < inputs.size(); ++i) single_.push_back(single(i));
}

void TreeVariance::collect(const RegressionTree& tree, const std::vector<ForestInput>& inputs, int node,
                           const Box& box) {
  const TreeNode& here = tree.nodes[static_cast<std::size_t>(node)];
  if (here.input >= 0) {
    const auto input = static_cast<std::size_t>(here.input);
    Box left = box, right = box;
    if (here.goes_left.empty()) {
      left.high[input] = right.low[input] = here.threshold;
    } else {
      for (std::size_t code = 0; code < here.goes_left.size(); ++code) {
        (here.goes_left[code] != 0 ? right : left).options[input][code] = 0;
      }
    }
    collect(tree, inputs, here.left, left);
    collect(tree, inputs, here.right, right);
    return;
  }
  Leaf leaf;
  leaf.value = here.value;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto& cells = leaf.cells.emplace_back();
    double width = 0, from = 0;
    for (std::size_t cell = 0; cell < widths_[i].size(); ++cell) {
      const double to = cell < cuts_[i].size() ? cuts_[i][cell] : 1;
      const bool inside = inputs[i].options > 0 ? box.options[i][cell] != 0 : from >= box.low[i] && to <= box.high[i];
      from = to;
      if (!inside) continue;
      cells.push_back(static_cast<int>(cell));
      width += widths_[i][cell];
    }
    leaf.widths.push_back(width);
    leaf.volume *= width;
  }
  // Options that no row of a node has may all lie on one side, so that a box is empty.
  if (leaf.volume > 0) leaves_.push_back(std::move(leaf));
}

double TreeVariance::single(std::size_t input) const {
  if (widths_[input].size() < 2) return 0;
  std::vector<double> means(widths_[input].size(), 0.0);
  for (const auto& leaf : leaves_) {
    const double weight = leaf.value * leaf.volume / leaf.widths[input];
    for (const int cell : leaf.cells[input]) means[static_cast<std::size_t>(cell)] += weight;
  }
  double variance = 0;
  for (std::size_t cell = 0; cell < means.size(); ++cell) {
    variance += widths_[input][cell] * (means[cell] - mean_) * (means[cell] - mean_);
  }
  return variance;
}

double TreeVariance::of(std::size_t first, std::size_t second) const {
  const std::size_t columns = widths_[second].size();
  if (widths_[first].size() < 2 || columns < 2) return 0;
  std::vector<double> means(widths_[first].size() * columns, 0.0);
  for (const auto& leaf : leaves_) {
    const double weight = leaf.value * leaf.volume / leaf.widths[first] / leaf.widths[second];
    for (const int row : leaf.cells[first]) {
      double* line = &means[static_cast<std::size_t>(row) * columns];
      for (const int column : leaf.cells[second]) line[column] += weight;
    }
  }
  double variance = 0;
  for (std::size_t i = 0; i < means.size(); ++i) {
    const double width = widths_[first][i / columns] * widths_[second][i % columns];
    variance += width * (means[i] - mean_) * (means[i] - mean_);
  }
  return std::max(0.0, variance - single_[first] - single_[second]);
}

std::optional<Importance> importance_of(const std::vector<Choice>& all,
                                        const std::vector<const Configuration*>& configurations,
                                        std::vector<double> values, std::uint64_t seed,
                                        const ImportanceOptions& options) {
  std::vector<const Choice*> choices;
  std::vector<ForestInput> inputs;
  for (const auto& choice : all) {
    if (count_values(choice) == 1) continue;
    choices.push_back(&choice);
    inputs.push_back(input_of(choice));
  }
  if (choices.empty() || values.size() < options.fewest_trials) return std::nullopt;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*least == *most) return std::nullopt;
  limit_outliers(values);

  std::vector<ForestRow> rows;
  for (const Configuration* configuration : configurations) {
    ForestRow& row = rows.emplace_back();
    for (const Choice* choice : choices) row.push_back(code_of(*choice, configuration->find(choice->name)));
  }
  Random random(derive_seed(seed, "importance"));
  const RegressionForest forest(inputs, rows, values, options.forest, random);
  std::vector<TreeVariance> trees;
  for (const auto& tree : forest.trees()) {
    trees.emplace_back(tree, inputs);
    if (trees.back().total() <= 0) trees.pop_back();
  }
  if (trees.empty()) return std::nullopt;

  Importance result{.trials = values.size(), .explained = forest.explained(), .choices = {}, .pairs = {}};
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    std::vector<double> shares;
    for (const auto& tree : trees) shares.push_back(tree.of(i) / tree.total());
    order.emplace_back(-mean(shares), i);
    result.choices.push_back(entry({choices[i]->name}, shares));
  }
  std::sort(order.begin(), order.end());
  if (order.size() > options.interacting) order.resize(options.interacting);
  for (std::size_t a = 0; a < order.size(); ++a) {
    for (std::size_t b = a + 1; b < order.size(); ++b) {
      const std::size_t i = order[a].second, j = order[b].second;
      std::vector<double> shares;
      for (const auto& tree : trees) shares.push_back(tree.of(i, j) / tree.total());
      result.pairs.push_back(entry({choices[i]->name, choices[j]->name}, shares));
    }
  }
  sort_by_share(result.choices);
  sort_by_share(result.pairs);
  std::erase_if(result.pairs, [](const auto& pair) { return pair.share < smallest_pair; });
  if (result.pairs.size() > options.pairs) result.pairs.resize(options.pairs);
  return result;
}

}  // namespace netwright
