#include "netwright/space/relaxation_fill.h"

#include <algorithm>
#include <utility>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

std::int64_t checked_count(const Value& value, const Element& element) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (integer != nullptr && *integer >= 0 && *integer <= max_repeat) return *integer;
  throw invalid(element.repeat.where(), "'repeat' of '" + element.name + "' is " + to_string(value),
                "it must be an integer between 0 and " + std::to_string(max_repeat));
}

std::string under(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

}  // namespace

Relaxation SearchSpace::relax(const RelaxationOptions& options) const {
  return Relaxer(*template_, *choices_, options).relax();
}

Relaxer::Relaxer(const SpaceTemplate& space, const std::vector<Choice>& choices, const RelaxationOptions& options)
    : space_(space), options_(options), values_(choices) {}

Relaxation Relaxer::relax() {
  if (space_.network.elements.empty()) {
    throw invalid({}, "a supernet needs a network, and the space has hyperparameters alone",
                  "add 'network: [elements]'");
  }
  for (const RecipeHole& hole : space_.recipe_holes) {
    for (const int choice : hole.value.choices()) {
      if (values_.is_open(choice)) throw values_.refused(choice, "it is one of the recipe");
    }
  }
  Scope scope(space_.network);
  scope.chain = &scope.own_chain;
  Graph graph = begin(space_.network, scope);
  scope.graph = &graph;
  graphs_.push_back(graph.name);
  for (const auto& element : space_.network.elements) fill(element, scope);
  if (scope.own_chain.empty()) {
    throw invalid(space_.network.elements.front().where, "the network has no element left",
                  "keep at least one element whose repeat is above 0");
  }
  graph.output = scope.own_chain.back();
  result_.network = {std::move(graph), space_.input, space_.classes};
  make_groups();
  return std::move(result_);
}

Graph Relaxer::begin(const GraphTemplate& pattern, Scope& scope) {
  Graph graph;
  graph.name = pattern.name;
  graph.inputs = pattern.inputs;
  scope.masks.resize(graph.inputs.size(), -1);
  return graph;
}

int Relaxer::add(Node node, int mask, Scope& scope) {
  scope.graph->nodes.push_back(std::move(node));
  scope.masks.push_back(mask);
  return static_cast<int>(scope.graph->value_count()) - 1;
}

// ---- rows and relaxed nodes ----

int Relaxer::row_of(int choice) {
  const auto found = choice_rows_.find(choice);
  if (found != choice_rows_.end()) return found->second;
  RelaxedRow row;
  row.name = values_.choice(choice).name;
  row.options = values_.options(choice);
  result_.rows.push_back(std::move(row));
  row_cells_.push_back(graphs_.back());
  return choice_rows_[choice] = static_cast<int>(result_.rows.size()) - 1;
}

std::vector<Factor> Relaxer::factors_of(const std::vector<int>& choices) {
  std::vector<Factor> factors;
  for (const int choice : choices) factors.push_back({row_of(choice), values_.option(choice)});
  return factors;
}

int Relaxer::add_mixed(MixedNode mixed, const std::string& name, const Location& where, Scope& scope) {
  Node node;
  node.name = name;
  node.operation = mixed_operation;
  node.parameters["number"] = static_cast<std::int64_t>(result_.mixed.size());
  for (const RelaxedOption& option : mixed.options) {
    for (const int input : option.node.inputs) {
      if (std::find(node.inputs.begin(), node.inputs.end(), input) == node.inputs.end()) node.inputs.push_back(input);
    }
  }
  node.where = where;
  result_.mixed.push_back(std::move(mixed));
  return add(std::move(node), -1, scope);
}

int Relaxer::add_mask(int value, int mask, const std::string& name, const Location& where, Scope& scope) {
  Node node;
  node.name = name + ".width";
  node.operation = mask_operation;
  node.parameters["number"] = static_cast<std::int64_t>(mask);
  node.inputs = {value};
  node.where = where;
  return add(std::move(node), mask, scope);
}

