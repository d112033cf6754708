#include "netwright/space/canonical.h"

#include <array>

#include "netwright/space/canonical_function.h"
#include "netwright/space/canonical_terms.h"
#include "netwright/space/canonical_walk.h"

namespace netwright {

namespace {

constexpr std::size_t longest_text = 1 << 20;

int value_at(const std::vector<int>& values, int number) {
  return number < 0 ? -1 : values.at(static_cast<std::size_t>(number));
}

}  // namespace

std::string to_string(const GraphHash& hash) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[15 - i] = digits[(hash.high >> (4 * i)) & 15];
    text[31 - i] = digits[(hash.low >> (4 * i)) & 15];
  }
  return text;
}

GraphHash graph_hash(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table,
                     Equivalence level) {
  Labels labels(table);
  const Inferred& inferred = labels.inference().infer(graph, inputs);
  if (level == Equivalence::function) {
    Function function(inputs);
    const std::vector<int> values = walk(graph, inferred, function.inputs(), labels, function);
    const std::array results = {value_at(values, graph.output), value_at(values, graph.auxiliary_output)};
    return function.hash(results);
  }
  Terms terms(level);
  const std::vector<int> values = walk(graph, inferred, terms.inputs(inputs), labels, terms);
  GraphHash hash = terms.hash(value_at(values, graph.output));
  if (graph.auxiliary_output >= 0) hash = mixed(hash, terms.hash(value_at(values, graph.auxiliary_output)));
  return hash;
}

std::string canonical_hash(const Network& network, const OperationTable& table, Equivalence level) {
  return to_string(graph_hash(network.graph, {network.input}, table, level));
}

std::string canonical_text(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table,
                           Equivalence level) {
  Labels labels(table);
  const Inferred& inferred = labels.inference().infer(graph, inputs);
  if (level == Equivalence::function) {
    Function function(inputs);
    const std::vector<int> values = walk(graph, inferred, function.inputs(), labels, function);
    return function.text(value_at(values, graph.output), longest_text);
  }
  Terms terms(level);
  const std::vector<int> values = walk(graph, inferred, terms.inputs(inputs), labels, terms);
  return terms.text(value_at(values, graph.output), longest_text);
}

}  // namespace netwright
