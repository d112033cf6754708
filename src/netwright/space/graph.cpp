#include "netwright/space/graph.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {

namespace {

// Sides and channels up to here, so that products of shapes and kernels stay within 64 bits.
constexpr std::int64_t largest_side = 1 << 24;

Json to_json(const Shape& shape) {
  return shape.is_image() ? Json{shape.channels, shape.height, shape.width} : Json{shape.channels};
}

// Numbers the cells of a network, those within a cell before it.
class CellNumbers {
 public:
  explicit CellNumbers(const Graph& graph) { visit(graph); }
  int of(const Graph* cell) const { return numbers_.at(cell); }
  const std::vector<const Graph*>& cells() const { return cells_; }

 private:
  void visit(const Graph& graph) {
    for (const Node& node : graph.nodes) {
      if (!node.cell || numbers_.contains(node.cell.get())) continue;
      visit(*node.cell);
      numbers_[node.cell.get()] = static_cast<int>(cells_.size());
      cells_.push_back(node.cell.get());
    }
  }

  std::unordered_map<const Graph*, int> numbers_;
  std::vector<const Graph*> cells_;
};

Json to_json(const Node& node, const CellNumbers& numbers) {
  Json json = {{"name", node.name}, {"operation", node.operation}};
  if (node.cell) json["cell"] = numbers.of(node.cell.get());
  if (!node.parameters.empty()) {
    Json& parameters = json["parameters"] = Json::object();
    for (const auto& [name, value] : node.parameters) parameters[name] = netwright::to_json(value);
  }
  json["inputs"] = node.inputs;
  if (!node.decided_by.empty()) json["decided_by"] = node.decided_by;
  return json;
}

Json to_json(const Graph& graph, const CellNumbers& numbers) {
  Json json = {{"name", graph.name}, {"inputs", graph.inputs}, {"nodes", Json::array()}, {"output", graph.output}};
  for (const Node& node : graph.nodes) json["nodes"].push_back(to_json(node, numbers));
  if (graph.auxiliary_output >= 0) json["auxiliary_output"] = graph.auxiliary_output;
  return json;
}

// Reads what may come from another program: every mistake is an invalid Error that says where in the document it is.
class Reader {
 public:
  Network network(const Json& json) {
    check_keys(json, "network", {"input", "classes", "cells", "graph"});
    Network network;
    network.input = shape(member(json, "network", "input"), "input");
    network.classes = integer(member(json, "network", "classes"), "classes", 1, largest_side);
    if (const auto cells = json.find("cells"); cells != json.end()) {
      const Json& list = array(*cells, "cells");
      for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string place = "cells[" + std::to_string(i) + "]";
        cells_.push_back(std::make_shared<const Graph>(graph(list[i], place)));
        measure(*cells_.back(), place);
      }
    }
    network.graph = graph(member(json, "network", "graph"), "graph");
    measure(network.graph, "graph");
    if (network.graph.inputs.size() != 1) fail("graph.inputs", "must be one name");
    return network;
  }

 private:
  [[noreturn]] static void fail(const std::string& path, const std::string& problem) {
    throw invalid({}, "not a network: " + path + " " + problem, "see \"Networks\" in docs/trial-protocol.md");
  }

