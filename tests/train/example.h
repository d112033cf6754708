// A small network and small data, made in memory, that training can learn in a second.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "netwright/base/random.h"
#include "netwright/data/data_set.h"
#include "netwright/space/graph.h"
#include "netwright/space/operation.h"
#include "netwright/space/recipe.h"

namespace netwright::testing {

inline Node make_node(const std::string& name, const std::string& operation, std::vector<int> inputs,
                      const Parameters& parameters = {}) {
  Node node;
  node.name = name;
  node.operation = operation;
  node.inputs = std::move(inputs);
  node.parameters = OperationTable::standard().find(operation)->defaults;
  for (const auto& [key, value] : parameters) node.parameters[key] = value;
  return node;
}

constexpr std::int64_t example_classes = 3;
constexpr std::int64_t example_side = 8;

// Stem, a cell whose operations may be dropped, dropout before the classifier, and optionally an auxiliary classifier.
inline Network example_network(double dropout = 0, bool auxiliary = false) {
  auto cell = std::make_shared<Graph>();
  cell->name = "cell";
  cell->inputs = {"x"};
  cell->nodes = {make_node("a", "nor_conv", {0}), make_node("b", "sep_conv", {0}), make_node("n", "add", {1, 2})};
  cell->output = 3;
  Network network;
  network.input = {1, example_side, example_side};
  network.classes = example_classes;
  network.graph.inputs = {"input"};
  Node instance;
  instance.name = "cell";
  instance.operation = "cell";
  instance.inputs = {1};
  instance.cell = cell;
  network.graph.nodes = {make_node("stem", "conv_bn", {0}, {{"channels", std::int64_t{6}}}), instance,
                         make_node("head", "classifier", {2}, {{"features", example_classes}, {"dropout", dropout}})};
  network.graph.output = 3;
  if (auxiliary) {
    network.graph.nodes.push_back(make_node("side", "auxiliary_classifier", {2}, {{"features", example_classes}}));
    network.graph.auxiliary_output = 4;
  }
  return network;
}

// A single linear layer: no batch norm that would keep a wild learning rate in check.
inline Network linear_network() {
  Network network;
  network.input = {1, example_side, example_side};
  network.classes = example_classes;
  network.graph.inputs = {"input"};
  network.graph.nodes = {make_node("flat", "flatten", {0}),
                         make_node("head", "linear", {1}, {{"features", example_classes}})};
  network.graph.output = 2;
  return network;
}

// Noise in which each class has a bright bar of its own; or nothing to learn, with labels at random.
inline SearchData example_data(std::int64_t training = 48, std::int64_t validation = 30, bool random_labels = false) {
  auto examples = std::make_shared<Examples>();
  examples->shape = {1, example_side, example_side};
  examples->class_names = {"left", "middle", "right"};
  Random random(5);
  for (std::int64_t i = 0; i < training + validation; ++i) {
    const std::int64_t label = i % example_classes;
    examples->labels.push_back(static_cast<std::int32_t>(random_labels ? random.below(example_classes) : label));
    for (std::int64_t p = 0; p < example_side * example_side; ++p) {
      const bool bright = p % example_side / 3 == label;
      examples->pixels.push_back(static_cast<std::uint8_t>(random.below(120) + (bright ? 100 : 0)));
    }
  }
  const auto range = [](std::int64_t begin, std::int64_t end) {
    std::vector<std::int32_t> indices;
    for (std::int64_t i = begin; i < end; ++i) indices.push_back(static_cast<std::int32_t>(i));
    return indices;
  };
  const auto normalization = std::make_shared<Normalization>(Normalization{{0.4F}, {0.2F}});
  return {TrainingData(examples, range(0, training), normalization, 1),
          ValidationData(examples, range(training, training + validation), normalization, 2)};
}

inline Recipe example_recipe() {
  Recipe recipe;
  recipe.epochs = 4;
  recipe.batch = 10;
  recipe.optimizer.learning_rate = 0.05;
  return recipe;
}

}  // namespace netwright::testing
