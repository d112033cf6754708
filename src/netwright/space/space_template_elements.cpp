// Reading of elements: the bodies of cells, of blocks and of the network.
#include <algorithm>
#include <numeric>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template_reader.h"

namespace netwright {
namespace {

constexpr std::int64_t max_copies = 10'000;
constexpr std::size_t max_combinations = 10'000;
constexpr const char* kinds = "op, cell, sum, concat and block";

bool is_hole(const Yaml& node) {
  return node.find("choice") != nullptr || node.find("integer") != nullptr || node.find("real") != nullptr;
}

bool is_reserved(const std::string& key) {
  static const std::vector<std::string> words = {"name", "from", "repeat", "op", "cell", "sum", "concat", "block"};
  return std::find(words.begin(), words.end(), key) != words.end();
}

// The key that says what the element is.
const YamlEntry& kind_of(const Yaml& node) {
  if (!node.is_mapping()) {
    throw invalid(node.where, "an element must be a mapping", "write {op: conv_bn, channels: 16}, for example");
  }
  const YamlEntry* found = nullptr;
  for (const auto& entry : node.entries) {
    if (entry.key != "op" && entry.key != "cell" && entry.key != "sum" && entry.key != "concat" && entry.key != "block")
      continue;
    if (found != nullptr) {
      throw invalid(entry.where, "an element with both '" + found->key + "' and '" + entry.key + "'",
                    std::string("give it exactly one of ") + kinds);
    }
    found = &entry;
  }
  if (found != nullptr && !found->value.is_null()) return *found;
  std::vector<std::string> keys;
  for (const auto& entry : node.entries) keys.push_back(entry.key);
  throw invalid(node.where, "an element without a kind (it has " + (keys.empty() ? "nothing" : join(keys, ", ")) + ")",
                std::string("give it exactly one of ") + kinds);
}

// The name given, or what the element is, numbered where that is taken.
std::string name_of(const Yaml& node, const std::map<std::string, Source>& taken) {
  if (const Yaml* name = node.find("name"); name != nullptr && !name->is_null()) return name->as_text("name");
  const YamlEntry& kind = kind_of(node);
  const bool simple = (kind.key == "op" || kind.key == "cell") && kind.value.is_scalar() && !is_expression(kind.value);
  const std::string base = simple ? kind.value.text : kind.key;
  std::string name = base;
  for (int i = 2; taken.count(name) > 0; ++i) name = base + "_" + std::to_string(i);
  return name;
}

void allow_only(const Yaml& node, const std::string& what, const std::vector<std::string>& allowed) {
  for (const auto& entry : node.entries) {
    if (std::find(allowed.begin(), allowed.end(), entry.key) == allowed.end()) {
      throw invalid(entry.where, "unknown key '" + entry.key + "' in " + what, suggest(entry.key, allowed));
    }
  }
}

// A path along which each element feeds the next and that ends where it began; empty when there is none.
std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& sources) {
  enum class Mark { fresh, open, done };
  std::vector<Mark> marks(sources.size(), Mark::fresh);
  std::vector<std::size_t> path;
  std::vector<std::size_t> cycle;
  const auto visit = [&](const auto& self, std::size_t at) -> void {
    marks[at] = Mark::open;
    path.push_back(at);
    for (const std::size_t source : sources[at]) {
      if (!cycle.empty()) return;
      if (marks[source] == Mark::open) {
        cycle.assign(std::find(path.begin(), path.end(), source), path.end());
        std::reverse(cycle.begin(), cycle.end());
        cycle.push_back(cycle.front());
      } else if (marks[source] == Mark::fresh) {
        self(self, source);
      }
    }
    path.pop_back();
    marks[at] = Mark::done;
  };
  for (std::size_t i = 0; i < sources.size() && cycle.empty(); ++i) {
    if (marks[i] == Mark::fresh) visit(visit, i);
  }
  return cycle;
}

void refuse_cycle(const std::vector<Element>& elements, const std::vector<std::vector<std::size_t>>& sources) {
  auto cycle = find_cycle(sources);
  if (cycle.empty()) return;
  cycle.pop_back();  // begin with the element written first
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  cycle.push_back(cycle.front());
  std::vector<std::string> names;
  for (const std::size_t at : cycle) names.push_back(elements[at].name);
  throw invalid(elements[cycle.front()].where, "a cycle: " + join(names, " → "),
                "let one of them take its input from elsewhere");
}

// An order in which sources come first, as close to the written one as can be.
void sort_elements(std::vector<Element>& elements, const std::vector<std::vector<std::size_t>>& sources) {
  std::vector<Element> sorted;
  std::vector<bool> placed(elements.size(), false);
  while (sorted.size() < elements.size()) {
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (placed[i]) continue;
      if (!std::all_of(sources[i].begin(), sources[i].end(), [&](std::size_t at) { return placed[at]; })) continue;
      placed[i] = true;
      sorted.push_back(std::move(elements[i]));
      break;
    }
  }
  elements = std::move(sorted);
}

