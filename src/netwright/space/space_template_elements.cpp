// Reading of single elements: copies, groups, operations, cells.
#include <algorithm>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template_reader.h"
#include "netwright/space/space_template_syntax.h"

namespace netwright {
namespace {

constexpr std::uint64_t max_values = 20'000;  // of a choice, looked at one by one when the space is read

}  // namespace

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
  if (countable) counts = counts_of(element);
  std::int64_t most = 0;
  for (const auto& [value, count] : counts) most = std::max(most, count);
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
    if (choices.size() > max_choices) {
      throw invalid(element.where, "the space has more than " + std::to_string(max_choices) + " choices",
                    "repeat '" + element.name + "' less often, or share its choices by naming them under 'choices'");
    }
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

// How many copies each value of the choice that decides it gives; one entry where nothing is open.
std::vector<std::pair<Value, std::int64_t>> TemplateReader::counts_of(const Element& element) const {
  const std::vector<int> parents = element.repeat.choices();
  std::vector<const Value*> environment(choices.size(), nullptr);
  std::vector<Value> values = {false};
  if (!parents.empty()) values = possible_values(Expression::of_choice(parents[0], element.repeat.where()));
  if (values.empty()) {
    throw invalid(element.repeat.where(), "'repeat' of '" + element.name + "' has too many values",
                  "make it an integer between 0 and " + std::to_string(max_repeat));
  }
  std::vector<std::pair<Value, std::int64_t>> counts;
  for (const auto& value : values) {
    if (!parents.empty()) environment[static_cast<std::size_t>(parents[0])] = &value;
    const Value count = *element.repeat.evaluate({&environment, nullptr});
    const auto* integer = std::get_if<std::int64_t>(&count);
    if (integer == nullptr || *integer < 0 || *integer > max_repeat) {
      throw invalid(element.repeat.where(), "'repeat' of '" + element.name + "' is " + to_string(count),
                    "it must be an integer between 0 and " + std::to_string(max_repeat));
    }
    counts.emplace_back(value, *integer);
  }
  return counts;
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
    form.members = read_body(kind.value, "block", inner, nullptr, &form.result);
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
  if (!count || *count > max_values) return {};
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
  const std::vector<Value> names = possible_values(form.target);
  for (const auto& cell_name : names) {
    const CellTemplate& cell = cell_for(cell_name, node, target.where, form);
    known.insert(known.end(), cell.parameters.begin(), cell.parameters.end());
  }
  for (const auto& entry : node.entries) {
    if (is_reserved(entry.key)) continue;
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      throw invalid(entry.where, "unknown parameter '" + entry.key + "' of cell " + target.text,
                    suggest(entry.key, known));
    }
    form.arguments.push_back({entry.key, read_value(entry.value, path + "." + entry.key, scope.cell)});
  }
}

// The cell of that name, read now if it has not been, with as many inputs as the element gives it.
const CellTemplate& TemplateReader::cell_for(const Value& cell_name, const Yaml& node, const Location& where,
                                             const Form& form) {
  const auto* word = std::get_if<std::string>(&cell_name);
  if (word == nullptr || cell_nodes_.count(*word) == 0) {
    const std::string text = word != nullptr ? *word : to_string(cell_name);
    std::vector<std::string> names;
    for (const auto& [known, yaml] : cell_nodes_) names.push_back(known);
    throw invalid(where, "unknown cell '" + text + "'",
                  names.empty() ? "define it under 'cells'" : suggest(text, names));
  }
  used_cells_.insert(*word);
  read_cell(*word);
  const CellTemplate& cell = result.cells.at(*word);
  if (form.from.size() != cell.graph.inputs.size()) {
    const Yaml* from = node.find("from");
    throw invalid(from != nullptr ? from->where : node.where,
                  "cell '" + *word + "' has " + std::to_string(cell.graph.inputs.size()) + " inputs (" +
                      join(cell.graph.inputs, ", ") + "), and " + std::to_string(form.from.size()) + " are given",
                  "write from: with one name for each");
  }
  return cell;
}

}  // namespace netwright