// One of several values, by a choice.
int Relaxer::select(const std::vector<int>& sources, int choice, const std::string& name, const Location& where,
                    Scope& scope) {
  MixedNode mixed;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i] < 0) throw values_.refused(choice, "with one of its values nothing is left at '" + name + "'");
    RelaxedOption option;
    option.node.name = std::to_string(i);
    option.node.operation = "identity";
    option.node.inputs = {sources[i]};
    option.node.where = where;
    option.factors = {{row_of(choice), static_cast<int>(i)}};
    mixed.options.push_back(std::move(option));
  }
  const int mask = scope.masks[static_cast<std::size_t>(sources.back())];
  const int value = add_mixed(std::move(mixed), name, where, scope);
  scope.masks.back() = mask;
  return value;
}

// Rows met in the same graph with the same options share a matrix.
void Relaxer::make_groups() {
  for (std::size_t i = 0; i < result_.rows.size(); ++i) {
    RelaxedRow& row = result_.rows[i];
    const std::string& cell = row_cells_[i];
    std::size_t of_cell = 0, group = 0;
    for (; group < result_.groups.size(); ++group) {
      const std::string& name = result_.groups[group].name;
      if (name != cell && !name.starts_with(cell + ".")) continue;
      if (result_.groups[group].options == row.options) break;
      ++of_cell;
    }
    if (group == result_.groups.size()) {
      const std::string name = of_cell == 0 ? cell : cell + "." + std::to_string(of_cell + 1);
      result_.groups.push_back({name, row.options, {}});
    }
    row.group = static_cast<int>(group);
    row.index = static_cast<int>(result_.groups[group].rows.size());
    result_.groups[group].rows.push_back(static_cast<int>(i));
  }
}

// ---- edges ----

int Relaxer::resolve(const Source& source, const Location& where, const Scope& scope) const {
  if (source.kind == Source::Kind::input) return source.number;
  if (source.kind == Source::Kind::before) {
    if (scope.chain->empty()) return 0;  // the chain's first element takes the network's input
    const auto back = std::min(static_cast<std::size_t>(source.number), scope.chain->size());
    return (*scope.chain)[scope.chain->size() - back];
  }
  const int value = scope.slots[static_cast<std::size_t>(source.number)];
  if (value >= 0) return value;
  throw invalid(where, "takes its input from an element that is left out (its repeat is 0)",
                "give that element one 'from', which then stands in for it");
}

int Relaxer::resolve(const Edge& edge, const std::string& name, Scope& scope) {
  if (edge.choice < 0) return resolve(edge.sources[0], edge.where, scope);
  std::vector<int> sources;
  for (const Value& option : values_.options(edge.choice)) {
    const auto found = std::find(edge.values.begin(), edge.values.end(), option);
    const auto at = static_cast<std::size_t>(found - edge.values.begin());
    sources.push_back(resolve(edge.sources[at], edge.where, scope));
  }
  if (!values_.is_open(edge.choice)) return sources.front();
  return select(sources, edge.choice, name + ".from", edge.where, scope);
}

// ---- elements ----

void Relaxer::fill(const Element& element, Scope& scope) {
  if (element.aside) return;
  int& slot = scope.slots[static_cast<std::size_t>(element.slot)];
  if (element.forms.empty()) {
    slot = -1;
    return;
  }
  const Form& first = element.forms.front();
  const std::string path = under(scope.prefix, element.name);
  slot = first.from.size() == 1 ? resolve(first.from[0], path, scope) : -1;
  OpenValue counts{{}, {std::int64_t{1}}};
  if (element.numbered) counts = values_.evaluate(element.repeat, scope.parameters);
  std::int64_t most = 0;
  for (const Value& count : counts.values) most = std::max(most, checked_count(count, element));

  std::vector<int> after{slot};  // the value after so many copies
  std::vector<int> block_chain{slot};
  std::vector<int>* const outer_chain = scope.chain;
  const bool own_chain = first.kind == Form::Kind::block && first.own_chain && outer_chain != nullptr;
  if (own_chain) scope.chain = &block_chain;
  for (std::int64_t copy = 0; copy < most; ++copy) {
    const Form& form = element.forms.size() == 1 ? first : element.forms[static_cast<std::size_t>(copy)];
    const std::string name = element.numbered ? element.name + "." + std::to_string(copy) : element.name;
    slot = fill(form, name, element, copy > 0 && element.follows, scope);
    if (form.kind != Form::Kind::block && outer_chain != nullptr) scope.chain->push_back(slot);
    after.push_back(slot);
  }
  if (own_chain) {
    outer_chain->insert(outer_chain->end(), block_chain.begin() + 1, block_chain.end());
    scope.chain = outer_chain;
  }
  if (!counts.choices.empty()) select_depth(element, counts, after, scope);
}