std::vector<std::vector<int>> combinations_of(int count, int chosen) {
  std::vector<std::vector<int>> combinations;
  std::vector<int> current(static_cast<std::size_t>(chosen));
  std::iota(current.begin(), current.end(), 0);
  while (combinations.size() <= max_combinations) {
    combinations.push_back(current);
    int at = chosen - 1;
    while (at >= 0 && current[static_cast<std::size_t>(at)] == count - chosen + at) --at;
    if (at < 0) break;
    ++current[static_cast<std::size_t>(at)];
    for (int i = at + 1; i < chosen; ++i) {
      current[static_cast<std::size_t>(i)] = current[static_cast<std::size_t>(i) - 1] + 1;
    }
  }
  return combinations;
}

}  // namespace

// ---- bodies ----

std::vector<Element> TemplateReader::read_body(const Yaml& list, const std::string& what, Scope scope,
                                               const Yaml* output, Edge* output_edge) {
  if (!list.is_sequence() || list.items.empty()) {
    throw invalid(list.where, "'" + what + "' must be a list of at least one element",
                  "write - {op: relu}, for example");
  }
  // Names first: a cell's nodes may be written in any order.
  std::vector<const Yaml*> nodes;
  for (const auto& item : list.items) nodes.push_back(&item);
  const bool made_output = output != nullptr && output->is_mapping() && !is_hole(*output);
  if (made_output) nodes.push_back(output);
  std::vector<Element> elements(nodes.size());
  std::map<std::string, Source> names;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Element& element = elements[i];
    const bool is_output = made_output && i + 1 == nodes.size();
    kind_of(*nodes[i]);
    element.name = is_output ? "output" : name_of(*nodes[i], names);
    element.where = nodes[i]->where;
    element.slot = scope.graph->slots++;
    const Yaml* given = nodes[i]->find("name");
    check_name(element.name, given != nullptr ? given->where : element.where);
    const auto& inputs = scope.graph->inputs;
    const bool fresh = names.emplace(element.name, Source{Source::Kind::element, element.slot}).second;
    if (!fresh || std::find(inputs.begin(), inputs.end(), element.name) != inputs.end()) {
      throw invalid(given != nullptr ? given->where : element.where, "the name '" + element.name + "' is taken",
                    "give each element a name of its own");
    }
    element.aside = !scope.aside.empty() && element.name == scope.aside;
  }
  scope.names.push_back(std::move(names));

  std::vector<std::vector<std::size_t>> sources(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    std::vector<int> references;
    Scope inner = scope;
    inner.references = &references;
    if (!scope.chain && i > 0) inner.previous = Source{Source::Kind::element, elements[i - 1].slot};
    bool takes_previous = false;
    inner.takes_previous = &takes_previous;
    read_element(*nodes[i], elements[i], inner);
    if (takes_previous && !scope.chain && i > 0) references.push_back(elements[i - 1].slot);
    if (takes_previous && i == 0 && scope.takes_previous != nullptr) *scope.takes_previous = true;
    for (std::size_t j = 0; j < elements.size(); ++j) {
      const bool taken = std::find(references.begin(), references.end(), elements[j].slot) != references.end();
      if (taken) sources[i].push_back(j);
    }
    if (scope.references != nullptr) {
      scope.references->insert(scope.references->end(), references.begin(), references.end());
    }
  }
  if (output_edge != nullptr) {
    *output_edge = Edge{{{Source::Kind::element, elements.back().slot}}, {}, -1, elements.back().where};
    if (output != nullptr && !made_output) *output_edge = read_edge(*output, scope.path + "output", scope);
  }
  if (scope.chain) {
    // Each link but the first takes from the one before, unless it says otherwise; so any source further on is a cycle
    // or at least out of order.
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const auto later = std::find_if(sources[i].begin(), sources[i].end(), [&](std::size_t at) { return at >= i; });
      if (later == sources[i].end()) continue;
      auto linked = sources;
      for (std::size_t j = 1; j < elements.size(); ++j) {
        if (nodes[j]->find("from") == nullptr) linked[j].push_back(j - 1);
      }
      refuse_cycle(elements, linked);
      throw invalid(elements[i].where,
                    "'" + elements[i].name + "' takes its input from '" + elements[*later].name +
                        "', which comes later in the chain",
                    "write '" + elements[*later].name + "' first");
    }
  } else {
    refuse_cycle(elements, sources);
    sort_elements(elements, sources);
  }
  return elements;
}

