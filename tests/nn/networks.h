// What the tests of nn/ share: networks of one operation, and members of the shipped spaces.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "netwright/nn/builder.h"
#include "netwright/space/operation.h"
#include "netwright/space/search_space.h"

namespace netwright {

inline const OperationTable& standard_table() {
  static const OperationTable table = OperationTable::standard();
  return table;
}

inline Node make_node(const std::string& name, const std::string& operation, const Parameters& parameters,
                      std::vector<int> inputs) {
  Node node;
  node.name = name;
  node.operation = operation;
  node.parameters = standard_table().complete(operation, parameters);
  node.inputs = std::move(inputs);
  return node;
}

// input -> operation.
inline Network single(const std::string& operation, const Parameters& parameters, const Shape& input) {
  Network network;
  network.input = input;
  network.graph.name = "test";
  network.graph.inputs = {"x"};
  network.graph.nodes = {make_node("n", operation, parameters, {0})};
  network.graph.output = 1;
  return network;
}

inline torch::Tensor random_input(const Shape& shape, std::int64_t samples, std::uint64_t seed = 1) {
  at::Generator generator = compat::cpu_generator(seed);
  std::vector<std::int64_t> sizes = {samples, shape.channels};
  if (shape.is_image()) sizes.insert(sizes.end(), {shape.height, shape.width});
  return torch::randn(sizes, generator);
}

// Running statistics and scales as after some training, so that nothing is hidden by ones and zeros.
inline void randomize(torch::nn::Module& module, std::uint64_t seed) {
  torch::NoGradGuard guard;
  at::Generator generator = compat::cpu_generator(seed);
  for (const auto& item : module.named_buffers()) item.value().uniform_(0.5, 1.5, generator);
  for (const auto& item : module.named_parameters()) {
    if (item.value().dim() == 1) item.value().uniform_(-1, 1.5, generator);
  }
}

inline std::vector<std::string> shipped_spaces() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(NETWRIGHT_SOURCE_DIR "/spaces")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  return paths;
}

}  // namespace netwright
