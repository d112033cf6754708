// Shapes and costs of whole graphs. Cells shared by several instances are worked out once for each set of input shapes.
#include <algorithm>
#include <unordered_map>

#include "netwright/base/error.h"
#include "netwright/space/operation.h"

namespace netwright {

namespace {

std::string describe(const Node& node) {
  return "node '" + node.name + "' (" + (node.cell ? "cell " + node.cell->name : node.operation) + ")";
}

// An error that already names the node it came from.
struct Placed : Error {
  using Error::Error;
};

class Inference {
 public:
  explicit Inference(const OperationTable& table) : table_(table) {}

  // Shapes of all values; adds up the cost of the nodes that count (all where `auxiliary` is null) in `cost`.
  std::vector<Shape> run(const Graph& graph, const std::vector<Shape>& inputs, Cost& cost) {
    if (inputs.size() != graph.inputs.size()) {
      throw invalid({},
                    "cell '" + graph.name + "' has " + std::to_string(graph.inputs.size()) + " inputs but is given " +
                        std::to_string(inputs.size()),
                    "give it one value for each of its inputs");
    }
    std::vector<Shape> shapes = inputs;
    shapes.reserve(graph.value_count());
    const std::vector<bool> skipped = only_auxiliary(graph);
    std::vector<Shape> arguments;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      arguments.clear();
      for (const int input : node.inputs) arguments.push_back(shapes.at(static_cast<std::size_t>(input)));
      Cost own;
      try {
        shapes.push_back(node.cell ? cell_output(*node.cell, arguments, own) : operation_output(node, arguments, own));
      } catch (const Placed& error) {
        throw Placed(error.code(), error.problem() + "\n  in " + describe(node), error.remedy(), error.where());
      } catch (const Error& error) {
        throw Placed(error.code(), describe(node) + ": " + error.problem() + origins(graph, node, arguments),
                     error.remedy(), node.where);
      }
      if (!skipped[i]) cost += own;
    }
    return shapes;
  }

 private:
  struct Known {
    std::vector<Shape> inputs;
    Shape output;
    Cost cost;
  };

  Shape cell_output(const Graph& cell, const std::vector<Shape>& arguments, Cost& cost) {
    if (const auto found = known_.find(&cell); found != known_.end()) {
      for (const Known& known : found->second) {
        if (known.inputs == arguments) return cost = known.cost, known.output;
      }
    }
    const std::vector<Shape> shapes = run(cell, arguments, cost);
    const Shape output = shapes.at(static_cast<std::size_t>(cell.output));
    known_[&cell].push_back({arguments, output, cost});
    return output;
  }

  Shape operation_output(const Node& node, const std::vector<Shape>& arguments, Cost& cost) const {
    const Operation& operation = table_.at(node.operation);
    const int count = static_cast<int>(arguments.size());
    if (count < operation.min_inputs || (operation.max_inputs >= 0 && count > operation.max_inputs)) {
      throw invalid({}, "operation '" + operation.name + "' has " + std::to_string(count) + " inputs",
                    operation.max_inputs == operation.min_inputs
                        ? "give it exactly " + std::to_string(operation.min_inputs)
                        : "give it at least " + std::to_string(operation.min_inputs));
    }
    const Shape output = operation.shape(arguments, node.parameters);
    cost = operation.cost(arguments, output, node.parameters);
    return output;
  }

  // Nodes that nothing but the auxiliary classifier needs; they cost nothing at inference. Nodes that nothing needs at
  // all do count: they hold parameters.
  static std::vector<bool> only_auxiliary(const Graph& graph) {
    std::vector<bool> skipped(graph.nodes.size(), false);
    if (graph.auxiliary_output < 0 || graph.auxiliary_output == graph.output) return skipped;
    const auto reach = [&graph](int from) {
      std::vector<bool> reached(graph.value_count(), false);
      reached[static_cast<std::size_t>(from)] = true;
      for (std::size_t v = graph.value_count(); v-- > graph.inputs.size();) {
        if (!reached[v]) continue;
        for (const int input : graph.nodes[v - graph.inputs.size()].inputs)
          reached[static_cast<std::size_t>(input)] = true;
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

  // "; its inputs are 'a' 16x8x8, 'b' 32x8x8": where clashing shapes come from.
  static std::string origins(const Graph& graph, const Node& node, const std::vector<Shape>& shapes) {
    std::string text;
    for (std::size_t i = 0; i < node.inputs.size() && i < shapes.size(); ++i) {
      const Node* producer = graph.producer(node.inputs[i]);
      const std::string& name = producer ? producer->name : graph.inputs[static_cast<std::size_t>(node.inputs[i])];
      text += (i == 0 ? "; its inputs are '" : ", '") + name + "' " + to_string(shapes[i]);
    }
    return text;
  }

  const OperationTable& table_;
  std::unordered_map<const Graph*, std::vector<Known>> known_;
};

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table) {
  Cost cost;
  return Inference(table).run(graph, inputs, cost);
}

Cost network_cost(const Network& network, const OperationTable& table) {
  Cost cost;
  Inference(table).run(network.graph, {network.input}, cost);
  return cost;
}

}  // namespace netwright
