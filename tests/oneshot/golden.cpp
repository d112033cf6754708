#include "oneshot/golden.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "netwright/base/text.h"
#include "netwright/base/yaml.h"

namespace netwright::testing {
namespace {

std::string unpacked(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  std::vector<char> buffer(1 << 20);
  for (int n; (n = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  gzclose(file);
  return text;
}

SearchSpace space_of(const Json& json) {
  Yaml yaml = load_yaml(NETWRIGHT_SOURCE_DIR "/spaces/darts.yaml");
  set_by_path(yaml, "parameters.channels=" + json.at("init_channels").dump());
  set_by_path(yaml, "parameters.layers=" + json.at("layers").dump());
  const auto& shape = json.at("train_input").at("shape");
  const Shape input{shape.at(1).get<std::int64_t>(), shape.at(2).get<std::int64_t>(), shape.at(3).get<std::int64_t>()};
  return SearchSpace::parse(yaml, Yaml{}, input, json.at("classes").get<std::int64_t>());
}

// The edges of a cell in the published order: by target node, then source.
std::vector<const Node*> edges_of(const Graph& cell) {
  std::vector<const Node*> edges;
  for (const Node& node : cell.nodes) {
    if (node.operation == mixed_operation) edges.push_back(&node);
  }
  return edges;
}

std::string layer_part(const std::string& published, bool once) {
  if (published == "op.1.weight") return once ? "depthwise.weight" : "depthwise1.weight";
  if (published == "op.2.weight") return once ? "pointwise.weight" : "pointwise1.weight";
  if (published == "op.5.weight") return "depthwise2.weight";
  if (published == "op.6.weight") return "pointwise2.weight";
  if (published == "conv_1.weight") return "even.weight";
  if (published == "conv_2.weight") return "odd.weight";
  return "no counterpart of " + published;
}

}  // namespace

std::vector<std::string> golden_files() {
  const char* folder = std::getenv("NETWRIGHT_REFERENCE_DATA");
  const std::string path = std::string(folder ? folder : NETWRIGHT_SOURCE_DIR "/../shared/data") + "/goldens";
  std::vector<std::string> files;
  if (!std::filesystem::is_directory(path)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().string().ends_with(".json.gz")) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

torch::Tensor tensor_of(const Json& json) {
  const auto data = json.at("data").get<std::vector<double>>();
  const auto shape = json.at("shape").get<std::vector<std::int64_t>>();
  return torch::tensor(data, torch::kDouble).reshape(shape);
}

Golden::Golden(const std::string& path)
    : json(Json::parse(unpacked(path))), space(space_of(json)), partial(json.at("kind") == "pcdarts") {}

torch::Tensor Golden::input(const std::string& which) const {
  return tensor_of(json.at(which + "_input"));
}

torch::Tensor Golden::target(const std::string& which) const {
  return torch::tensor(json.at(which + "_target").get<std::vector<std::int64_t>>(), torch::kLong);
}

std::vector<torch::Tensor> Golden::alphas(const Relaxation& relaxation, const Json& from) const {
  std::vector<torch::Tensor> tensors;
  for (const RowGroup& group : relaxation.groups) {
    tensors.push_back(tensor_of(from.at(group.name == "normal" ? "alphas_normal" : "alphas_reduce")));
  }
  return tensors;
}

std::vector<torch::Tensor> Golden::betas(const Relaxation& relaxation, const Json& from) const {
  std::vector<torch::Tensor> tensors;
  if (!partial) return tensors;
  std::map<std::string, std::int64_t> begin;
  for (const RelaxedSum& sum : relaxation.sums) {
    const torch::Tensor all = tensor_of(from.at(sum.cell == "normal" ? "betas_normal" : "betas_reduce"));
    const auto count = static_cast<std::int64_t>(sum.edges.size());
    tensors.push_back(all.narrow(0, begin[sum.cell], count).clone());
    begin[sum.cell] += count;
  }
  return tensors;
}

std::map<std::string, std::string> published_names(const Relaxation& relaxation, const Json& parameters) {
  std::vector<const Node*> cells;
  for (const Node& node : relaxation.network.graph.nodes) {
    if (node.cell) cells.push_back(&node);
  }
  std::map<std::string, std::string> names = {{"stem.0.weight", "stem.block.weight"},
                                              {"stem.1.weight", "stem.block.norm.weight"},
                                              {"stem.1.bias", "stem.block.norm.bias"},
                                              {"classifier.weight", "head.linear.weight"},
                                              {"classifier.bias", "head.linear.bias"}};
  for (const auto& item : parameters.items()) {
    const std::vector<std::string> parts = split(item.key(), '.');
    if (parts[0] != "cells") continue;
    const Node& cell = *cells.at(std::stoul(parts[1]));
    if (parts[2].starts_with("preprocess")) {
      const std::string rest = join({parts.begin() + 3, parts.end()}, ".");
      const std::string part = rest == "op.1.weight" ? "block.weight" : layer_part(rest, false);
      names[item.key()] = cell.name + (parts[2] == "preprocess0" ? ".p0." : ".p1.") + part;
      continue;
    }
    const Node& edge = *edges_of(*cell.cell).at(std::stoul(parts[3]));
    const MixedNode& mixed = relaxation.mixed.at(static_cast<std::size_t>(integer_of(edge.parameters, "number", 0)));
    const std::string operation = mixed.options.at(std::stoul(parts[5])).node.name;
    const std::string rest = join({parts.begin() + 6, parts.end()}, ".");
    names[item.key()] =
        cell.name + "." + edge.name + "." + operation + "." + layer_part(rest, operation.starts_with("dil"));
  }
  return names;
}

std::shared_ptr<Supernet> Golden::supernet(bool plain) const {
  SupernetOptions options;
  options.partial = partial ? 4 : 1;
  if (plain) options.passes = SupernetPasses::none();
  auto net = build_supernet(space.relax({}), space.table(), options);
  net->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  auto parameters = net->named_parameters();
  const Json& given = json.at("parameters");
  for (const auto& [published, ours] : published_names(net->relaxation(), given)) {
    torch::Tensor* parameter = parameters.find(ours);
    if (parameter == nullptr) throw std::runtime_error("no parameter " + ours + " for " + published);
    parameter->copy_(tensor_of(given.at(published)));
  }
  if (parameters.size() != given.size()) throw std::runtime_error("the supernet has other parameters than the file");
  return net;
}

Configuration Golden::genotype() const {
  Configuration configuration;
  const std::vector<std::string> states = {"p0", "p1", "n0", "n1", "n2"};
  for (const auto& [published, cell] :
       std::map<std::string, std::string>{{"normal", "normal"}, {"reduce", "reduction"}}) {
    const Json& pairs = json.at("expect").at("genotype").at(published);
    for (std::size_t node = 0; node < pairs.size() / 2; ++node) {
      std::map<std::int64_t, std::string> chosen;
      for (std::size_t i = 2 * node; i < 2 * node + 2; ++i) {
        chosen[pairs.at(i).at(1).get<std::int64_t>()] = pairs.at(i).at(0).get<std::string>();
      }
      const std::string prefix = cell + ".n" + std::to_string(node) + ".";
      std::vector<std::string> sources;
      for (const auto& [source, operation] : chosen) {
        configuration.set(prefix + "op" + std::to_string(sources.size() + 1), operation);
        sources.push_back(states.at(static_cast<std::size_t>(source)));
      }
      if (node > 0) configuration.set(prefix + "inputs", join(sources, ","));
    }
  }
  return configuration;
}

::testing::AssertionResult close(const torch::Tensor& a, const torch::Tensor& b, double tolerance) {
  if (a.sizes() != b.sizes()) return ::testing::AssertionFailure() << "sizes " << a.sizes() << " and " << b.sizes();
  const double scale = b.abs().max().item<double>();
  const double distance = (a.to(b.scalar_type()) - b).abs().max().item<double>();
  if (distance <= tolerance * scale) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "differ by " << distance << " where the largest is " << scale << ", "
                                       << distance / scale << " of it";
}

::testing::AssertionResult close(double a, double b, double tolerance) {
  return close(torch::tensor(a, torch::kDouble), torch::tensor(b, torch::kDouble), tolerance);
}

}  // namespace netwright::testing
