#include "netwright/strategy/encoding.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "netwright/space/canonical.h"

namespace netwright {
namespace {

constexpr std::size_t most_points = 100000;  // kept at a time
constexpr std::size_t most_paths = 256;      // of one graph; of larger ones the first so many count

double as_real(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  return std::get<double>(value);
}

double scaled(double value, double low, double high, bool log) {
  if (high <= low) return 0;
  return log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
}

// Every way from an input of a graph to its output, as the operations on it.
class Paths {
 public:
  Paths(const Graph& graph, const OperationTable& table) : graph_(graph), table_(table) { walk(graph.output); }

  const std::vector<std::vector<const Node*>>& found() const { return found_; }

 private:
  void walk(int value) {
    if (found_.size() >= most_paths) return;
    const Node* node = graph_.producer(value);
    if (node == nullptr) {
      found_.emplace_back(path_.rbegin(), path_.rend());
      return;
    }
    const Operation* row = node->cell ? nullptr : table_.find(node->operation);
    if (row != nullptr && row->zero) return;
    const bool passes = row != nullptr && (row->identity || row->commutative);
    if (!passes) path_.push_back(node);
    for (const int input : node->inputs) walk(input);
    if (!passes) path_.pop_back();
  }

  const Graph& graph_;
  const OperationTable& table_;
  std::vector<const Node*> path_;  // from the output
  std::vector<std::vector<const Node*>> found_;
};

void collect_cells(const Graph& graph, std::set<const Graph*>& seen, std::vector<const Graph*>& cells) {
  if (!seen.insert(&graph).second) return;
  cells.push_back(&graph);
  for (const Node& node : graph.nodes) {
    if (node.cell) collect_cells(*node.cell, seen, cells);
  }
}

}  // namespace

Encoding::Encoding(const SearchSpace& space) : space_(space) {
  for (std::size_t i = 0; i < space.choices().size(); ++i) {
    const Choice& choice = space.choices()[i];
    first_column_.push_back(static_cast<int>(group_of_.size()));
    const auto* categorical = std::get_if<Categorical>(&choice.domain);
    group_of_.insert(group_of_.end(), categorical ? categorical->options.size() + 1 : 2, static_cast<int>(i));
  }
}

const Encoding::Point& Encoding::of(const Configuration& configuration) {
  return entry(configuration, configuration.canonical_text());
}

const Encoding::Point& Encoding::of(const Configuration& configuration, const std::string& text) {
  return entry(configuration, text);
}

const std::string& Encoding::network_of(const Configuration& configuration) {
  Point& point = entry(configuration, configuration.canonical_text());
  if (!point.network.empty()) return point.network;
  try {
    const Design design = space_.fill(configuration);
    point.network = canonical_hash(design.network, space_.table()) + to_json(design.recipe).dump();
  } catch (const Error&) {
    point.network = "configuration " + configuration.canonical_text();
  }
  return point.network;
}

Encoding::Point& Encoding::entry(const Configuration& configuration, const std::string& text) {
  if (const auto known = points_.find(text); known != points_.end()) return known->second;
  if (points_.size() >= most_points) points_.clear();
  Point point;
  encode_choices(configuration, point);
  try {
    encode_network(space_.fill(configuration), point);
  } catch (const Error&) {  // no network: its choices tell what there is to tell
  }
  return points_[text] = std::move(point);
}

void Encoding::encode_choices(const Configuration& configuration, Point& point) const {
  for (std::size_t i = 0; i < space_.choices().size(); ++i) {
    const Choice& choice = space_.choices()[i];
    const Value* value = configuration.find(choice.name);
    const int first = first_column_[i];
    if (const auto* categorical = std::get_if<Categorical>(&choice.domain)) {
      const auto& options = categorical->options;
      const auto place = value ? std::find(options.begin(), options.end(), *value) - options.begin()
                               : static_cast<std::ptrdiff_t>(options.size());
      point.entries.emplace_back(first + static_cast<int>(place), std::sqrt(0.5));  // any two are 1 apart
    } else if (value == nullptr) {
      point.entries.emplace_back(first + 1, 1.0);
    } else if (const auto* integer = std::get_if<Integer>(&choice.domain)) {
      point.entries.emplace_back(first, scaled(as_real(*value), static_cast<double>(integer->low),
                                               static_cast<double>(integer->high), integer->log));
    } else if (const auto* real = std::get_if<Real>(&choice.domain)) {
      point.entries.emplace_back(first, scaled(as_real(*value), real->low, real->high, real->log));
    }
  }
}

void Encoding::encode_network(const Design& design, Point& point) {
  std::set<const Graph*> seen;
  std::vector<const Graph*> graphs;
  collect_cells(design.network.graph, seen, graphs);
  std::map<int, double> counts;
  for (const Graph* graph : graphs) encode_graph(*graph, counts);
  point.entries.insert(point.entries.end(), counts.begin(), counts.end());
  point.entries.emplace_back(column_of("parameters", size_group()),
                             std::log(1 + static_cast<double>(design.cost.parameters)) / 2);
  point.entries.emplace_back(column_of("macs", size_group()), std::log(1 + static_cast<double>(design.cost.macs)) / 2);
}

void Encoding::encode_graph(const Graph& graph, std::map<int, double>& counts) {
  const Paths paths(graph, space_.table());
  std::set<const Node*> alive;
  for (const auto& path : paths.found()) {
    std::string key = graph.name + " >";
    for (const Node* node : path) {
      key += ' ' + node->operation;
      alive.insert(node);
    }
    counts[column_of(key, paths_group())] += 1;
  }
  for (const Node* node : alive) counts[column_of(graph.name + " # " + node->operation, operations_group())] += 1;
}

int Encoding::column_of(const std::string& key, int group) {
  const auto [found, added] = column_of_.emplace(key, static_cast<int>(group_of_.size()));
  if (added) group_of_.push_back(group);
  return found->second;
}

}  // namespace netwright
