#include "netwright/space/canonical_walk.h"

#include <bit>

namespace netwright {

namespace {

GraphHash mixed_value(GraphHash hash, const Value& value) {
  hash = mixed(hash, static_cast<std::uint64_t>(value.index()));
  if (const auto* boolean = std::get_if<bool>(&value)) return mixed(hash, std::uint64_t{*boolean});
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return mixed(hash, static_cast<std::uint64_t>(*integer));
  if (const auto* real = std::get_if<double>(&value)) {
    return mixed(hash, std::bit_cast<std::uint64_t>(*real == 0 ? 0.0 : *real));  // -0.0 equals 0.0
  }
  return mixed(hash, std::string_view(std::get<std::string>(value)));
}

bool stands_for_input(const std::string& name, const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number && *number == 0 && (name == "channels" || name == "features");
}

}  // namespace

Value effective(const std::string& name, const Value& value, std::int64_t input_channels) {
  return stands_for_input(name, value) ? Value(input_channels) : value;
}

int compare(const NodeLabel& a, const NodeLabel& b) {
  if (const int order = a.base->compare(*b.base); order != 0) return order;
  auto x = a.node->parameters.begin(), y = b.node->parameters.begin();
  for (; x != a.node->parameters.end() && y != b.node->parameters.end(); ++x, ++y) {
    const Value u = effective(x->first, x->second, a.channels), v = effective(y->first, y->second, b.channels);
    if (u != v) return u < v ? -1 : 1;
  }
  return 0;
}

std::string text_of(const NodeLabel& label) {
  std::string parameters;
  for (const auto& [name, value] : label.row->defaults) {
    const Value own = effective(name, label.node->parameters.at(name), label.channels);
    if (own == effective(name, value, label.channels)) continue;
    parameters += (parameters.empty() ? "" : ",") + name + "=" + to_string(own);
  }
  return parameters.empty() ? label.node->operation : label.node->operation + "[" + parameters + "]";
}

const std::vector<NodeLabel>& Labels::of(const Graph& graph, const Inferred& inferred) {
  const auto [found, is_new] = known_.try_emplace(&inferred);
  if (is_new) {
    found->second.reserve(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) found->second.push_back(label(graph, inferred, i));
  }
  return found->second;
}

NodeLabel Labels::label(const Graph& graph, const Inferred& inferred, std::size_t index) const {
  const Node& node = graph.nodes[index];
  const Inferred::Step& step = inferred.steps[index];
  NodeLabel label;
  label.node = &node;
  label.row = step.row;
  label.shape = inferred.shapes[graph.inputs.size() + index];
  if (node.cell) {
    label.kind = NodeLabel::Kind::cell;
    return label;
  }
  label.base = &table_.base_of(node.operation);
  const Shape in = node.inputs.empty() ? Shape{} : inferred.shapes[static_cast<std::size_t>(node.inputs[0])];
  label.channels = in.channels;
  label.weights = step.cost.parameters > 0;
  label.keeps_zero = step.row->keeps_zero && step.row->keeps_zero(node.parameters);
  if (*label.base == "add") {
    label.kind = NodeLabel::Kind::sum;
  } else if (*label.base == "concat") {
    label.kind = NodeLabel::Kind::concat;
  } else if (step.row->zero) {
    label.kind = NodeLabel::Kind::zero;
  } else if (step.row->identity && in == label.shape) {
    label.kind = NodeLabel::Kind::pass;
  }
  label.hash = mixed(GraphHash{}, std::string_view(*label.base));
  for (const auto& [name, value] : node.parameters) {
    label.hash = mixed(label.hash, std::string_view(name));
    label.hash =
        stands_for_input(name, value) ? mixed_value(label.hash, Value(in.channels)) : mixed_value(label.hash, value);
  }
  return label;
}

}  // namespace netwright
