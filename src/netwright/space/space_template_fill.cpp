// From a template and values to a network: plain walking, copies unrolled, cells of equal parameters shared.
#include <algorithm>
#include <utility>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template.h"

namespace netwright {
namespace {

// A mistake that only shows for some values.
Error inactive(const Location& where, const std::string& what) {
  return invalid(where, what + " depends on a choice that is not active here",
                 "give that choice no 'when', or use it only where it is active");
}

Error too_large(const Location& where) {
  return invalid(where, "the network has more than " + std::to_string(max_nodes) + " nodes",
                 "repeat its elements and cells less often");
}

// Nodes of a graph with those of its cells; `known` has the cells counted already.
std::int64_t expanded_nodes(const Graph& graph, std::map<const Graph*, std::int64_t>& known) {
  std::int64_t nodes = 0;
  for (const Node& node : graph.nodes) {
    if (node.cell == nullptr) {
      ++nodes;
    } else {
      const auto found = known.find(node.cell.get());
      nodes += found != known.end() ? found->second : known[node.cell.get()] = expanded_nodes(*node.cell, known);
    }
    if (nodes > max_nodes) return max_nodes + 1;
  }
  return nodes;
}

class Filler {
 public:
  Filler(const SpaceTemplate& space, const std::vector<Choice>& choices, const std::vector<const Value*>& values)
      : space_(space), choices_(choices), values_(values) {}

  Graph network() {
    Scope scope(space_.network);
    scope.chain = &scope.own_chain;
    Graph graph = begin(space_.network);
    scope.graph = &graph;
    for (const auto& element : space_.network.elements) fill(element, scope);
    if (scope.own_chain.empty()) {
      throw invalid(space_.network.elements.front().where, "the network has no element left",
                    "keep at least one element whose repeat is above 0");
    }
    std::map<const Graph*, std::int64_t> counted;
    if (expanded_nodes(graph, counted) > max_nodes) throw too_large(space_.network.elements.front().where);
    graph.output = scope.own_chain.back();
    if (space_.auxiliary_slot >= 0) {
      graph.auxiliary_output = scope.slots[static_cast<std::size_t>(space_.auxiliary_slot)];
    }
    return graph;
  }

 private:
  // A graph being filled.
  struct Scope {
    explicit Scope(const GraphTemplate& pattern) : slots(static_cast<std::size_t>(pattern.slots), -1) {}
    Graph* graph = nullptr;
    std::vector<int> slots;  // value number of each element's latest copy; -1: none
    std::vector<int> own_chain;
    std::vector<int>* chain = nullptr;  // values of the elements so far, in a network; null in a cell
    std::vector<Value> parameters;      // of the cell instance
    std::string prefix;                 // names of the blocks around
  };

  static Graph begin(const GraphTemplate& pattern) {
    Graph graph;
    graph.name = pattern.name;
    graph.inputs = pattern.inputs;
    graph.nodes.reserve(pattern.elements.size() * 2);
    return graph;
  }

  Environment environment(const Scope& scope) const { return {&values_, &scope.parameters}; }

  Value must(const Expression& expression, const Scope& scope, const char* what) const {
    auto value = expression.evaluate(environment(scope));
    if (!value) throw inactive(expression.where(), what);
    return std::move(*value);
  }

  std::string text(const Expression& expression, const Scope& scope, const char* what) const {
    Value value = must(expression, scope, what);
    if (auto* name = std::get_if<std::string>(&value)) return std::move(*name);
    throw invalid(expression.where(), std::string(what) + " is " + to_string(value) + ", not a name",
                  "give the name of a row of the table or of a cell");
  }

  static std::string full_name(const Scope& scope, const std::string& name) {
    return scope.prefix.empty() ? name : scope.prefix + "." + name;
  }

  // ---- edges ----

