#include "netwright/space/operation_inference.h"

#include <algorithm>

#include "netwright/base/error.h"

namespace netwright {

namespace {

// An error that already names the node it came from.
struct Placed : Error {
  using Error::Error;
};

std::string describe(const Node& node) {
  return "node '" + node.name + "' (" + (node.cell ? "cell " + node.cell->name : node.operation) + ")";
}

// "; its inputs are 'a' 16x8x8, 'b' 32x8x8": where clashing shapes come from.
std::string origins(const Graph& graph, const Node& node, const std::vector<Shape>& shapes) {
  std::string text;
  for (std::size_t i = 0; i < node.inputs.size() && i < shapes.size(); ++i) {
    const Node* producer = graph.producer(node.inputs[i]);
    const std::string& name = producer ? producer->name : graph.inputs[static_cast<std::size_t>(node.inputs[i])];
    text += (i == 0 ? "; its inputs are '" : ", '") + name + "' " + to_string(shapes[i]);
  }
  return text;
}

// Whether the node has exactly the row's parameters, each of the row's kind.
bool complete(const Parameters& parameters, const Parameters& defaults) {
  return std::equal(
      parameters.begin(), parameters.end(), defaults.begin(), defaults.end(),
      [](const auto& a, const auto& b) { return a.second.index() == b.second.index() && a.first == b.first; });
}

// Nodes that nothing but the auxiliary classifier needs; they cost nothing at inference. Nodes that nothing needs at
// all do count: they hold parameters.
std::vector<bool> only_auxiliary(const Graph& graph) {
  std::vector<bool> skipped(graph.nodes.size(), false);
  if (graph.auxiliary_output < 0 || graph.auxiliary_output == graph.output) return skipped;
  const auto reach = [&graph](int from) {
    std::vector<bool> reached(graph.value_count(), false);
    reached[static_cast<std::size_t>(from)] = true;
    for (std::size_t v = graph.value_count(); v-- > graph.inputs.size();) {
      if (!reached[v]) continue;
      for (const int input : graph.nodes[v - graph.inputs.size()].inputs) {
        reached[static_cast<std::size_t>(input)] = true;
      }
    }
    return reached;
  };
  const std::vector<bool> main = reach(graph.output), auxiliary = reach(graph.auxiliary_output);
  for (std::size_t i = 0; i < skipped.size(); ++i) {
    const std::size_t value = i + graph.inputs.size();
    skipped[i] = auxiliary[value] && !main[value];
  }
  return skipped;
}

}  // namespace

const Inferred& Inference::infer(const Graph& graph, const std::vector<Shape>& inputs) {
  for (const auto& known : known_[&graph]) {
    if (known->inputs == inputs) return *known;
  }
  if (inputs.size() != graph.inputs.size()) {
    throw invalid({},
                  "'" + graph.name + "' has " + std::to_string(graph.inputs.size()) + " inputs but is given " +
                      std::to_string(inputs.size()),
                  "give it one value for each of its inputs");
  }
  auto result = std::make_unique<Inferred>();
  result->inputs = inputs;
  result->shapes = inputs;
  result->shapes.reserve(graph.value_count());
  result->steps.reserve(graph.nodes.size());
  const std::vector<bool> skipped = only_auxiliary(graph);
  std::vector<Shape> arguments;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    arguments.clear();
    for (const int input : graph.nodes[i].inputs) {
      arguments.push_back(result->shapes.at(static_cast<std::size_t>(input)));
    }
    step(graph, graph.nodes[i], arguments, *result);
    if (!skipped[i]) result->cost += result->steps.back().cost;
  }
  return *known_[&graph].emplace_back(std::move(result));
}

void Inference::step(const Graph& graph, const Node& node, const std::vector<Shape>& arguments, Inferred& result) {
  try {
    if (!node.cell) return apply(node, arguments, result);
    const Inferred& cell = infer(*node.cell, arguments);
    result.shapes.push_back(cell.shapes.at(static_cast<std::size_t>(node.cell->output)));
    result.steps.push_back({nullptr, &cell, cell.cost});
  } catch (const Placed& error) {
    throw Placed(error.code(), error.problem() + "\n  in " + describe(node), error.remedy(), error.where());
  } catch (const Error& error) {
    throw Placed(error.code(), describe(node) + ": " + error.problem() + origins(graph, node, arguments),
                 error.remedy(), node.where);
  }
}

void Inference::apply(const Node& node, const std::vector<Shape>& arguments, Inferred& result) const {
  const Operation& row = table_.at(node.operation);
  const int count = static_cast<int>(arguments.size());
  if (count < row.min_inputs || (row.max_inputs >= 0 && count > row.max_inputs)) {
    throw invalid({}, "it has " + std::to_string(count) + " inputs",
                  row.max_inputs == row.min_inputs ? "give it exactly " + std::to_string(row.min_inputs)
                                                   : "give it at least " + std::to_string(row.min_inputs));
  }
  if (!complete(node.parameters, row.defaults)) {
    table_.complete(node.operation, node.parameters);  // throws unless only some are missing
    throw invalid({}, "it has not all parameters of its operation", "fill in OperationTable::complete's");
  }
  const Shape output = row.shape(arguments, node.parameters);
  result.shapes.push_back(output);
  result.steps.push_back({&row, nullptr, row.cost(arguments, output, node.parameters)});
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table) {
  return Inference(table).infer(graph, inputs).shapes;
}

Cost network_cost(const Network& network, const OperationTable& table) {
  return Inference(table).infer(network.graph, {network.input}).cost;
}

}  // namespace netwright
