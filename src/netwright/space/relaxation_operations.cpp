// Operations, chosen sums and cells of a relaxation.
#include <algorithm>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/relaxation_fill.h"

namespace netwright {
namespace {

bool is_width(const std::string& parameter) {
  return parameter == "channels" || parameter == "features";
}

}  // namespace

Relaxer::Dependence Relaxer::dependence(const Operation& row, const std::vector<Argument>& arguments,
                                        const Scope& scope) {
  Dependence found;
  for (const Argument& argument : arguments) {
    if (row.defaults.count(argument.name) == 0) continue;
    OpenValue value = values_.evaluate(argument.value, scope.parameters);
    if (value.choices.empty()) continue;
    if (is_width(argument.name)) {
      if (value.choices.size() > 1) throw values_.refused(value.choices[1], "it decides a width together with another");
      found.width = std::move(value);
      continue;
    }
    for (const int choice : value.choices) {
      const bool known = std::find(found.choices.begin(), found.choices.end(), choice) != found.choices.end();
      if (!known) found.choices.push_back(choice);
    }
  }
  for (const int choice : found.width.choices) {
    if (std::find(found.choices.begin(), found.choices.end(), choice) != found.choices.end()) {
      throw values_.refused(choice, "it decides a width and something else of the same operation");
    }
  }
  return found;
}

// The operation for the choices as they are set now, as wide as it can become.
Node Relaxer::concrete(const std::string& operation_name, const std::vector<Argument>& arguments, const Location& where,
                       const Scope& scope) {
  Node node;
  node.operation = operation_name;
  node.where = where;
  node.parameters = space_.table.find(operation_name)->defaults;
  for (const Argument& argument : arguments) {
    const auto found = node.parameters.find(argument.name);
    if (found == node.parameters.end()) continue;  // of another option of the operation's choice
    const OpenValue value = values_.evaluate(argument.value, scope.parameters);
    if (value.values.empty()) continue;  // the default, as long as its choice is not active
    Value given = value.values.front();
    if (is_width(argument.name)) given = *std::max_element(value.values.begin(), value.values.end());
    found->second = checked_parameter("operation '" + operation_name + "'", argument.name, found->second, given,
                                      argument.value.where());
  }
  const auto features = node.parameters.find("features");
  if (space_.table.base_of(operation_name) == "classifier" && features->second == Value(std::int64_t{0})) {
    features->second = space_.classes;
  }
  if (scope.in_cell && !options_.affine && node.parameters.count("affine") > 0) node.parameters["affine"] = false;
  if (const auto own = space_.own_operations.find(operation_name); own != space_.own_operations.end()) {
    node.operation = own->second;
  }
  return node;
}

int Relaxer::operation(const Form& form, const std::string& name, const std::vector<int>& inputs, const Location& where,
                       Scope& scope) {
  const OpenValue target = values_.evaluate(form.target, scope.parameters);
  if (target.values.empty()) {
    throw invalid(where, "an operation depends on a choice that is not active here", "give that choice no 'when'");
  }
  MixedNode mixed;
  OpenValue width;
  values_.for_each(target.choices, [&] {
    const std::string operation_name = known_operation(values_.at(target), where);
    const Dependence open = dependence(*space_.table.find(operation_name), form.arguments, scope);
    if (!open.width.choices.empty()) width = open.width;
    values_.for_each(open.choices, [&] {
      RelaxedOption option;
      option.node = concrete(operation_name, form.arguments, where, scope);
      option.node.inputs = inputs;
      option.node.name = option_name(operation_name, open.choices);
      std::vector<int> choices = target.choices;
      choices.insert(choices.end(), open.choices.begin(), open.choices.end());
      option.factors = factors_of(choices);
      mixed.options.push_back(std::move(option));
    });
  });
  const Node first = mixed.options.front().node;
  if (!mixed.options.front().factors.empty()) {
    add_mixed(std::move(mixed), name, where, scope);
  } else {
    Node node = first;
    node.name = name;
    add(std::move(node), -1, scope);
  }
  return masked(static_cast<int>(scope.graph->value_count()) - 1, width, first, name, scope);
}

// The value masked by its own width where that is open, else as its input was, where it keeps the channels.
int Relaxer::masked(int value, const OpenValue& width, const Node& node, const std::string& name, Scope& scope) {
  if (!width.choices.empty()) {
    WidthMask mask{row_of(width.choices[0]), {}};
    for (const Value& option : width.values) mask.widths.push_back(std::get<std::int64_t>(option));
    result_.masks.push_back(std::move(mask));
    return add_mask(value, static_cast<int>(result_.masks.size()) - 1, name, node.where, scope);
  }
  const std::string& base = space_.table.base_of(node.operation);
  const bool new_channels = base == "flatten" || base == "concat" || node.inputs.empty() ||
                            integer_of(node.parameters, "channels", 0) != 0 ||
                            integer_of(node.parameters, "features", 0) != 0;
  const int mask = new_channels ? -1 : scope.masks[static_cast<std::size_t>(node.inputs.front())];
  return mask < 0 ? value : add_mask(value, mask, name, node.where, scope);
}

std::string Relaxer::known_operation(const Value& value, const Location& where) const {
  const auto* text = std::get_if<std::string>(&value);
  const std::string name = text != nullptr ? *text : to_string(value);
  if (space_.table.find(name) != nullptr) return name;
  throw invalid(where, "unknown operation '" + name + "'", suggest(name, space_.table.names()));
}

// "inverted_residual-5-4"; names of modules hold no dots.
std::string Relaxer::option_name(const std::string& operation_name, const std::vector<int>& choices) const {
  std::string name = operation_name;
  for (const int choice : choices) {
    name += "-" + to_string(values_.options(choice)[static_cast<std::size_t>(values_.option(choice))]);
  }
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// ---- sums over chosen edges ----

RelaxedSum Relaxer::describe(const ChosenSum& chosen, const std::string& name, const Scope& scope) const {
  RelaxedSum sum;
  sum.name = name;
  sum.cell = scope.graph->name;
  const bool open = chosen.choice >= 0 && values_.is_open(chosen.choice);
  if (open) sum.inputs = values_.choice(chosen.choice).name;
  const auto options_of = [&](int choice) { return choice < 0 ? std::vector<Value>() : values_.options(choice); };
  const std::vector<Value> options = options_of(chosen.picks.front().operation.choice());
  for (const Pick& pick : chosen.picks) {
    const int choice = pick.operation.choice();
    const std::vector<int> needed = pick.operation.choices();
    if (choice < 0 && !needed.empty()) throw values_.refused(needed[0], "an edge's operation is worked out from it");
    if (open && options_of(choice) != options) {
      throw values_.refused(chosen.choice, "an edge's operation is decided, but not which edge");
    }
    const std::string word = choice < 0 ? "" : values_.choice(choice).name;
    const bool shared = std::find(sum.operations.begin(), sum.operations.end(), word) != sum.operations.end();
    if (shared && choice >= 0) throw values_.refused(choice, "several chosen edges share it");
    sum.operations.push_back(word);
  }
  return sum;
}

int Relaxer::chosen_sum(const ChosenSum& chosen, const std::string& name, const Location& where, Scope& scope) {
  std::vector<int> edges = chosen.combinations.front();
  const bool open = chosen.choice >= 0 && values_.is_open(chosen.choice);
  if (open) {
    edges.clear();
    for (std::size_t i = 0; i < chosen.names.size(); ++i) edges.push_back(static_cast<int>(i));
  } else if (chosen.choice >= 0) {
    const Value& fixed = values_.options(chosen.choice).front();
    const auto found = std::find(chosen.options.begin(), chosen.options.end(), fixed);
    edges = chosen.combinations[static_cast<std::size_t>(found - chosen.options.begin())];
  }
  const std::string full = scope.in_cell ? scope.graph->name + "." + name : name;
  const bool fresh = sums_.count(full) == 0;
  if (fresh) {
    sums_[full] = static_cast<int>(result_.sums.size());
    result_.sums.push_back(describe(chosen, full, scope));
  }
  const int number = sums_[full];
  Node node;
  node.name = name;
  node.operation = "add";
  node.parameters = space_.table.find("add")->defaults;
  node.where = where;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const auto candidate = static_cast<std::size_t>(edges[i]);
    const Pick& pick = open ? chosen.picks.front() : chosen.picks[i];
    RelaxedSum& sum = result_.sums[static_cast<std::size_t>(number)];
    if (fresh) {
      sum.edges.push_back(chosen.names[candidate]);
      sum.rows.push_back(-1);
    }
    node.inputs.push_back(chosen_edge(chosen, number, candidate, pick, where, scope));
  }
  return add(std::move(node), -1, scope);
}

int Relaxer::chosen_edge(const ChosenSum& chosen, int sum_number, std::size_t candidate, const Pick& pick,
                         const Location& where, Scope& scope) {
  const std::string& edge_name = chosen.names[candidate];
  const auto sum = [&]() -> RelaxedSum& { return result_.sums[static_cast<std::size_t>(sum_number)]; };
  const auto found = std::find(sum().edges.begin(), sum().edges.end(), edge_name);
  const auto edge = static_cast<std::size_t>(found - sum().edges.begin());
  const std::vector<Argument>& arguments = pick.arguments[candidate];
  const int source = resolve(chosen.candidates[candidate], sum().name, scope);

  const OpenValue target = values_.evaluate(pick.operation, scope.parameters);
  std::vector<Value> operations = target.values;
  const bool with_none =
      options_.none && (operations.size() > 1 || !sum().inputs.empty()) &&
      std::find(operations.begin(), operations.end(), Value(std::string("none"))) == operations.end();
  if (with_none) operations.insert(operations.begin(), std::string("none"));
  if (sum().rows[edge] < 0 && operations.size() > 1) {
    RelaxedRow row;
    row.name = sum().name + "." + edge_name;
    row.options = operations;
    row.is_choice = false;
    row.sum = sum_number;
    row.edge = static_cast<int>(edge);
    sum().rows[edge] = static_cast<int>(result_.rows.size());
    result_.rows.push_back(std::move(row));
    row_cells_.push_back(graphs_.back());
  }
  MixedNode mixed{{}, sum_number, static_cast<int>(edge)};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::string operation_name = known_operation(operations[i], where);
    const Dependence open = dependence(*space_.table.find(operation_name), arguments, scope);
    for (const int choice : open.choices) throw values_.refused(choice, "it is a parameter of a chosen edge");
    for (const int choice : open.width.choices) throw values_.refused(choice, "it is the width of a chosen edge");
    RelaxedOption option;
    option.node = concrete(operation_name, arguments, where, scope);
    if (options_.pool_norm && option.node.parameters.count("norm") > 0 &&
        space_.table.base_of(operation_name).ends_with("_pool")) {
      option.node.parameters["norm"] = true;
    }
    option.node.name = operation_name;
    option.node.inputs = {source};
    if (sum().rows[edge] >= 0) option.factors = {{sum().rows[edge], static_cast<int>(i)}};
    mixed.options.push_back(std::move(option));
  }
  const std::string name = sum().name.substr(scope.in_cell ? scope.graph->name.size() + 1 : 0) + "." + edge_name;
  return add_mixed(std::move(mixed), name, where, scope);
}

