#include "netwright/space/space_template_reader.h"

#include <algorithm>
#include <cctype>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template_syntax.h"

namespace netwright {
namespace {

constexpr std::int64_t largest_size = 1 << 20;

// Parameters and choices are written $name in expressions, where a '-' would be a minus.
void check_word(const std::string& name, const Location& where) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (!name.empty() && std::all_of(name.begin(), name.end(), fits) && std::isdigit(name[0]) == 0) return;
  throw invalid(where, "'" + name + "' cannot be referred to as $" + name,
                "use letters, digits and _, not beginning with a digit");
}

// The experiment's recipe over the space's, key by key.
void overlay(Yaml& under, const Yaml& over) {
  if (!under.is_mapping() || !over.is_mapping() || is_hole(under) || is_hole(over)) {
    under = over;
    return;
  }
  for (const auto& entry : over.entries) {
    if (const Yaml* present = under.find(entry.key)) {
      overlay(*const_cast<Yaml*>(present), entry.value);
    } else {
      under.entries.push_back(entry);
    }
  }
}

// Whether "$word" occurs anywhere in the tree.
bool mentions(const Yaml& node, const std::string& word) {
  if (node.is_scalar()) {
    for (std::size_t at = node.text.find("$" + word); at != std::string::npos;
         at = node.text.find("$" + word, at + 1)) {
      const std::size_t end = at + 1 + word.size();
      if (end == node.text.size()) return true;
      const auto next = static_cast<unsigned char>(node.text[end]);
      if (std::isalnum(next) == 0 && next != '_') return true;
    }
    return false;
  }
  return std::any_of(node.items.begin(), node.items.end(), [&](const Yaml& item) { return mentions(item, word); }) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [&](const YamlEntry& entry) { return mentions(entry.value, word); });
}

// Whether a `when` anywhere in the tree asks for the choice.
bool conditions_on(const Yaml& node, const std::string& choice) {
  const Yaml* when = node.find("when");
  if (when != nullptr && when->find(choice) != nullptr) return true;
  return std::any_of(node.items.begin(), node.items.end(),
                     [&](const Yaml& item) { return conditions_on(item, choice); }) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [&](const YamlEntry& entry) { return conditions_on(entry.value, choice); });
}

}  // namespace

TemplateReader::TemplateReader(const Yaml& space, const Yaml& recipe, std::optional<Shape> input,
                               std::optional<std::int64_t> classes, const OperationTable& table)
    : space_(space), given_recipe_(recipe), given_input_(input), given_classes_(classes) {
  result.table = table;
}

void TemplateReader::read() {
  MappingReader reader(space_, "the space");
  name = reader.text("name", "space");
  const Yaml* constants = reader.optional("parameters");
  const Yaml* input = reader.optional("input");
  const Yaml* classes = reader.optional("classes");
  const Yaml* operations = reader.optional("operations");
  const Yaml* named = reader.optional("choices");
  const Yaml* cells = reader.optional("cells");
  const Yaml* network = reader.optional("network");
  const Yaml* auxiliary = reader.optional("auxiliary");
  const Yaml* own_recipe = reader.optional("recipe");
  reader.finish();
  if (network == nullptr && named == nullptr) {
    throw invalid(space_.where, "the space has neither a network nor choices", "add 'network: [elements]'");
  }
  if (own_recipe != nullptr) recipe_ = *own_recipe;
  if (!given_recipe_.is_null()) overlay(recipe_, given_recipe_);

  if (network != nullptr || input != nullptr || given_input_) read_shape(input, classes);
  read_constants(constants);
  read_operations(operations);
  if (network != nullptr && named != nullptr) find_unused(*named);
  read_choices(named);
  read_cells(cells);
  if (network != nullptr) read_network(*network, auxiliary);
  if (cells != nullptr) {
    for (const auto& entry : cells->entries) {
      if (used_cells_.count(entry.key) > 0) continue;
      throw invalid(entry.where, "the cell '" + entry.key + "' is used nowhere",
                    "add an element {cell: " + entry.key + "}, or remove it");
    }
  }
  Yaml plain;
  std::vector<std::string> path;
  read_recipe_level(recipe_, path, plain);
  result.recipe = parse_recipe(plain);
}

// ---- sections ----