  int resolve(const Source& source, const Location& where, const Scope& scope) const {
    switch (source.kind) {
      case Source::Kind::input:
        return source.number;
      case Source::Kind::element: {
        const int value = scope.slots[static_cast<std::size_t>(source.number)];
        if (value < 0) {
          throw invalid(where, "takes its input from an element that is left out (its repeat is 0)",
                        "give that element one 'from', which then stands in for it");
        }
        return value;
      }
      case Source::Kind::before: {
        if (scope.chain->empty()) return 0;  // the chain's first element takes the network's input
        const auto back = std::min(static_cast<std::size_t>(source.number), scope.chain->size());
        return (*scope.chain)[scope.chain->size() - back];
      }
    }
    return 0;
  }

  int resolve(const Edge& edge, const Scope& scope) const {
    if (edge.choice < 0) return resolve(edge.sources[0], edge.where, scope);
    const Value* value = values_[static_cast<std::size_t>(edge.choice)];
    if (value == nullptr) throw inactive(edge.where, "the source of an edge");
    const auto found = std::find(edge.values.begin(), edge.values.end(), *value);
    return resolve(edge.sources[static_cast<std::size_t>(found - edge.values.begin())], edge.where, scope);
  }

  bool is_known(const Edge& edge) const {
    return edge.choice < 0 || values_[static_cast<std::size_t>(edge.choice)] != nullptr;
  }

  // ---- elements ----

  void fill(const Element& element, Scope& scope) {
    const std::int64_t copies = element.numbered ? count(element, scope) : 1;
    int& slot = scope.slots[static_cast<std::size_t>(element.slot)];
    if (element.forms.empty()) {  // repeat: 0 in the file
      slot = -1;
      return;
    }
    // What stands for the element before its first copy, and instead of it when it is left out.
    const Form& first = element.forms.front();
    slot = first.from.size() == 1 && is_known(first.from[0]) ? resolve(first.from[0], scope) : -1;

    std::vector<int> block_chain{slot};
    std::vector<int>* const outer_chain = scope.chain;
    const bool own_chain = first.kind == Form::Kind::block && first.own_chain && outer_chain != nullptr;
    if (own_chain) scope.chain = &block_chain;
    for (std::int64_t copy = 0; copy < copies; ++copy) {
      if (++copies_ > max_nodes) throw too_large(element.where);
      const Form& form = element.forms.size() == 1 ? first : element.forms[static_cast<std::size_t>(copy)];
      std::string name = element.name;
      if (element.numbered) name += "." + std::to_string(copy);
      slot = fill(form, name, element, copy > 0 && element.follows, scope);
      if (form.kind != Form::Kind::block && outer_chain != nullptr && !element.aside) scope.chain->push_back(slot);
    }
    if (own_chain) {
      outer_chain->insert(outer_chain->end(), block_chain.begin() + 1, block_chain.end());
      scope.chain = outer_chain;
    }
  }

  std::int64_t count(const Element& element, const Scope& scope) const {
    const Value value = must(element.repeat, scope, "repeat");
    const auto* integer = std::get_if<std::int64_t>(&value);
    if (integer == nullptr || *integer < 0 || *integer > max_repeat) {
      throw invalid(element.repeat.where(), "'repeat' of '" + element.name + "' is " + to_string(value),
                    "it must be an integer between 0 and " + std::to_string(max_repeat));
    }
    return *integer;
  }

  int fill(const Form& form, const std::string& name, const Element& element, bool follow, Scope& scope) {
    switch (form.kind) {
      case Form::Kind::operation:
      case Form::Kind::cell: {
        std::vector<int> inputs;
        inputs.reserve(form.from.size());
        if (follow) {
          inputs.push_back(scope.slots[static_cast<std::size_t>(element.slot)]);
        } else {
          for (const auto& edge : form.from) inputs.push_back(resolve(edge, scope));
        }
        Node node = form.kind == Form::Kind::cell ? instance(form, scope)
                                                  : operation(form.target, form.arguments, element.where, scope);
        node.name = full_name(scope, name);
        node.inputs = std::move(inputs);
        node.where = element.where;
        return add(std::move(node), scope);
      }
      case Form::Kind::reference:
        return resolve(form.from[0], scope);
      case Form::Kind::sum:
      case Form::Kind::concat:
        return merge(form, name, element, scope);
      case Form::Kind::chosen_sum:
        return chosen_sum(form.chosen, name, element, scope);
      case Form::Kind::block:
        return block(form, name, element, scope);
    }
    return -1;
  }

