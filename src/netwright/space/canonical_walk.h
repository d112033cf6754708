// Carries values of an algebra through a graph and the cells within it, node by node; what the canonical forms share.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "netwright/space/canonical_mix.h"
#include "netwright/space/operation_inference.h"

namespace netwright {

// What a node computes, apart from its inputs.
struct NodeLabel {
  enum class Kind { operation, pass, zero, sum, concat, cell };

  Kind kind = Kind::operation;
  bool weights = false;
  bool keeps_zero = false;
  GraphHash hash;  // of base operation and parameters
  const Node* node = nullptr;
  const Operation* row = nullptr;
  const std::string* base = nullptr;
  std::int64_t channels = 0;  // of the first input
  Shape shape;                // of the output
};

// A parameter as it counts for equality: `channels: 0` and `features: 0` are the number they stand for.
Value effective(const std::string& name, const Value& value, std::int64_t input_channels);

// The order of NAS-Bench-201's text among operations: by base name, then parameters. Negative, 0, positive.
int compare(const NodeLabel& a, const NodeLabel& b);

// The operation's name, with its parameters in brackets where they differ from the row's defaults.
std::string text_of(const NodeLabel& label);

class Labels {
 public:
  explicit Labels(const OperationTable& table) : table_(table), inference_(table) {}

  Inference& inference() { return inference_; }
  const std::vector<NodeLabel>& of(const Graph& graph, const Inferred& inferred);

 private:
  NodeLabel label(const Graph& graph, const Inferred& inferred, std::size_t node) const;

  const OperationTable& table_;
  Inference inference_;
  std::unordered_map<const Inferred*, std::vector<NodeLabel>> known_;
};

// Values of an algebra are numbers of its own. Algebra::apply(label, arguments) gives that of an operation's output,
// Algebra::cell(node, inferred, arguments, labels) that of a cell's. Returns the value of every value of `graph`.
template <class Algebra>
std::vector<int> walk(const Graph& graph, const Inferred& inferred, std::span<const int> inputs, Labels& labels,
                      Algebra& algebra) {
  std::vector<int> values(inputs.begin(), inputs.end());
  values.reserve(graph.value_count());
  const std::vector<NodeLabel>& all = labels.of(graph, inferred);
  std::vector<int> arguments;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    arguments.clear();
    for (const int input : node.inputs) arguments.push_back(values[static_cast<std::size_t>(input)]);
    values.push_back(node.cell ? algebra.cell(node, *inferred.steps[i].cell, arguments, labels)
                               : algebra.apply(all[i], arguments));
  }
  return values;
}

// The cell as if its nodes stood in the graph around it.
template <class Algebra>
int walk_into(const Node& node, const Inferred& inferred, std::span<const int> arguments, Labels& labels,
              Algebra& algebra) {
  return walk(*node.cell, inferred, arguments, labels, algebra)[static_cast<std::size_t>(node.cell->output)];
}

}  // namespace netwright
