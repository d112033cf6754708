#include "netwright/space/value.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <type_traits>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

Yaml scalar(std::string text, bool quoted) {
  Yaml node;
  node.kind = Yaml::Kind::scalar;
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

bool is_plain_text(const std::string& text) {
  if (text.empty() || text == "null" || text == "Null" || text == "NULL" || text == "inf" || text == "-inf" ||
      text == "nan" || text == "-nan") {
    return false;
  }
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c < 128 && (std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == ',' || c == '+');
  });
  const Yaml node = scalar(text, false);
  return plain && !node.reads_as_boolean() && !node.reads_as_number();
}

// Bytes above 127 are kept as they are: the text is UTF-8, and different text must stay different.
std::string quote(const std::string& text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 32) {
      quoted += "\\u00";
      quoted += digits[byte >> 4];
      quoted += digits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string real_text(double value) {
  std::string text = number_text(value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";  // 'n' is in inf and nan
  return text;
}

[[noreturn]] void wrong_kind(const std::string& name, const char* expected, const Value& value) {
  throw std::logic_error("parameter '" + name + "' must be " + expected + ", not " + to_string(value));
}

}  // namespace

std::string to_string(const Value& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return real_text(*real);
  const auto& text = std::get<std::string>(value);
  return is_plain_text(text) ? text : quote(text);
}

Json to_json(const Value& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

Value value_from_json(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  throw Error(ExitCode::failure, std::string("a value must be a boolean, a number or text, not ") + json.type_name());
}

Value value_from_yaml(const Yaml& node) {
  if (!node.is_scalar()) {
    throw invalid(node.where, "a value must be a word, a number, true or false",
                  "write one value here; quote text that is empty or reads as null");
  }
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  if (node.reads_as_boolean(&boolean)) return boolean;
  if (node.reads_as_integer(&integer)) return integer;
  if (node.reads_as_number(&real)) return real;
  return node.text;
}

Yaml to_yaml(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return scalar(*text, true);
  return scalar(to_string(value), false);
}

std::int64_t integer_of(const Parameters& parameters, const std::string& name, std::int64_t fallback) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fallback;
  if (const auto* value = std::get_if<std::int64_t>(&found->second)) return *value;
  wrong_kind(name, "an integer", found->second);
}

double real_of(const Parameters& parameters, const std::string& name, double fallback) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fallback;
  if (const auto* value = std::get_if<double>(&found->second)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&found->second)) return static_cast<double>(*value);
  wrong_kind(name, "a number", found->second);
}

bool boolean_of(const Parameters& parameters, const std::string& name, bool fallback) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fallback;
  if (const auto* value = std::get_if<bool>(&found->second)) return *value;
  wrong_kind(name, "true or false", found->second);
}

std::string text_of(const Parameters& parameters, const std::string& name, const std::string& fallback) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fallback;
  if (const auto* value = std::get_if<std::string>(&found->second)) return *value;
  wrong_kind(name, "text", found->second);
}

}  // namespace netwright