// ---- cells ----

int Relaxer::cell(const Form& form, const std::string& name, const std::vector<int>& inputs, const Location& where,
                  Scope& scope) {
  const OpenValue target = values_.evaluate(form.target, scope.parameters);
  if (target.values.empty()) {
    throw invalid(where, "a cell depends on a choice that is not active here", "give that choice no 'when'");
  }
  MixedNode mixed;
  int mask = -1;
  values_.for_each(target.choices, [&] {
    const Value& value = values_.at(target);
    const auto* text = std::get_if<std::string>(&value);
    const auto found = text != nullptr ? space_.cells.find(*text) : space_.cells.end();
    if (found == space_.cells.end()) {
      throw invalid(form.target.where(), "unknown cell '" + to_string(value) + "'", "define it under 'cells'");
    }
    const CellInstance& made = instance(found->second, form, inputs, scope);
    mask = made.output_mask;
    RelaxedOption option;
    option.node.name = found->first;
    option.node.operation = "cell";
    option.node.cell = made.graph;
    option.node.inputs = inputs;
    option.node.where = where;
    option.factors = factors_of(target.choices);
    mixed.options.push_back(std::move(option));
  });
  if (target.choices.empty()) {
    Node node = std::move(mixed.options.front().node);
    node.name = name;
    return add(std::move(node), mask, scope);
  }
  return add_mixed(std::move(mixed), name, where, scope);
}

