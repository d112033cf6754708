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
  std::int64_t pool_flops = 0;  // what pooling adds in NAS-Bench-201's count of "FLOPs" (macs + pool_flops)

  Cost& operator+=(const Cost& other);
  bool operator==(const Cost&) const = default;
};

// Parameter defaults also fix each parameter's kind. Two kinds of rows have special defaults:
//   `channels: 0` means "as many as the first input has".
struct Operation {
  std::string name;
  std::string summary;  // one line, for docs and pictures
  int min_inputs = 1;
  int max_inputs = 1;        // -1: any number
  bool commutative = false;  // the order of inputs does not matter
  bool identity = false;     // with unchanged shape and stride 1 it passes its input through (skip_connect)
  bool zero = false;         // its output is zero whatever its input (none)
  Parameters defaults;
  // Throws an invalid Error (without place; the caller adds it) when inputs do not fit, e.g. a channel mismatch of a
  // sum.
  std::function<Shape(const std::vector<Shape>&, const Parameters&)> shape;
  std::function<Cost(const std::vector<Shape>&, const Shape& out, const Parameters&)> cost;
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