void TemplateReader::read_shape(const Yaml* input, const Yaml* classes) {
  if (given_input_) {
    result.input = *given_input_;
  } else if (input == nullptr) {
    throw invalid(space_.where, "nothing says how large the network's input is",
                  "add input: [channels, height, width] or input: [features]");
  }
  if (input != nullptr) {
    if (!input->is_sequence() || (input->items.size() != 1 && input->items.size() != 3)) {
      throw invalid(input->where, "'input' must be [channels, height, width] or [features]",
                    "write input: [3, 32, 32], for example");
    }
    std::int64_t sizes[3] = {0, 0, 0};
    for (std::size_t i = 0; i < input->items.size(); ++i) {
      sizes[i] = input->items[i].as_integer("input", 1, largest_size);
    }
    if (!given_input_) result.input = {sizes[0], sizes[1], sizes[2]};
  }
  if (classes != nullptr) result.classes = classes->as_integer("classes", 1, largest_size);
  if (given_classes_) result.classes = *given_classes_;
  if (result.classes == 0) {
    throw invalid(space_.where, "nothing says how many outputs the network has",
                  "add classes: 10 (1 for regression), or name data in the experiment");
  }
  constants_["classes"] = result.classes;
  constants_["input_channels"] = result.input.channels;
}

void TemplateReader::read_constants(const Yaml* node) {
  if (node == nullptr) return;
  MappingReader(*node, "'parameters'");
  for (const auto& entry : node->entries) {
    check_word(entry.key, entry.where);
    if (constants_.count(entry.key) > 0) {
      throw invalid(entry.where, "the name '" + entry.key + "' has a meaning already", "choose another name");
    }
    const Expression value = read_value(entry.value, entry.key, nullptr);
    if (value.constant() == nullptr) {
      throw invalid(entry.value.where, "the parameter '" + entry.key + "' is not constant",
                    "declare what is open under 'choices'");
    }
    constants_[entry.key] = *value.constant();
  }
}

void TemplateReader::read_operations(const Yaml* node) {
  if (node == nullptr) return;
  MappingReader(*node, "'operations'");
  for (const auto& entry : node->entries) {
    if (result.table.find(entry.key) != nullptr) {
      throw invalid(entry.where, "the operation '" + entry.key + "' exists already", "choose another name");
    }
    MappingReader reader(entry.value, "operation '" + entry.key + "'");
    const Yaml& base_node = reader.required("base");
    const std::string& base = base_node.as_text("base");
    const Operation* row = result.table.find(base);
    if (row == nullptr) {
      throw invalid(base_node.where, "unknown operation '" + base + "'", suggest(base, result.table.names()));
    }
    Parameters defaults;
    for (const auto& [key, fallback] : row->defaults) {
      const Yaml* given = reader.optional(key);
      if (given == nullptr) continue;
      const Expression value = read_value(*given, key, nullptr);
      if (value.constant() == nullptr) {
        throw invalid(given->where, "'" + key + "' of the operation '" + entry.key + "' is not constant",
                      "open it where the operation is used");
      }
      defaults[key] =
          checked_parameter("operation '" + entry.key + "'", key, fallback, *value.constant(), given->where);
    }
    reader.finish();
    result.table.alias(entry.key, base, defaults);
    const auto own = result.own_operations.find(base);
    result.own_operations[entry.key] = own != result.own_operations.end() ? own->second : base;
  }
}

// A choice that nothing uses would only be searched in vain. One that the space's own recipe used, in a key that the
// experiment sets otherwise, is decided thereby and left out.
void TemplateReader::find_unused(const Yaml& named) {
  MappingReader(named, "'choices'");
  const auto used_in = [&](const Yaml& tree, const std::string& word) {
    return mentions(tree, word) || conditions_on(tree, word);
  };
  for (const auto& choice : named.entries) {
    bool used = used_in(recipe_, choice.key) || conditions_on(named, choice.key);
    bool used_once = false;
    for (const auto& section : space_.entries) {
      if (section.key == "recipe") {
        used_once = used_in(section.value, choice.key);
      } else if (section.key != "choices") {
        used = used || used_in(section.value, choice.key);
      }
    }
    if (used) continue;
    if (!used_once) {
      throw invalid(choice.where, "the choice '" + choice.key + "' is used nowhere",
                    "refer to it as $" + choice.key + ", or remove it");
    }
    ignored_choices_.insert(choice.key);
  }
}

void TemplateReader::read_choices(const Yaml* node) {
  if (node == nullptr) return;
  MappingReader(*node, "'choices'");
  for (const auto& entry : node->entries) {
    check_word(entry.key, entry.where);
    if (constants_.count(entry.key) > 0) {
      throw invalid(entry.where, "the name '" + entry.key + "' is a parameter's already", "choose another name");
    }
    if (ignored_choices_.count(entry.key) == 0) add_choice(entry.key, entry.value);
  }
}

void TemplateReader::read_cells(const Yaml* node) {
  if (node == nullptr) return;
  MappingReader(*node, "'cells'");
  for (const auto& entry : node->entries) {
    check_name(entry.key, entry.where);
    cell_nodes_[entry.key] = &entry.value;
  }
  for (const auto& entry : node->entries) read_cell(entry.key);
}

