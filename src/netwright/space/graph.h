// A concrete network as plain data. Needs no LibTorch; nn/builder.h turns it into a module.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/space/value.h"

namespace netwright {

// The shape of one sample without the batch: images are {channels, height, width}, tabular rows {features, 0, 0}.
struct Shape {
  std::int64_t channels = 0;  // or features
  std::int64_t height = 0;
  std::int64_t width = 0;

  bool is_image() const { return height > 0; }
  std::int64_t elements() const { return is_image() ? channels * height * width : channels; }
  bool operator==(const Shape&) const = default;
};

std::string to_string(const Shape& shape);  // "16x32x32" or "54"

struct Graph;

// An operation or a cell. Edges carry tensors: `inputs` are value numbers of the graph that holds this node (see
// Graph).
struct Node {
  std::string name;       // unique in its graph
  std::string operation;  // a row of the operation table; "cell" when `cell` is set
  Parameters parameters;  // complete: defaults of the table filled in; for a cell, the values its template was given
  std::vector<int> inputs;
  std::shared_ptr<const Graph> cell;  // equal instances share one Graph
  // Architecture parameters left to a strategy are filled; this records which choice decided the operation (empty:
  // fixed). For pictures.
  std::string decided_by;
  Location where;
};

// Value number v is input v for v < inputs.size(), else the output of nodes[v - inputs.size()]. Nodes are in
// topological order.
struct Graph {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<Node> nodes;
  int output = 0;             // value number of the result
  int auxiliary_output = -1;  // value number of an auxiliary classifier's logits (training only); -1 for none

  std::size_t value_count() const { return inputs.size() + nodes.size(); }
  const Node* producer(int value) const {  // null for an input
    return value < static_cast<int>(inputs.size()) ? nullptr : &nodes[static_cast<std::size_t>(value) - inputs.size()];
  }
};

// A whole network: its graph with one input, the shape of that input and the number of outputs (classes, or 1 for
// regression).
struct Network {
  Graph graph;
  Shape input;
  std::int64_t classes = 0;
};

// Lossless but for the nodes' places in the space file; what the trial protocol and checkpoints carry. Shared cells are
// stored once:
//   {"input": [3,32,32], "classes": 10,
//    "cells": [GRAPH, …],                     // absent when none; a cell within a cell comes before it
//    "graph": {"name": …, "inputs": ["x"],
//              "nodes": [{"name": …, "operation": "conv_bn", "parameters": {…}, "inputs": [0], "decided_by": …},
//                        {"name": …, "operation": "cell", "cell": 0, "inputs": [1]}, …],
//              "output": 7, "auxiliary_output": 5}}
// where numbers in inputs and outputs are value numbers (see Graph), `cell` is an index of `cells`, and empty
// `parameters`, empty `decided_by` and an `auxiliary_output` of -1 are left out.
Json to_json(const Network& network);
// Throws an invalid Error that says what and where for anything that is not such a document. Operations and their
// parameters are not looked up: infer_shapes does.
Network network_from_json(const Json& json);

}  // namespace netwright