  static void check_keys(const Json& json, const std::string& path, const std::vector<std::string>& keys) {
    if (!json.is_object()) fail(path, "must be an object");
    for (const auto& [key, value] : json.items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        fail(path, "has an unknown key '" + key + "' (" + suggest(key, keys) + ")");
      }
    }
  }

  static const Json& member(const Json& json, const std::string& path, const char* key) {
    const auto found = json.find(key);
    if (found == json.end()) fail(path, "has no '" + std::string(key) + "'");
    return *found;
  }

  static const Json& array(const Json& json, const std::string& path) {
    if (!json.is_array()) fail(path, "must be an array");
    return json;
  }

  static std::int64_t integer(const Json& json, const std::string& path, std::int64_t low, std::int64_t high) {
    // A number beyond 64 signed bits is stored unsigned; both readings are compared.
    const bool fits = json.is_number_integer() && !(json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX);
    const std::int64_t value = fits ? json.get<std::int64_t>() : 0;
    if (!fits || value < low || value > high) {
      fail(path, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return value;
  }

  static std::string text(const Json& json, const std::string& path) {
    if (!json.is_string()) fail(path, "must be text");
    return json.get<std::string>();
  }

  static Shape shape(const Json& json, const std::string& path) {
    if (!json.is_array() || (json.size() != 1 && json.size() != 3)) {
      fail(path, "must be [channels, height, width] or [features]");
    }
    const auto side = [&](std::size_t i) { return integer(json[i], path, 1, largest_side); };
    return json.size() == 1 ? Shape{side(0), 0, 0} : Shape{side(0), side(1), side(2)};
  }

  Graph graph(const Json& json, const std::string& path) const {
    check_keys(json, path, {"name", "inputs", "nodes", "output", "auxiliary_output"});
    Graph graph;
    graph.name = text(member(json, path, "name"), path + ".name");
    std::set<std::string> names;
    for (const Json& input : array(member(json, path, "inputs"), path + ".inputs")) {
      graph.inputs.push_back(text(input, path + ".inputs"));
      if (!names.insert(graph.inputs.back()).second)
        fail(path + ".inputs", "names '" + graph.inputs.back() + "' twice");
    }
    const Json& nodes = array(member(json, path, "nodes"), path + ".nodes");
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::string place = path + ".nodes[" + std::to_string(i) + "]";
      graph.nodes.push_back(node(nodes[i], place, static_cast<std::int64_t>(graph.value_count())));
      if (!names.insert(graph.nodes.back().name).second) fail(place, "has a name that was used before");
    }
    const auto last = static_cast<std::int64_t>(graph.value_count()) - 1;
    graph.output = static_cast<int>(integer(member(json, path, "output"), path + ".output", 0, last));
    if (const auto found = json.find("auxiliary_output"); found != json.end()) {
      graph.auxiliary_output = static_cast<int>(integer(*found, path + ".auxiliary_output", 0, last));
    }
    return graph;
  }

  // `values`: how many values exist before this node.
  Node node(const Json& json, const std::string& path, std::int64_t values) const {
    check_keys(json, path, {"name", "operation", "cell", "parameters", "inputs", "decided_by"});
    Node node;
    node.name = text(member(json, path, "name"), path + ".name");
    node.operation = text(member(json, path, "operation"), path + ".operation");
    for (const Json& input : array(member(json, path, "inputs"), path + ".inputs")) {
      node.inputs.push_back(static_cast<int>(integer(input, path + ".inputs", 0, values - 1)));
    }
    if (const auto found = json.find("cell"); found != json.end()) {
      const auto last = static_cast<std::int64_t>(cells_.size()) - 1;
      node.cell = cells_[static_cast<std::size_t>(integer(*found, path + ".cell", 0, last))];
      if (node.cell->inputs.size() != node.inputs.size()) fail(path, "has not as many inputs as its cell");
    }
    if ((node.operation == "cell") != (node.cell != nullptr))
      fail(path, "must have 'cell' if its operation is \"cell\"");
    if (const auto found = json.find("parameters"); found != json.end()) {
      if (!found->is_object()) fail(path + ".parameters", "must be an object");
      for (const auto& [name, value] : found->items()) {
        if (!value.is_primitive() || value.is_null()) fail(path + ".parameters." + name, "must be a single value");
        node.parameters[name] = value_from_json(value);
      }
    }
    if (const auto found = json.find("decided_by"); found != json.end()) {
      node.decided_by = text(*found, path + ".decided_by");
    }
    return node;
  }

  // Cells within cells can stand for more nodes than any memory holds, or be nested deeper than any stack.
  void measure(const Graph& graph, const std::string& path) {
    constexpr std::int64_t most_nodes = 1000000;
    constexpr int deepest = 100;
    Extent extent;
    for (const Node& node : graph.nodes) {
      const Extent inner = node.cell ? extents_.at(node.cell.get()) : Extent{};
      extent.nodes += inner.nodes + 1;
      extent.depth = std::max(extent.depth, inner.depth + 1);
    }
    if (extent.nodes > most_nodes) fail(path, "stands for more than a million nodes");
    if (extent.depth > deepest) fail(path, "has cells within cells more than 100 deep");
    extents_[&graph] = extent;
  }

  struct Extent {
    std::int64_t nodes = 0;
    int depth = 0;
  };
  std::vector<std::shared_ptr<const Graph>> cells_;
  std::unordered_map<const Graph*, Extent> extents_;
};

}  // namespace

std::string to_string(const Shape& shape) {
  std::string text = std::to_string(shape.channels);
  if (shape.is_image()) text += "x" + std::to_string(shape.height) + "x" + std::to_string(shape.width);
  return text;
}

Json to_json(const Network& network) {
  const CellNumbers numbers(network.graph);
  Json json = {{"input", to_json(network.input)}, {"classes", network.classes}};
  if (!numbers.cells().empty()) {
    Json& cells = json["cells"] = Json::array();
    for (const Graph* cell : numbers.cells()) cells.push_back(to_json(*cell, numbers));
  }
  json["graph"] = to_json(network.graph, numbers);
  return json;
}

Network network_from_json(const Json& json) {
  return Reader().network(json);
}

}  // namespace netwright