void TemplateReader::read_element(const Yaml& node, Element& element, const Scope& scope) {
  element.numbered = node.find("repeat") != nullptr && !node.find("repeat")->is_null();
  const Yaml* from = node.find("from");
  element.follows =
      from == nullptr || from->is_null() || from->is_mapping() || (from->is_scalar() && !from->reads_as_integer());
  if (element.aside && (from == nullptr || element.numbered)) {
    throw invalid(element.where, "the auxiliary element '" + element.name + "' needs a 'from' and no 'repeat'",
                  "say which element it hangs on: from: NAME");
  }
  if (element.numbered) {
    read_copies(node, element, scope);
  } else {
    element.forms.push_back(read_form(node, element, scope.path + element.name, scope));
  }
}

// One form serves all copies unless there are choices inside, which each copy has for itself. Copies that a chosen
// count may not reach have their choices under that condition.
void TemplateReader::read_copies(const Yaml& node, Element& element, const Scope& scope) {
  const std::string path = scope.path + element.name;
  element.repeat = read_value(*node.find("repeat"), path + ".repeat", scope.cell);
  const std::vector<int> parents = element.repeat.choices();
  const bool countable = !element.repeat.uses_parameters() && parents.size() <= 1;
  std::vector<std::pair<Value, std::int64_t>> counts;  // by value of the choice
  std::int64_t most = 0;
  if (countable) {
    std::vector<const Value*> values(choices.size(), nullptr);
    for (const auto& value :
         parents.empty() ? std::vector<Value>{false} : possible_values(Expression::of_choice(parents[0], {}))) {
      if (!parents.empty()) values[static_cast<std::size_t>(parents[0])] = &value;
      const Value count = *element.repeat.evaluate({&values, nullptr});
      const auto* integer = std::get_if<std::int64_t>(&count);
      if (integer == nullptr || *integer < 0 || *integer > max_copies) {
        throw invalid(element.repeat.where(), "'repeat' of '" + element.name + "' is " + to_string(count),
                      "it must be an integer between 0 and " + std::to_string(max_copies));
      }
      counts.emplace_back(value, *integer);
      most = std::max(most, *integer);
    }
  }
  const std::size_t choices_before = choices.size();
  for (std::int64_t copy = 0; copy == 0 || copy < most; ++copy) {
    Condition reached;
    for (const auto& [value, count] : counts) {
      if (count > copy) reached.values.push_back(value);
    }
    const bool conditional = !parents.empty() && countable && reached.values.size() < counts.size();
    if (conditional) {
      reached.parent = choices[static_cast<std::size_t>(parents[0])].name;
      conditions_.push_back(reached);
    }
    element.forms.push_back(read_form(node, element, path + "." + std::to_string(copy), scope));
    if (conditional) conditions_.pop_back();
    if (choices.size() == choices_before) break;  // nothing inside is open
  }
  if (choices.size() > choices_before && !countable) {
    throw invalid(element.repeat.where(),
                  "'" + element.name + "' holds choices, and how often it is repeated depends on " +
                      (element.repeat.uses_parameters() ? "a parameter of the cell" : "several choices"),
                  "name its choices under 'choices', or let 'repeat' depend on one choice only");
  }
  if (countable && most == 0) {  // never there: neither are its choices
    for (std::size_t i = choices_before; i < choices.size(); ++i) choice_indices_.erase(choices[i].name);
    choices.resize(choices_before);
    element.forms.clear();
  }
}

