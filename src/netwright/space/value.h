// What a choice may be set to and what an operation's parameter may hold.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "netwright/base/json.h"
#include "netwright/base/yaml.h"

namespace netwright {

using Value = std::variant<bool, std::int64_t, double, std::string>;

// One text a value: true, 3, 0.1, 1.0 (a real always has a dot, an exponent, inf or nan), relu. Text is quoted,
// JSON-fashion, where it would read as another kind or holds a character other than letters, digits and _ - . , +.
std::string to_string(const Value& value);

Json to_json(const Value& value);
Value value_from_json(const Json& json);  // throws Error on null, array, object
Value value_from_yaml(
    const Yaml& node);  // unquoted true/3/0.1 become boolean, integer, real; throws at the node's place
Yaml to_yaml(const Value& value);

// Parameters of an operation by name. Sorted, so equal parameters print equal.
using Parameters = std::map<std::string, Value>;

// Reads a parameter; `fallback` when absent. Throws std::logic_error on the wrong kind (the operation table has checked
// kinds before).
std::int64_t integer_of(const Parameters& parameters, const std::string& name, std::int64_t fallback);
double real_of(const Parameters& parameters, const std::string& name, double fallback);
bool boolean_of(const Parameters& parameters, const std::string& name, bool fallback);
std::string text_of(const Parameters& parameters, const std::string& name, const std::string& fallback);

}  // namespace netwright
