// What an element of a space file looks like, before any name has a meaning. Internal to SearchSpace.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/space/space_template.h"

namespace netwright {

// Whether a mapping is an inline choice: {choice: …}, {integer: …} or {real: …}.
bool is_hole(const Yaml& node);

// name, from, repeat, op, cell, …: everything else in an element is a parameter.
bool is_reserved(const std::string& key);

// The key that says what the element is. Throws an invalid Error unless there is exactly one.
const YamlEntry& kind_of(const Yaml& node);

// The name given, or what the element is, numbered where that is taken.
std::string name_of(const Yaml& node, const std::map<std::string, Source>& taken);

// Throws an invalid Error for any other key.
void allow_only(const Yaml& node, const std::string& what, const std::vector<std::string>& allowed);

}  // namespace netwright
