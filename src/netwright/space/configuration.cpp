#include "netwright/space/configuration.h"

#include <algorithm>

#include "netwright/base/error.h"

namespace netwright {

namespace {

bool before(const Configuration::Entry& entry, const std::string& choice) {
  return entry.first < choice;
}

}  // namespace

Configuration Configuration::from_sorted(std::vector<Entry> values) {
  Configuration configuration;
  configuration.values_ = std::move(values);
  return configuration;
}

const Value* Configuration::find(const std::string& choice) const {
  const auto found = std::lower_bound(values_.begin(), values_.end(), choice, before);
  return found == values_.end() || found->first != choice ? nullptr : &found->second;
}

void Configuration::set(const std::string& choice, Value value) {
  const auto place = std::lower_bound(values_.begin(), values_.end(), choice, before);
  if (place != values_.end() && place->first == choice) {
    place->second = std::move(value);
  } else {
    values_.emplace(place, choice, std::move(value));
  }
}

void Configuration::erase(const std::string& choice) {
  const auto found = std::lower_bound(values_.begin(), values_.end(), choice, before);
  if (found != values_.end() && found->first == choice) values_.erase(found);
}

std::string Configuration::canonical_text() const {
  std::string text;
  for (const auto& [name, value] : values_) {
    if (!text.empty()) text += "; ";
    text += name + "=" + to_string(value);
  }
  return text;
}

Json to_json(const Configuration& configuration) {
  Json json = Json::object();
  for (const auto& [name, value] : configuration.values()) json[name] = to_json(value);
  return json;
}

Configuration configuration_from_json(const Json& json) {
  if (!json.is_object()) {
    throw Error(ExitCode::failure, std::string("a configuration must be an object, not ") + json.type_name());
  }
  Configuration configuration;
  for (const auto& [name, value] : json.items()) configuration.set(name, value_from_json(value));
  return configuration;
}

}  // namespace netwright
