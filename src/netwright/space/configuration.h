// A value for every active choice. Equal configurations have equal canonical text.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/space/value.h"

namespace netwright {

class Configuration {
 public:
  using Entry = std::pair<std::string, Value>;  // a choice's name and its value

  Configuration() = default;
  explicit Configuration(const std::map<std::string, Value>& values) : values_(values.begin(), values.end()) {}
  // Precondition: sorted by name, each name once.
  static Configuration from_sorted(std::vector<Entry> values);

  const std::vector<Entry>& values() const { return values_; }  // sorted by name
  const Value* find(const std::string& choice) const;           // null when that choice is not active
  void set(const std::string& choice, Value value);             // adds or replaces
  void erase(const std::string& choice);

  // "name=value" joined by "; ", sorted by name.
  std::string canonical_text() const;

  bool operator==(const Configuration&) const = default;

 private:
  std::vector<Entry> values_;  // one block of memory: configurations are made by the million
};

Json to_json(const Configuration& configuration);         // an object
Configuration configuration_from_json(const Json& json);  // throws Error on a malformed document

}  // namespace netwright