Form TemplateReader::read_form(const Yaml& node, const Element& element, const std::string& path, const Scope& scope) {
  const YamlEntry& kind = kind_of(node);
  Form form;
  const Yaml* from = node.find("from");
  const bool has_from = from != nullptr && !from->is_null();
  if (has_from) {
    read_from(*from, path, scope, form);
  } else if (scope.previous) {
    form.from.push_back({{*scope.previous}, {}, -1, element.where});
  }
  if (kind.key == "op" || kind.key == "cell") {
    if (!has_from && scope.previous) *scope.takes_previous = true;
    if (kind.key == "op") read_operation(node, kind.value, path, scope, form);
    if (kind.key == "cell") read_cell_use(node, kind.value, path, scope, form);
    return form;
  }
  read_group(node, kind, element, path, scope, form);
  return form;
}

// Blocks, sums and concats.
void TemplateReader::read_group(const Yaml& node, const YamlEntry& kind, const Element& element,
                                const std::string& path, const Scope& scope, Form& form) {
  const Yaml* from = node.find("from");
  const bool has_from = from != nullptr && !from->is_null();
  Scope inner = scope;
  bool takes_previous = false;
  inner.takes_previous = &takes_previous;
  inner.path = path + ".";
  inner.aside.clear();
  allow_only(node, "the element '" + element.name + "'", {"name", "from", "repeat", kind.key});
  if (form.from.size() > 1) {
    throw invalid(from->where, "'" + kind.key + "' takes one 'from', which its members take by default",
                  "name the sources of the members instead");
  }
  // Members without a source take what the whole takes; later copies the copy before.
  const bool by_chain = scope.chain && !has_from;
  if (!by_chain) {
    inner.previous.reset();
    if (!form.from.empty()) inner.previous = Source{Source::Kind::element, element.slot};
  }
  if (kind.key == "block") {
    form.kind = Form::Kind::block;
    form.own_chain = scope.chain && has_from;
    if (scope.chain) inner.previous = Source{Source::Kind::before, 1};
    form.members = read_body(kind.value, "block", inner, nullptr, nullptr);
  } else if (kind.key == "sum" && kind.value.is_mapping()) {
    form.kind = Form::Kind::chosen_sum;
    read_chosen_sum(kind.value, path, scope, form.chosen);
  } else {
    form.kind = kind.key == "sum" ? Form::Kind::sum : Form::Kind::concat;
    read_members(kind.value, path, inner, form);
  }
  if (has_from) return;
  if (takes_previous) {
    *scope.takes_previous = true;
  } else if (!scope.chain) {
    form.from.clear();  // every member names its sources: no edge from the element before
  }
}

// The terms of a sum and the parts of a concat: elements, or just names of elements.
void TemplateReader::read_members(const Yaml& list, const std::string& path, const Scope& scope, Form& form) {
  if (!list.is_sequence() || list.items.empty()) {
    throw invalid(list.where, "'" + path + "' must list what it is made of", "write [{op: relu, from: x}, y]");
  }
  // Each is called after its source where that tells them apart, else numbered.
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Yaml& item = list.items[i];
    const Yaml* name = item.find("name");
    const Yaml* from = item.find("from");
    std::string label = std::to_string(i);
    if (from != nullptr && from->is_scalar() && !from->reads_as_integer() && !is_expression(*from)) label = from->text;
    if (name != nullptr) label = name->as_text("name");
    if (name != nullptr) check_name(label, name->where);
    labels.push_back(std::move(label));
  }
  std::vector<std::string> unique = labels;
  std::sort(unique.begin(), unique.end());
  const bool distinct = std::adjacent_find(unique.begin(), unique.end()) == unique.end();
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Yaml& item = list.items[i];
    Element member;
    member.where = item.where;
    member.slot = scope.graph->slots++;
    member.name = distinct ? labels[i] : std::to_string(i);
    if (item.is_scalar() || is_hole(item)) {
      Form reference;
      reference.kind = Form::Kind::reference;
      reference.from.push_back(read_edge(item, path + "." + member.name + ".from", scope));
      member.forms.push_back(std::move(reference));
    } else {
      read_element(item, member, scope);
    }
    form.members.push_back(std::move(member));
  }
}

