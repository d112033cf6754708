#include "netwright/base/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "netwright/base/text.h"

namespace netwright {
namespace {

std::string describe(const Yaml& node) {
  switch (node.kind) {
    case Yaml::Kind::null:
      return "nothing";
    case Yaml::Kind::scalar:
      return "'" + node.text.substr(0, 60) + "'";
    case Yaml::Kind::sequence:
      return "a list";
    case Yaml::Kind::mapping:
      return "a mapping";
  }
  return "";
}

Error wrong_type(const Yaml& node, std::string_view what, const std::string& expected) {
  return invalid(node.where, "'" + std::string(what) + "' must be " + expected + ", not " + describe(node),
                 "give " + expected);
}

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Yaml& Yaml::set(const std::string& key, Yaml value) {
  if (kind == Kind::null) kind = Kind::mapping;
  for (auto& entry : entries) {
    if (entry.key == key) return entry.value = std::move(value);
  }
  entries.push_back({key, value.where, std::move(value)});
  return entries.back().value;
}

bool Yaml::reads_as_integer(std::int64_t* value) const {
  if (!is_scalar() || quoted) return false;
  std::int64_t parsed = 0;
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(begin, end, parsed);
  if (result.ec != std::errc{} || result.ptr != end) return false;
  if (value != nullptr) *value = parsed;
  return true;
}

bool Yaml::reads_as_number(double* value) const {
  if (!is_scalar() || quoted) return false;
  double parsed = 0;
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(begin, end, parsed);
  if (result.ec != std::errc{} || result.ptr != end || !std::isfinite(parsed)) return false;
  if (value != nullptr) *value = parsed;
  return true;
}

bool Yaml::reads_as_boolean(bool* value) const {
  if (!is_scalar() || quoted) return false;
  const bool yes = text == "true" || text == "True" || text == "TRUE" || text == "yes" || text == "on";
  const bool no = text == "false" || text == "False" || text == "FALSE" || text == "no" || text == "off";
  if (value != nullptr && (yes || no)) *value = yes;
  return yes || no;
}

std::int64_t Yaml::as_integer(std::string_view what, std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  if (!reads_as_integer(&value)) {
    double number = 0;  // 1e3 is an integer too
    if (!reads_as_number(&number) || number != std::floor(number) || std::fabs(number) > 9e15) {
      throw wrong_type(*this, what, "an integer");
    }
    value = static_cast<std::int64_t>(number);
  }
  if (value < low || value > high) {
    const std::string range = high == std::numeric_limits<std::int64_t>::max()
                                  ? "at least " + std::to_string(low)
                                  : "between " + std::to_string(low) + " and " + std::to_string(high);
    throw invalid(where, "'" + std::string(what) + "' is " + text, "it must be " + range);
  }
  return value;
}

double Yaml::as_number(std::string_view what, double low, double high) const {
  double value = 0;
  if (!reads_as_number(&value)) throw wrong_type(*this, what, "a number");
  if (value < low || value > high) {
    const std::string range =
        std::isinf(high) ? "at least " + number_text(low) : "between " + number_text(low) + " and " + number_text(high);
    throw invalid(where, "'" + std::string(what) + "' is " + text, "it must be " + range);
  }
  return value;
}

bool Yaml::as_boolean(std::string_view what) const {
  bool value = false;
  if (!reads_as_boolean(&value)) throw wrong_type(*this, what, "true or false");
  return value;
}

const std::string& Yaml::as_text(std::string_view what) const {
  if (!is_scalar()) throw wrong_type(*this, what, "text");
  return text;
}

void set_by_path(Yaml& root, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw Error(ExitCode::usage, "--set " + std::string(assignment) + " has no key=value",
                "write --set recipe.epochs=5, for example");
  }
  const std::string origin = "--set " + std::string(assignment.substr(0, equals));
  Yaml value = parse_yaml(assignment.substr(equals + 1), origin);
  Yaml* node = &root;
  const auto parts = split(assignment.substr(0, equals), '.');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part.empty()) throw Error(ExitCode::usage, origin + " has an empty name between two dots");
    const bool last = i + 1 == parts.size();
    if (node->is_sequence()) {
      std::size_t index = 0;
      const auto result = std::from_chars(part.data(), part.data() + part.size(), index);
      if (result.ec != std::errc{} || result.ptr != part.data() + part.size() || index >= node->items.size()) {
        throw Error(ExitCode::usage, origin + ": '" + part + "' is not an index of that list");
      }
      node = &node->items[index];
    } else {
      if (!node->is_mapping() && !node->is_null()) *node = Yaml{};
      node->kind = Yaml::Kind::mapping;
      if (node->where.file.empty()) node->where = value.where;
      if (node->find(part) == nullptr) {
        Yaml made;
        made.where = value.where;
        node->set(part, std::move(made));
      }
      node = const_cast<Yaml*>(node->find(part));
    }
    if (last) *node = std::move(value);
  }
}

MappingReader::MappingReader(const Yaml& node, std::string what) : node_(node), what_(std::move(what)) {
  if (!node.is_mapping() && !node.is_null()) throw wrong_type(node, what_, "a mapping (key: value)");
}

const Yaml* MappingReader::optional(const std::string& key) {
  known_.push_back(key);
  const Yaml* found = node_.find(key);
  return found != nullptr && found->is_null() ? nullptr : found;
}

const Yaml& MappingReader::required(const std::string& key) {
  const Yaml* found = optional(key);
  if (found == nullptr) throw invalid(node_.where, what_ + " lacks '" + key + "'", "add '" + key + ": …'");
  return *found;
}

bool MappingReader::has(const std::string& key) {
  return optional(key) != nullptr;
}

std::int64_t MappingReader::integer(const std::string& key, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_integer(key, low, high) : fallback;
}

double MappingReader::number(const std::string& key, double fallback, double low, double high) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_number(key, low, high) : fallback;
}

bool MappingReader::boolean(const std::string& key, bool fallback) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_boolean(key) : fallback;
}

std::string MappingReader::text(const std::string& key, const std::string& fallback) {
  const Yaml* found = optional(key);
  return found != nullptr ? found->as_text(key) : fallback;
}

std::string MappingReader::one_of(const std::string& key, const std::string& fallback,
                                  const std::vector<std::string>& allowed) {
  const Yaml* found = optional(key);
  if (found == nullptr) return fallback;
  const std::string& value = found->as_text(key);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    throw invalid(found->where, "'" + key + "' is '" + value + "'", suggest(value, allowed));
  }
  return value;
}

void MappingReader::finish() const {
  for (const auto& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) == known_.end()) {
      throw invalid(entry.where, "unknown key '" + entry.key + "' in " + what_, suggest(entry.key, known_));
    }
  }
}

}  // namespace netwright