  static int add(Node node, Scope& scope) {
    scope.graph->nodes.push_back(std::move(node));
    return static_cast<int>(scope.graph->value_count()) - 1;
  }

  static std::string enter(Scope& scope, const std::string& name) {
    return std::exchange(scope.prefix, full_name(scope, name));
  }

  int block(const Form& form, const std::string& name, const Element& element, Scope& scope) {
    std::string outer = enter(scope, name);
    for (const auto& member : form.members) fill(member, scope);
    scope.prefix = std::move(outer);
    if (scope.chain != nullptr) {
      return scope.chain->empty() ? scope.slots[static_cast<std::size_t>(element.slot)] : scope.chain->back();
    }
    return resolve(form.result, scope);
  }

  int merge(const Form& form, const std::string& name, const Element& element, Scope& scope) {
    Node node = combining(form.kind == Form::Kind::concat ? "concat" : "add", name, element, scope);
    std::string outer = enter(scope, name);
    for (const auto& member : form.members) {
      const std::size_t links = scope.chain != nullptr ? scope.chain->size() : 0;
      fill(member, scope);
      if (scope.chain != nullptr) scope.chain->resize(links);  // a term is no link of the chain
      node.inputs.push_back(scope.slots[static_cast<std::size_t>(member.slot)]);
    }
    scope.prefix = std::move(outer);
    return add(std::move(node), scope);
  }

  Node combining(const char* operation_name, const std::string& name, const Element& element,
                 const Scope& scope) const {
    Node node;
    node.name = full_name(scope, name);
    node.operation = operation_name;
    node.parameters = space_.table.find(operation_name)->defaults;
    node.where = element.where;
    return node;
  }

  int chosen_sum(const ChosenSum& chosen, const std::string& name, const Element& element, Scope& scope) {
    std::size_t option = 0;
    if (chosen.choice >= 0) {
      const Value* value = values_[static_cast<std::size_t>(chosen.choice)];
      if (value == nullptr) throw inactive(element.where, "'" + name + "'");
      option = static_cast<std::size_t>(std::find(chosen.options.begin(), chosen.options.end(), *value) -
                                        chosen.options.begin());
    }
    Node sum = combining("add", name, element, scope);
    const auto& combination = chosen.combinations[option];
    for (std::size_t i = 0; i < combination.size(); ++i) {
      const auto candidate = static_cast<std::size_t>(combination[i]);
      const Pick& pick = chosen.picks[i];
      Node node = operation(pick.operation, pick.arguments[candidate], element.where, scope);
      node.name = sum.name + "." + chosen.names[candidate];
      node.inputs = {resolve(chosen.candidates[candidate], scope)};
      node.where = element.where;
      sum.inputs.push_back(add(std::move(node), scope));
    }
    return add(std::move(sum), scope);
  }

  // ---- operations and cells ----

  Node operation(const Expression& target, const std::vector<Argument>& arguments, const Location& where,
                 const Scope& scope) const {
    Node node;
    node.operation = text(target, scope, "an operation");
    if (target.choice() >= 0) node.decided_by = choices_[static_cast<std::size_t>(target.choice())].name;
    const Operation* row = space_.table.find(node.operation);
    if (row == nullptr) {
      throw invalid(where, "unknown operation '" + node.operation + "'", suggest(node.operation, space_.table.names()));
    }
    node.parameters = row->defaults;
    for (const auto& argument : arguments) {
      const auto found = node.parameters.find(argument.name);
      if (found == node.parameters.end()) continue;  // of another option of the operation's choice
      const auto value = argument.value.evaluate(environment(scope));
      if (!value) continue;  // the default, as long as its choice is not active
      found->second = checked_parameter("operation '" + node.operation + "'", argument.name, found->second, *value,
                                        argument.value.where());
    }
    const std::string& base = space_.table.base_of(node.operation);
    if (base == "classifier" || base == "auxiliary_classifier") {
      const auto features = node.parameters.find("features");
      if (features == node.parameters.end() || features->second == Value(std::int64_t{0})) {
        node.parameters["features"] = space_.classes;
      }
    }
    // Whoever reads the network knows the standard table only.
    if (const auto own = space_.own_operations.find(node.operation); own != space_.own_operations.end()) {
      node.operation = own->second;
    }
    return node;
  }