// ---- operations and cells ----

std::vector<Value> TemplateReader::possible_values(const Expression& expression) const {
  if (const Value* constant = expression.constant()) return {*constant};
  if (expression.choice() < 0) return {};
  const Choice& choice = choices[static_cast<std::size_t>(expression.choice())];
  const auto count = count_values(choice);
  if (!count || *count > max_combinations) return {};
  return grid_values(choice, 1);
}

std::vector<const Operation*> TemplateReader::possible_operations(const Expression& target) const {
  std::vector<const Operation*> rows;
  for (const auto& value : possible_values(target)) {
    const auto* name_text = std::get_if<std::string>(&value);
    const std::string word = name_text != nullptr ? *name_text : to_string(value);
    const Operation* row = result.table.find(word);
    if (row == nullptr) {
      throw invalid(target.where(), "unknown operation '" + word + "'", suggest(word, result.table.names()));
    }
    rows.push_back(row);
  }
  return rows;
}

void TemplateReader::read_operation(const Yaml& node, const Yaml& target, const std::string& path, const Scope& scope,
                                    Form& form) {
  form.kind = Form::Kind::operation;
  form.target = read_value(target, path + ".op", scope.cell);
  for (const Operation* row : possible_operations(form.target)) {
    const auto inputs = static_cast<int>(form.from.size());
    if (inputs >= row->min_inputs && (row->max_inputs < 0 || inputs <= row->max_inputs)) continue;
    const Yaml* from = node.find("from");
    std::string wanted = std::to_string(row->min_inputs);
    if (row->max_inputs < 0) wanted = "at least " + wanted;
    if (row->max_inputs > row->min_inputs) wanted += " to " + std::to_string(row->max_inputs);
    throw invalid(from != nullptr ? from->where : node.where,
                  "operation '" + row->name + "' takes " + wanted + " input" + (wanted == "1" ? "" : "s") + ", not " +
                      std::to_string(inputs),
                  "write from: NAME or from: [NAMES]");
  }
  for (const auto& entry : node.entries) {
    if (is_reserved(entry.key)) continue;
    form.arguments.push_back(
        read_argument(entry.key, entry.where, entry.value, form.target, path + "." + entry.key, scope));
  }
}

// A parameter that only some of an open operation's options have is open only where one of those is chosen.
Argument TemplateReader::read_argument(const std::string& key, const Location& where, const Yaml& value,
                                       const Expression& operation, const std::string& path, const Scope& scope) {
  std::vector<std::string> known = {"name", "from", "repeat"};
  Condition having;
  const auto rows = possible_operations(operation);
  const auto names = possible_values(operation);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [parameter, fallback] : rows[i]->defaults) known.push_back(parameter);
    if (rows[i]->defaults.count(key) > 0) having.values.push_back(names[i]);
  }
  if (!rows.empty() && having.values.empty()) {
    const std::string what = rows.size() == 1 ? "operation '" + rows[0]->name + "'" : "these operations";
    throw invalid(where, "unknown parameter '" + key + "' of " + what, suggest(key, known));
  }
  const bool conditional = operation.choice() >= 0 && having.values.size() < rows.size();
  if (conditional) {
    having.parent = choices[static_cast<std::size_t>(operation.choice())].name;
    conditions_.push_back(having);
  }
  Argument argument{key, read_value(value, path, scope.cell)};
  if (conditional) conditions_.pop_back();
  for (const Operation* row : rows) {
    const auto fallback = row->defaults.find(key);
    if (fallback == row->defaults.end()) continue;
    for (const auto& given : possible_values(argument.value)) {
      checked_parameter("operation '" + row->name + "'", key, fallback->second, given, value.where);
    }
  }
  return argument;
}

