// The table of operations: for each its parameters, shape rule and cost rule. The torch factory of the same name is in
// nn/operations.h. A user adds a row in C++ with OperationTable::add and a factory with the same name.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "netwright/space/graph.h"
#include "netwright/space/value.h"

namespace netwright {

struct Cost {
  std::int64_t parameters = 0;  // learnable numbers
  std::int64_t macs = 0;        // multiply-accumulates a sample, forward, of convolutions and linear layers
  // Additions of the biases of convolutions and linear layers. What NAS-Bench-201's table calls FLOPs is macs +
  // bias_adds; pools, norms, activations and sums count nothing there.
  std::int64_t bias_adds = 0;

  Cost& operator+=(const Cost& other);
  bool operator==(const Cost&) const = default;
};

// Parameter defaults also fix each parameter's kind. `channels: 0` and `features: 0` mean "as many as the first input
// has" (of classifiers: not yet set).
struct Operation {
  std::string name;
  std::string summary;  // one line, for docs and pictures
  int min_inputs = 1;
  int max_inputs = 1;        // -1: any number
  bool commutative = false;  // the order of inputs does not matter
  bool identity = false;     // passes its input through whenever the shape stays the same (skip_connect)
  bool zero = false;         // its output is zero whatever its input (none)
  Parameters defaults;
  // Throws an invalid Error (without place; the caller adds it) when inputs do not fit, e.g. a channel mismatch of a
  // sum. Null: the first input's shape.
  std::function<Shape(const std::vector<Shape>&, const Parameters&)> shape;
  std::function<Cost(const std::vector<Shape>&, const Shape& out, const Parameters&)> cost;  // null: nothing
  // Whether zero in gives zero out with any weights: a pool does, a convolution with a bias or an affine norm does not.
  // Null: no.
  std::function<bool(const Parameters&)> keeps_zero;
};

class OperationTable {
 public:
  // Every operation that netwright ships; see docs/operations.md.
  static OperationTable standard();

  void add(Operation operation);  // replaces a row of that name
  // A row that is another row with other defaults, e.g. sep_conv_7x7 = sep_conv with kernel 7 (`operations:` in a space
  // file).
  void alias(const std::string& name, const std::string& base, const Parameters& defaults);

  const Operation* find(const std::string& name) const;  // null when absent
  std::vector<std::string> names() const;
  // The row that an alias chain ends in: sep_conv_7x7 -> sep_conv. Factories are found by it.
  const std::string& base_of(const std::string& name) const;

  // The row of that name; an invalid Error (without place) with the nearest name when absent.
  const Operation& at(const std::string& name) const;
  // `given` with the row's defaults filled in. Throws an invalid Error (without place) for an unknown operation or
  // parameter, with the nearest valid name, and for a value of the wrong kind. An integer given for a real becomes one.
  Parameters complete(const std::string& name, const Parameters& given) const;

 private:
  std::map<std::string, Operation> rows_;
  std::map<std::string, std::string> bases_;
};

// Shape of every value of `graph`, inputs first. Throws an invalid Error that names the node, its place and the shapes
// that clash.
std::vector<Shape> infer_shapes(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table);

// Total cost of a network (auxiliary classifier excluded), each cell instance counted. Throws as infer_shapes does.
Cost network_cost(const Network& network, const OperationTable& table);

}  // namespace netwright
