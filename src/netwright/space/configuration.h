// A value for every active choice. Equal configurations have equal canonical text.
#pragma once

#include <map>
#include <string>

#include "netwright/base/json.h"
#include "netwright/space/value.h"

namespace netwright {

class Configuration {
 public:
  Configuration() = default;
  explicit Configuration(std::map<std::string, Value> values) : values_(std::move(values)) {}

  const std::map<std::string, Value>& values() const { return values_; }
  const Value* find(const std::string& choice) const;  // null when that choice is not active
  void set(const std::string& choice, Value value) { values_[choice] = std::move(value); }
  void erase(const std::string& choice) { values_.erase(choice); }

  // "name=value" lines joined by "; ", sorted by name.
  std::string canonical_text() const;

  bool operator==(const Configuration&) const = default;

 private:
  std::map<std::string, Value> values_;
};

Json to_json(const Configuration& configuration);         // an object
Configuration configuration_from_json(const Json& json);  // throws Error on a malformed document

}  // namespace netwright
