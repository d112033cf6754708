// Small spaces on which every strategy is tried.
#pragma once

#include <string>

#include "netwright/space/search_space.h"

namespace netwright {

// Categorical, integer and real choices, one of them conditional; the network itself is fixed.
inline SearchSpace mixed_space() {
  const Yaml yaml = parse_yaml(R"(
name: mixed
input: [4]
classes: 3
choices:
  depth: {integer: [1, 3]}
  norm: [false, true]
  dropout: {real: [0.0, 0.5], when: {norm: false}}
  rate: {real: [0.001, 1.0], log: true}
network:
  - {name: hidden, op: dense, features: {integer: [8, 64], step: 8}, norm: $norm, repeat: $depth}
  - {name: drop, op: dropout, probability: $dropout}
  - {name: head, op: classifier}
recipe:
  optimizer: {learning_rate: $rate}
)",
                               "mixed.yaml");
  return SearchSpace::parse(yaml, Yaml(), std::nullopt, std::nullopt);
}

// Six categorical choices of five options.
inline SearchSpace edges_space() {
  std::string text = "name: edges\ninput: [3, 8, 8]\nclasses: 10\nchoices:\n";
  for (int i = 0; i < 6; ++i) {
    text += "  edge" + std::to_string(i) + ": [none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3]\n";
  }
  text += "network:\n  - {name: stem, op: conv_bn, channels: 4}\n";
  for (int i = 0; i < 6; ++i) {
    text += "  - {name: n" + std::to_string(i) + ", op: $edge" + std::to_string(i) + "}\n";
  }
  text += "  - {name: head, op: classifier}\n";
  return SearchSpace::parse(parse_yaml(text, "edges.yaml"), Yaml(), std::nullopt, std::nullopt);
}

// One configuration only.
inline SearchSpace point_space() {
  return SearchSpace::parse(parse_yaml("name: point\ninput: [4]\nclasses: 2\nchoices:\n  one: [relu]\nnetwork:\n"
                                       "  - {name: only, op: $one}\n  - {name: head, op: classifier}\n",
                                       "point.yaml"),
                            Yaml(), std::nullopt, std::nullopt);
}

}  // namespace netwright