// An open number of copies: all of them run, and what each number of them ends in is an option.
void Relaxer::select_depth(const Element& element, const OpenValue& counts, const std::vector<int>& after,
                           Scope& scope) {
  if (counts.choices.size() > 1) throw values_.refused(counts.choices[1], "it decides a depth together with another");
  std::vector<int> sources;
  for (const Value& count : counts.values) {
    sources.push_back(after[static_cast<std::size_t>(std::get<std::int64_t>(count))]);
  }
  int& slot = scope.slots[static_cast<std::size_t>(element.slot)];
  slot = select(sources, counts.choices[0], under(scope.prefix, element.name) + ".repeat", element.where, scope);
  if (scope.chain != nullptr) scope.chain->push_back(slot);
}

int Relaxer::fill(const Form& form, const std::string& name, const Element& element, bool follow, Scope& scope) {
  const std::string path = under(scope.prefix, name);
  switch (form.kind) {
    case Form::Kind::operation:
    case Form::Kind::cell: {
      std::vector<int> inputs;
      if (follow) {
        inputs.push_back(scope.slots[static_cast<std::size_t>(element.slot)]);
      } else {
        for (const auto& edge : form.from) inputs.push_back(resolve(edge, path, scope));
      }
      return form.kind == Form::Kind::cell ? cell(form, path, inputs, element.where, scope)
                                           : operation(form, path, inputs, element.where, scope);
    }
    case Form::Kind::reference:
      return resolve(form.from[0], path, scope);
    case Form::Kind::sum:
    case Form::Kind::concat:
      return merge(form, name, element, scope);
    case Form::Kind::chosen_sum:
      return chosen_sum(form.chosen, path, element.where, scope);
    case Form::Kind::block:
      return block(form, name, element, scope);
  }
  return -1;
}

int Relaxer::block(const Form& form, const std::string& name, const Element& element, Scope& scope) {
  std::string outer = std::exchange(scope.prefix, under(scope.prefix, name));
  for (const auto& member : form.members) fill(member, scope);
  scope.prefix = std::move(outer);
  if (scope.chain != nullptr) {
    return scope.chain->empty() ? scope.slots[static_cast<std::size_t>(element.slot)] : scope.chain->back();
  }
  return resolve(form.result, under(scope.prefix, name), scope);
}

int Relaxer::merge(const Form& form, const std::string& name, const Element& element, Scope& scope) {
  const bool sum = form.kind == Form::Kind::sum;
  Node node;
  node.name = under(scope.prefix, name);
  node.operation = sum ? "add" : "concat";
  node.parameters = space_.table.find(node.operation)->defaults;
  node.where = element.where;
  std::string outer = std::exchange(scope.prefix, node.name);
  for (const auto& member : form.members) {
    const std::size_t links = scope.chain != nullptr ? scope.chain->size() : 0;
    fill(member, scope);
    if (scope.chain != nullptr) scope.chain->resize(links);  // a term is no link of the chain
    node.inputs.push_back(scope.slots[static_cast<std::size_t>(member.slot)]);
  }
  scope.prefix = std::move(outer);
  const int mask = sum ? scope.masks[static_cast<std::size_t>(node.inputs.front())] : -1;
  return add(std::move(node), mask, scope);
}

}  // namespace netwright