void TemplateReader::read_cell_use(const Yaml& node, const Yaml& target, const std::string& path, const Scope& scope,
                                   Form& form) {
  form.kind = Form::Kind::cell;
  form.target = read_value(target, path + ".cell", scope.cell);
  std::vector<std::string> known = {"name", "from", "repeat"};
  std::vector<std::string> cell_names;
  for (const auto& [cell_name, cell] : cell_nodes_) cell_names.push_back(cell_name);
  for (const auto& value : possible_values(form.target)) {
    const auto* word = std::get_if<std::string>(&value);
    if (word == nullptr || cell_nodes_.count(*word) == 0) {
      const std::string text = word != nullptr ? *word : to_string(value);
      throw invalid(target.where, "unknown cell '" + text + "'",
                    cell_names.empty() ? "define it under 'cells'" : suggest(text, cell_names));
    }
    used_cells_.insert(*word);
    read_cell(*word);
    const CellTemplate& cell = result.cells.at(*word);
    known.insert(known.end(), cell.parameters.begin(), cell.parameters.end());
    if (form.from.size() != cell.graph.inputs.size()) {
      const Yaml* from = node.find("from");
      throw invalid(from != nullptr ? from->where : node.where,
                    "cell '" + *word + "' has " + std::to_string(cell.graph.inputs.size()) + " inputs (" +
                        join(cell.graph.inputs, ", ") + "), and " + std::to_string(form.from.size()) + " are given",
                    "write from: with one name for each");
    }
  }
  for (const auto& entry : node.entries) {
    if (is_reserved(entry.key)) continue;
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      throw invalid(
          entry.where,
          "unknown parameter '" + entry.key + "' of cell '" + to_string(possible_values(form.target).at(0)) + "'",
          suggest(entry.key, known));
    }
    form.arguments.push_back({entry.key, read_value(entry.value, path + "." + entry.key, scope.cell)});
  }
}

// ---- chosen edges ----

void TemplateReader::read_chosen_sum(const Yaml& node, const std::string& path, const Scope& scope, ChosenSum& chosen) {
  const Yaml* choose = node.find("choose");
  const Yaml* of = node.find("of");
  if (choose == nullptr || of == nullptr || node.find("op") == nullptr) {
    throw invalid(node.where,
                  "a sum over chosen edges lacks " + std::string(choose == nullptr ? "'choose'"
                                                                 : of == nullptr   ? "'of'"
                                                                                   : "'op'"),
                  "write sum: {choose: 2, of: [a, b, c], op: {choice: [..]}}, or sum: [elements]");
  }
  if (!of->is_sequence() || of->items.empty()) {
    throw invalid(of->where, "'of' must list the sources to choose from", "write of: [a, b, c]");
  }
  for (const auto& item : of->items) {
    const std::string& word = item.as_text("of");
    if (std::find(chosen.names.begin(), chosen.names.end(), word) != chosen.names.end()) {
      throw invalid(item.where, "the source '" + word + "' is listed twice", "keep one of the two");
    }
    chosen.names.push_back(word);
    chosen.candidates.push_back(read_edge(item, path, scope));
  }
  const auto count = static_cast<std::int64_t>(chosen.names.size());
  const Expression number = read_value(*choose, path + ".choose", nullptr);
  const Value* constant = number.constant();
  const auto* picks = constant != nullptr ? std::get_if<std::int64_t>(constant) : nullptr;
  if (picks == nullptr || *picks < 1 || *picks > count) {
    throw invalid(choose->where, "'choose' must be a fixed number between 1 and " + std::to_string(count),
                  "there are " + std::to_string(count) + " sources");
  }
  chosen.combinations = combinations_of(static_cast<int>(count), static_cast<int>(*picks));
  if (chosen.combinations.size() > max_combinations) {
    throw invalid(of->where, "more than " + std::to_string(max_combinations) + " ways to choose", "list fewer sources");
  }
  for (const auto& combination : chosen.combinations) {
    std::vector<std::string> words;
    for (const int at : combination) words.push_back(chosen.names[static_cast<std::size_t>(at)]);
    chosen.options.emplace_back(join(words, ","));
  }
  if (chosen.options.size() > 1) {
    chosen.choice = add_choice(Choice{path + ".inputs", Categorical{chosen.options}, conditions_, node.where});
  }
  for (std::int64_t i = 1; i <= *picks; ++i) {
    chosen.picks.push_back(read_pick(node, path, *picks == 1 ? "" : std::to_string(i), scope, chosen.names));
  }
}

