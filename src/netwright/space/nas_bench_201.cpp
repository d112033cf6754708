#include "netwright/space/nas_bench_201.h"

#include <algorithm>
#include <vector>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {

namespace {

const std::vector<std::string>& operations() {
  static const std::vector<std::string> names(nas_bench_201_operations.begin(), nas_bench_201_operations.end());
  return names;
}

bool is_operation(const std::string& name) {
  return std::find(operations().begin(), operations().end(), name) != operations().end();
}

[[noreturn]] void malformed(std::string_view architecture, const std::string& problem, const std::string& remedy) {
  std::string text = "'";
  text += architecture;
  throw invalid({}, text + "' is no NAS-Bench-201 architecture: " + problem, remedy);
}

// The six operations in the order of the string.
std::array<std::string, 6> parse(std::string_view architecture) {
  std::array<std::string, 6> found;
  std::size_t edge = 0;
  const std::vector<std::string> groups = split(std::string(architecture), '+');
  const std::string form = "write |op~0|+|op~0|op~1|+|op~0|op~1|op~2|";
  if (groups.size() != 3) malformed(architecture, std::to_string(groups.size()) + " groups instead of 3", form);
  for (std::size_t target = 1; target <= groups.size(); ++target) {
    const std::string& group = groups[target - 1];
    if (group.size() < 2 || group.front() != '|' || group.back() != '|') {
      malformed(architecture, "'" + group + "' is not between bars", form);
    }
    const std::vector<std::string> edges = split(group.substr(1, group.size() - 2), '|');
    if (edges.size() != target) {
      malformed(architecture, "node " + std::to_string(target) + " has " + std::to_string(edges.size()) + " edges",
                form);
    }
    for (std::size_t source = 0; source < edges.size(); ++source) {
      const std::string ending = std::string("~") + std::to_string(source);
      if (!edges[source].ends_with(ending)) {
        malformed(architecture, "'" + edges[source] + "' does not end in " + ending, form);
      }
      std::string name = edges[source].substr(0, edges[source].size() - ending.size());
      if (!is_operation(name)) malformed(architecture, "unknown operation '" + name + "'", suggest(name, operations()));
      found[edge++] = std::move(name);
    }
  }
  return found;
}

Node node(const OperationTable& table, std::string name, std::string operation, std::vector<int> inputs,
          const Parameters& parameters = {}) {
  Node node;
  node.name = std::move(name);
  node.parameters = table.complete(operation, parameters);
  node.operation = std::move(operation);
  node.inputs = std::move(inputs);
  return node;
}

std::shared_ptr<const Graph> cell_of(const std::array<std::string, 6>& edges, const OperationTable& table) {
  auto cell = std::make_shared<Graph>();
  cell->name = "cell";
  cell->inputs = {"x"};
  std::vector<int> states = {0};
  std::size_t edge = 0;
  for (int target = 1; target <= 3; ++target) {
    const std::string name = "n" + std::to_string(target);
    std::vector<int> terms;
    for (int source = 0; source < target; ++source, ++edge) {
      Node operation =
          node(table, name + "." + std::to_string(source), edges[edge], {states[static_cast<std::size_t>(source)]});
      operation.decided_by = nas_bench_201_edges[edge];
      terms.push_back(static_cast<int>(cell->value_count()));
      cell->nodes.push_back(std::move(operation));
    }
    states.push_back(static_cast<int>(cell->value_count()));
    cell->nodes.push_back(node(table, name, "add", std::move(terms)));
  }
  cell->output = states.back();
  return cell;
}

}  // namespace

Configuration nas_bench_201_configuration(std::string_view architecture) {
  const std::array<std::string, 6> edges = parse(architecture);
  Configuration configuration;
  for (std::size_t i = 0; i < edges.size(); ++i) configuration.set(nas_bench_201_edges[i], edges[i]);
  return configuration;
}

std::string nas_bench_201_architecture(const Configuration& configuration) {
  std::string text;
  std::size_t edge = 0;
  for (int target = 1; target <= 3; ++target) {
    text += target > 1 ? "+|" : "|";
    for (int source = 0; source < target; ++source, ++edge) {
      const std::string choice = nas_bench_201_edges[edge];
      const Value* value = configuration.find(choice);
      if (!value) throw invalid({}, "the configuration has no choice '" + choice + "'", "set one of its operations");
      const auto* name = std::get_if<std::string>(value);
      if (!name || !is_operation(*name)) {
        throw invalid({}, "choice '" + choice + "' is " + to_string(*value) + ", no operation of NAS-Bench-201",
                      suggest(name ? *name : "", operations()));
      }
      text += *name + "~" + std::to_string(source) + "|";
    }
  }
  return text;
}

Network nas_bench_201_network(std::string_view architecture, const OperationTable& table,
                              const NasBench201Options& options) {
  const std::shared_ptr<const Graph> cell = cell_of(parse(architecture), table);
  Network network;
  network.input = options.input;
  network.classes = options.classes;
  Graph& graph = network.graph;
  graph.name = "nas-bench-201";
  graph.inputs = {"x"};
  const auto append = [&graph](Node next) {
    next.inputs = {static_cast<int>(graph.value_count()) - 1};
    graph.nodes.push_back(std::move(next));
  };
  append(node(table, "stem", "conv_bn", {}, {{"channels", options.channels}}));
  for (std::int64_t stage = 1, channels = options.channels; stage <= 3; ++stage, channels *= 2) {
    if (stage > 1) {
      append(node(table, "reduce" + std::to_string(stage - 1), "residual_block", {},
                  {{"channels", channels}, {"stride", std::int64_t{2}}, {"style", std::string("nas_bench_201")}}));
    }
    for (std::int64_t i = 0; i < options.cells; ++i) {
      Node instance;
      instance.name = "stage" + std::to_string(stage) + "." + std::to_string(i);
      instance.operation = "cell";
      instance.cell = cell;
      append(std::move(instance));
    }
  }
  append(node(table, "norm", "bn_relu", {}));
  append(node(table, "head", "classifier", {}, {{"features", options.classes}}));
  graph.output = static_cast<int>(graph.value_count()) - 1;
  return network;
}

}  // namespace netwright