  Node instance(const Form& form, const Scope& scope) {
    const std::string name = text(form.target, scope, "a cell");
    const auto found = space_.cells.find(name);
    if (found == space_.cells.end()) {
      throw invalid(form.target.where(), "unknown cell '" + name + "'", "define it under 'cells'");
    }
    const CellTemplate& cell = found->second;
    std::vector<Value> parameters;
    Node node;
    node.operation = "cell";
    if (form.target.choice() >= 0) node.decided_by = choices_[static_cast<std::size_t>(form.target.choice())].name;
    for (std::size_t i = 0; i < cell.parameters.size(); ++i) {
      Value value = must(cell.defaults[i], scope, "a cell's parameter");
      for (const auto& argument : form.arguments) {
        if (argument.name != cell.parameters[i]) continue;
        const auto given = argument.value.evaluate(environment(scope));
        if (given)
          value = checked_parameter("cell '" + name + "'", argument.name, value, *given, argument.value.where());
      }
      node.parameters[cell.parameters[i]] = value;
      parameters.push_back(std::move(value));
    }
    node.cell = shared_cell(cell, std::move(parameters));
    return node;
  }

  std::shared_ptr<const Graph> shared_cell(const CellTemplate& cell, std::vector<Value> parameters) {
    auto& known = cells_[&cell];
    for (const auto& [arguments, graph] : known) {
      if (arguments == parameters) return graph;
    }
    Scope scope(cell.graph);
    scope.parameters = parameters;
    auto graph = std::make_shared<Graph>(begin(cell.graph));
    scope.graph = graph.get();
    for (const auto& element : cell.graph.elements) fill(element, scope);
    graph->output = resolve(cell.graph.output, scope);
    cells_[&cell].emplace_back(std::move(parameters), graph);
    return graph;
  }

  const SpaceTemplate& space_;
  const std::vector<Choice>& choices_;
  const std::vector<const Value*>& values_;
  std::int64_t copies_ = 0;  // made so far
  std::map<const CellTemplate*, std::vector<std::pair<std::vector<Value>, std::shared_ptr<const Graph>>>> cells_;
};

}  // namespace

Network fill_network(const SpaceTemplate& space, const std::vector<Choice>& choices,
                     const std::vector<const Value*>& values) {
  Network network;
  network.input = space.input;
  network.classes = space.classes;
  if (!space.network.elements.empty()) network.graph = Filler(space, choices, values).network();
  return network;
}

Recipe fill_recipe(const SpaceTemplate& space, const std::vector<const Value*>& values) {
  if (space.recipe_holes.empty()) return space.recipe;
  Yaml filled;
  filled.kind = Yaml::Kind::mapping;
  for (const auto& hole : space.recipe_holes) {
    const auto value = hole.value.evaluate({&values, nullptr});
    if (!value) continue;  // the default, as long as its choice is not active
    Yaml* node = &filled;
    for (const auto& key : hole.path) {
      if (node->find(key) == nullptr) {
        Yaml inner;
        inner.where = hole.where;
        node->set(key, std::move(inner));
      }
      node = const_cast<Yaml*>(node->find(key));
    }
    *node = to_yaml(*value);
    node->where = hole.value.where();
  }
  return parse_recipe(filled, space.recipe);
}

}  // namespace netwright
