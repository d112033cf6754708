// Reading of values and choices.
#include <algorithm>
#include <cctype>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template_reader.h"
#include "netwright/space/space_template_syntax.h"

namespace netwright {
namespace {

// A number that means the same in every operation that has it.
struct Range {
  const char* name;
  double low, high;
};
constexpr double many = 1 << 20;
constexpr Range ranges[] = {
    {"kernel", 1, 1023},   {"stride", 1, 1023},      {"dilation", 1, 1023},        {"groups", 1, many},
    {"channels", 0, many}, {"features", 0, many},    {"expansion", 1, 1024},       {"squeeze_excite", 0, 1},
    {"ratio", 1e-6, 1},    {"dropout", 0, 0.999999}, {"probability", 0, 0.999999},
};

void check_range(const std::string& owner, const std::string& name, const Value& value, const Location& where) {
  double number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
  } else {
    return;
  }
  for (const auto& range : ranges) {
    if (name == range.name && (number < range.low || number > range.high)) {
      throw invalid(where, "'" + name + "' of " + owner + " is " + to_string(value),
                    "it must be between " + number_text(range.low) + " and " + number_text(range.high));
    }
  }
}

}  // namespace

Value checked_parameter(const std::string& owner, const std::string& name, const Value& fallback, const Value& given,
                        const Location& where) {
  Value value = given;
  if (std::holds_alternative<double>(fallback) && std::holds_alternative<std::int64_t>(given)) {
    value = static_cast<double>(std::get<std::int64_t>(given));
  }
  if (value.index() != fallback.index()) {
    constexpr const char* kinds[] = {"true or false", "an integer", "a number", "text"};
    throw invalid(where,
                  "'" + name + "' of " + owner + " must be " + kinds[fallback.index()] + ", not " + to_string(given),
                  std::string("give ") + kinds[fallback.index()] + ", for example " + to_string(fallback));
  }
  check_range(owner, name, value, where);
  return value;
}

Binding TemplateReader::bind(const std::string& word, const Location& where, const CellTemplate* cell) {
  if (cell != nullptr) {
    const auto found = std::find(cell->parameters.begin(), cell->parameters.end(), word);
    if (found != cell->parameters.end()) {
      return {Binding::Kind::parameter, {}, static_cast<int>(found - cell->parameters.begin())};
    }
  }
  if (const auto found = constants_.find(word); found != constants_.end()) {
    return {Binding::Kind::constant, found->second, 0};
  }
  if (const int index = index_of(word); index >= 0) return {Binding::Kind::choice, {}, index};
  std::vector<std::string> names;
  if (cell != nullptr) names = cell->parameters;
  for (const auto& [constant, value] : constants_) names.push_back(constant);
  for (const auto& choice : choices) names.push_back(choice.name);
  throw invalid(where, "unknown name '$" + word + "'", suggest(word, names));
}

Expression TemplateReader::read_value(const Yaml& node, const std::string& path, const CellTemplate* cell) {
  if (is_hole(node)) return Expression::of_choice(add_choice(path, node), node.where);
  if (node.is_sequence()) {
    throw invalid(node.where, "a list where one value is expected", "write {choice: [a, b]} to leave it open");
  }
  return Expression::parse(node,
                           [&](const std::string& word, const Location& where) { return bind(word, where, cell); });
}

// Ranges and options may be worked out from parameters.
Yaml TemplateReader::without_expressions(const Yaml& node, const std::string& choice_name) {
  Yaml result_node = node;
  if (is_expression(node)) {
    const Expression value = read_value(node, choice_name, nullptr);
    if (value.constant() == nullptr) {
      throw invalid(node.where, "the domain of choice '" + choice_name + "' depends on another choice",
                    "use parameters only, or a condition: when: {choice: value}");
    }
    result_node = to_yaml(*value.constant());
    result_node.where = node.where;
  }
  for (auto& item : result_node.items) item = without_expressions(item, choice_name);
  for (auto& entry : result_node.entries) entry.value = without_expressions(entry.value, choice_name);
  return result_node;
}

int TemplateReader::add_choice(const std::string& choice_name, const Yaml& node) {
  Choice choice = parse_choice(choice_name, without_expressions(node, choice_name));
  check_conditions(choice);
  choice.conditions.insert(choice.conditions.end(), conditions_.begin(), conditions_.end());
  return add_choice(std::move(choice));
}

int TemplateReader::add_choice(Choice choice) {
  if (index_of(choice.name) >= 0) {
    throw invalid(choice.where, "two choices named '" + choice.name + "'", "give their elements different names");
  }
  const int index = static_cast<int>(choices.size());
  choice_indices_[choice.name] = index;
  choices.push_back(std::move(choice));
  return index;
}

void TemplateReader::check_conditions(Choice& choice) const {
  for (auto& condition : choice.conditions) {
    const int index = index_of(condition.parent);
    if (index < 0) {
      std::vector<std::string> names;
      for (const auto& earlier : choices) names.push_back(earlier.name);
      throw invalid(
          choice.where,
          "choice '" + choice.name + "' is conditional on '" + condition.parent + "', which is no choice before it",
          names.empty() ? "declare '" + condition.parent + "' above it" : suggest(condition.parent, names));
    }
    const Choice& parent = choices[static_cast<std::size_t>(index)];
    if (std::holds_alternative<Real>(parent.domain)) {
      throw invalid(choice.where,
                    "choice '" + choice.name + "' is conditional on the real choice '" + parent.name + "'",
                    "make conditions on categorical or integer choices only");
    }
    for (auto& value : condition.values) {
      const auto fitting = converted(parent, value);
      if (!fitting) {
        throw invalid(
            choice.where,
            "choice '" + choice.name + "' waits for " + parent.name + " = " + to_string(value) + ", which never holds",
            "'" + parent.name + "' is " + domain_text(parent));
      }
      value = *fitting;
    }
  }
}

int TemplateReader::index_of(const std::string& choice_name) const {
  const auto found = choice_indices_.find(choice_name);
  return found == choice_indices_.end() ? -1 : found->second;
}

void TemplateReader::check_name(const std::string& word, const Location& where) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (!word.empty() && word[0] != '-' && std::all_of(word.begin(), word.end(), fits)) return;
  throw invalid(where, "'" + word + "' cannot be a name", "use letters, digits, '_' and '-'");
}

}  // namespace netwright
