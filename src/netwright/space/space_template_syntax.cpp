#include "netwright/space/space_template_syntax.h"

#include <algorithm>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/expression.h"

namespace netwright {
namespace {

constexpr const char* kinds = "op, cell, sum, concat and block";

}  // namespace

bool is_hole(const Yaml& node) {
  return node.find("choice") != nullptr || node.find("integer") != nullptr || node.find("real") != nullptr;
}

bool is_reserved(const std::string& key) {
  static const std::vector<std::string> words = {"name", "from", "repeat", "op", "cell", "sum", "concat", "block"};
  return std::find(words.begin(), words.end(), key) != words.end();
}

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

}  // namespace netwright