// A parameter may be given by source: stride: {p0: 2, default: 1}.
Pick TemplateReader::read_pick(const Yaml& node, const std::string& path, const std::string& number, const Scope& scope,
                               const std::vector<std::string>& names) {
  Pick pick;
  pick.operation = read_value(*node.find("op"), path + ".op" + number, scope.cell);
  pick.arguments.resize(names.size());
  for (const auto& entry : node.entries) {
    if (entry.key == "choose" || entry.key == "of" || entry.key == "op") continue;
    const std::string argument_path = path + "." + entry.key + number;
    if (!entry.value.is_mapping() || is_hole(entry.value)) {
      const Argument argument =
          read_argument(entry.key, entry.where, entry.value, pick.operation, argument_path, scope);
      for (auto& arguments : pick.arguments) arguments.push_back(argument);
      continue;
    }
    std::vector<std::string> allowed = names;
    allowed.emplace_back("default");
    allow_only(entry.value, "'" + entry.key + "' by source", allowed);
    std::map<std::string, Argument> by_source;
    for (const auto& given : entry.value.entries) {
      by_source[given.key] =
          read_argument(entry.key, given.where, given.value, pick.operation, argument_path + "." + given.key, scope);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto found = by_source.find(names[i]);
      if (found == by_source.end()) found = by_source.find("default");
      if (found != by_source.end()) pick.arguments[i].push_back(found->second);
    }
  }
  return pick;
}

// ---- sources ----

void TemplateReader::read_from(const Yaml& node, const std::string& path, const Scope& scope, Form& form) {
  if (!node.is_sequence()) {
    form.from.push_back(read_edge(node, path + ".from", scope));
    return;
  }
  if (node.items.empty()) throw invalid(node.where, "'from' lists nothing", "name at least one source");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    form.from.push_back(read_edge(node.items[i], path + ".from." + std::to_string(i), scope));
  }
}

Edge TemplateReader::read_edge(const Yaml& node, const std::string& path, const Scope& scope) {
  Edge edge;
  edge.where = node.where;
  const Expression source = read_value(node, path, nullptr);
  const std::vector<Value> values = possible_values(source);
  if (values.empty()) {
    throw invalid(node.where, "a source must be a name or a choice of names", "write from: NAME or {choice: [NAMES]}");
  }
  for (const auto& value : values) edge.sources.push_back(find_source(value, node.where, scope));
  if (source.choice() >= 0) {
    edge.choice = source.choice();
    edge.values = values;
  }
  return edge;
}

Source TemplateReader::find_source(const Value& value, const Location& where, const Scope& scope) const {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (scope.chain && *number < 0 && *number >= -max_copies) {
      return {Source::Kind::before, static_cast<int>(-*number)};
    }
    throw invalid(where, "'from' is " + std::to_string(*number),
                  scope.chain ? "-1 is the element before, -2 the one before that" : "give a name");
  }
  const auto* word = std::get_if<std::string>(&value);
  const std::string text = word != nullptr ? *word : to_string(value);
  std::vector<std::string> names;
  for (auto level = scope.names.rbegin(); level != scope.names.rend(); ++level) {
    const auto found = level->find(text);
    if (found != level->end()) {
      if (!scope.aside.empty() && text == scope.aside) {
        throw invalid(where, "'" + text + "' is the auxiliary classifier: nothing can take input from it",
                      "take it from another element");
      }
      if (found->second.kind == Source::Kind::element && scope.references != nullptr) {
        scope.references->push_back(found->second.number);
      }
      return found->second;
    }
    for (const auto& [known, source] : *level) names.push_back(known);
  }
  throw invalid(where, "unknown source '" + text + "'", suggest(text, names));
}

}  // namespace netwright