// Also called by the first element that uses the cell, so that cells may be written in any order.
void TemplateReader::read_cell(const std::string& cell_name) {
  if (result.cells.count(cell_name) > 0) return;
  const Yaml& node = *cell_nodes_.at(cell_name);
  const auto outer = std::find(cells_being_read_.begin(), cells_being_read_.end(), cell_name);
  if (outer != cells_being_read_.end()) {
    std::vector<std::string> cycle(outer, cells_being_read_.end());
    cycle.push_back(cell_name);
    throw invalid(node.where, "a cell that contains itself: " + join(cycle, " → "), "break the recursion");
  }
  cells_being_read_.push_back(cell_name);
  std::vector<Condition> outer_conditions;
  conditions_.swap(outer_conditions);  // its choices are shared by all instances

  MappingReader reader(node, "cell '" + cell_name + "'");
  CellTemplate cell;
  cell.graph.name = cell_name;
  Scope scope;
  scope.cell = &cell;
  scope.graph = &cell.graph;
  scope.path = cell_name + ".";
  read_cell_head(reader, cell, scope);
  const Yaml& nodes = reader.required("nodes");
  const Yaml* output = reader.optional("output");
  reader.finish();
  if (cell.graph.inputs.size() == 1) scope.previous = Source{Source::Kind::input, 0};
  cell.graph.elements = read_body(nodes, "nodes", scope, output, &cell.graph.output);

  cells_being_read_.pop_back();
  conditions_.swap(outer_conditions);
  result.cells.emplace(cell_name, std::move(cell));
}

void TemplateReader::read_cell_head(MappingReader& reader, CellTemplate& cell, Scope& scope) {
  const Yaml& inputs = reader.required("inputs");
  if (!inputs.is_sequence() || inputs.items.empty()) {
    throw invalid(inputs.where, "'inputs' of " + reader.what() + " must be a list of names", "write inputs: [x]");
  }
  scope.names.emplace_back();
  for (const auto& item : inputs.items) {
    const std::string& input = item.as_text("inputs");
    check_name(input, item.where);
    const Source source{Source::Kind::input, static_cast<int>(cell.graph.inputs.size())};
    if (!scope.names.back().emplace(input, source).second) {
      throw invalid(item.where, "two inputs named '" + input + "'", "give each a name of its own");
    }
    cell.graph.inputs.push_back(input);
  }
  if (const Yaml* parameters = reader.optional("parameters")) {
    MappingReader(*parameters, "'parameters' of " + reader.what());
    for (const auto& entry : parameters->entries) {
      check_word(entry.key, entry.where);
      cell.defaults.push_back(read_value(entry.value, cell.graph.name + "." + entry.key, nullptr));
      cell.parameters.push_back(entry.key);
    }
  }
}

void TemplateReader::read_network(const Yaml& node, const Yaml* auxiliary) {
  result.network.name = name;
  result.network.inputs = {"input"};
  Scope scope;
  scope.chain = true;
  scope.graph = &result.network;
  scope.previous = Source{Source::Kind::before, 1};
  scope.names.push_back({{"input", Source{Source::Kind::input, 0}}});
  if (auxiliary != nullptr) scope.aside = auxiliary->as_text("auxiliary");
  Edge last;  // known only when filled: elements may be left out
  result.network.elements = read_body(node, "network", scope, nullptr, &last);
  if (auxiliary == nullptr) return;
  std::vector<std::string> names;
  for (const auto& element : result.network.elements) {
    names.push_back(element.name);
    if (element.aside) result.auxiliary_slot = element.slot;
  }
  if (result.auxiliary_slot < 0) {
    throw invalid(auxiliary->where, "unknown element '" + scope.aside + "'", suggest(scope.aside, names));
  }
}

// Holes go to the list of holes, the rest to `plain`.
void TemplateReader::read_recipe_level(const Yaml& node, std::vector<std::string>& path, Yaml& plain) {
  plain.where = node.where;
  if (!node.is_mapping()) {
    plain = node;
    return;
  }
  plain.kind = Yaml::Kind::mapping;
  for (const auto& entry : node.entries) {
    path.push_back(entry.key);
    if (entry.value.is_mapping() && !is_hole(entry.value)) {
      Yaml inner;
      read_recipe_level(entry.value, path, inner);
      plain.entries.push_back({entry.key, entry.where, std::move(inner)});
    } else if (is_hole(entry.value) || is_expression(entry.value)) {
      const Expression value = read_value(entry.value, "recipe." + join(path, "."), nullptr);
      if (const Value* constant = value.constant()) {
        Yaml scalar = to_yaml(*constant);
        scalar.where = entry.value.where;
        plain.entries.push_back({entry.key, entry.where, std::move(scalar)});
      } else {
        result.recipe_holes.push_back({path, value, entry.where});
      }
    } else {
      plain.entries.push_back(entry);
    }
    path.pop_back();
  }
}

}  // namespace netwright
