#include "netwright/space/configuration.h"

#include "netwright/base/error.h"

namespace netwright {

const Value* Configuration::find(const std::string& choice) const {
  const auto found = values_.find(choice);
  return found == values_.end() ? nullptr : &found->second;
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
