// Reading of edges: sources, and sums over chosen edges.
#include <algorithm>
#include <numeric>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/space_template_reader.h"
#include "netwright/space/space_template_syntax.h"

namespace netwright {
namespace {

constexpr std::size_t max_combinations = 10'000;

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
  read_candidates(*of, path, scope, chosen);
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

void TemplateReader::read_candidates(const Yaml& of, const std::string& path, const Scope& scope, ChosenSum& chosen) {
  if (!of.is_sequence() || of.items.empty()) {
    throw invalid(of.where, "'of' must list the sources to choose from", "write of: [a, b, c]");
  }
  for (const auto& item : of.items) {
    const std::string& word = item.as_text("of");
    if (std::find(chosen.names.begin(), chosen.names.end(), word) != chosen.names.end()) {
      throw invalid(item.where, "the source '" + word + "' is listed twice", "keep one of the two");
    }
    chosen.names.push_back(word);
    chosen.candidates.push_back(read_edge(item, path, scope));
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
    if (scope.chain && *number < 0 && *number >= -max_repeat) {
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