const Relaxer::CellInstance& Relaxer::instance(const CellTemplate& cell, const Form& form,
                                               const std::vector<int>& inputs, const Scope& outer) {
  CellInstance made;
  for (std::size_t i = 0; i < cell.parameters.size(); ++i) {
    OpenValue value = values_.evaluate(cell.defaults[i], outer.parameters);
    for (const auto& argument : form.arguments) {
      if (argument.name != cell.parameters[i]) continue;
      OpenValue given = values_.evaluate(argument.value, outer.parameters);
      if (given.values.empty()) continue;
      for (Value& each : given.values) {
        each = checked_parameter("cell '" + cell.graph.name + "'", argument.name, value.values.front(), each,
                                 argument.value.where());
      }
      value = std::move(given);
    }
    made.parameters.push_back(std::move(value));
  }
  for (const int input : inputs) made.masks.push_back(outer.masks[static_cast<std::size_t>(input)]);
  for (const CellInstance& known : cells_[&cell]) {
    if (known.parameters == made.parameters && known.masks == made.masks) return known;
  }
  Scope scope(cell.graph);
  scope.parameters = made.parameters;
  scope.masks = made.masks;
  scope.in_cell = true;
  auto graph = std::make_shared<Graph>(begin(cell.graph, scope));
  scope.graph = graph.get();
  graphs_.push_back(cell.graph.name);
  for (const auto& element : cell.graph.elements) fill(element, scope);
  graph->output = resolve(cell.graph.output, "output", scope);
  graphs_.pop_back();
  made.graph = graph;
  made.output_mask = scope.masks[static_cast<std::size_t>(graph->output)];
  cells_[&cell].push_back(std::move(made));
  return cells_[&cell].back();
}

}  // namespace netwright
