// Shapes and costs of a graph and of the cells within it, each worked out once for each set of input shapes.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "netwright/space/graph.h"
#include "netwright/space/operation.h"

namespace netwright {

struct Inferred {
  struct Step {
    const Operation* row = nullptr;  // null for a cell
    const Inferred* cell = nullptr;  // null for an operation
    Cost cost;
  };

  std::vector<Shape> inputs;
  std::vector<Shape> shapes;  // of every value, inputs first
  std::vector<Step> steps;    // one a node
  Cost cost;                  // of all nodes but those only the auxiliary classifier needs
};

// The table must outlive it, and it the graphs it has seen may not change. Results live as long as it does.
class Inference {
 public:
  explicit Inference(const OperationTable& table) : table_(table) {}

  // Throws as infer_shapes does.
  const Inferred& infer(const Graph& graph, const std::vector<Shape>& inputs);

 private:
  void step(const Graph& graph, const Node& node, const std::vector<Shape>& arguments, Inferred& result);
  void apply(const Node& node, const std::vector<Shape>& arguments, Inferred& result) const;

  const OperationTable& table_;
  std::unordered_map<const Graph*, std::vector<std::unique_ptr<Inferred>>> known_;
};

}  // namespace netwright
