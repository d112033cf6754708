#include "netwright/space/operation.h"

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/operation_rows.h"

namespace netwright {

namespace {

const char* kind_of(const Value& value) {
  constexpr const char* kinds[] = {"true or false", "an integer", "a number", "text"};
  return kinds[value.index()];
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  parameters += other.parameters;
  macs += other.macs;
  bias_adds += other.bias_adds;
  return *this;
}

OperationTable OperationTable::standard() {
  OperationTable table;
  rows::add_convolutions(table);
  rows::add_blocks(table);
  rows::add_plain(table);
  return table;
}

void OperationTable::add(Operation operation) {
  bases_.erase(operation.name);
  if (!operation.shape) {
    operation.shape = [](const std::vector<Shape>& inputs, const Parameters&) { return inputs.at(0); };
  }
  if (!operation.cost) {
    operation.cost = [](const std::vector<Shape>&, const Shape&, const Parameters&) { return Cost{}; };
  }
  const std::string name = operation.name;
  rows_.insert_or_assign(name, std::move(operation));
}

void OperationTable::alias(const std::string& name, const std::string& base, const Parameters& defaults) {
  Operation row = at(base);
  row.defaults = complete(base, defaults);
  row.name = name;
  const std::string root = base_of(base);
  rows_.insert_or_assign(name, std::move(row));
  if (root == name) {
    bases_.erase(name);  // an operation given other defaults under its own name
  } else {
    bases_.insert_or_assign(name, root);
  }
}

const Operation* OperationTable::find(const std::string& name) const {
  const auto found = rows_.find(name);
  return found == rows_.end() ? nullptr : &found->second;
}

const Operation& OperationTable::at(const std::string& name) const {
  if (const Operation* row = find(name)) return *row;
  throw invalid({}, "unknown operation '" + name + "'", suggest(name, names()));
}

std::vector<std::string> OperationTable::names() const {
  std::vector<std::string> names;
  names.reserve(rows_.size());
  for (const auto& [name, row] : rows_) names.push_back(name);
  return names;
}

const std::string& OperationTable::base_of(const std::string& name) const {
  const auto found = bases_.find(name);
  return found == bases_.end() ? name : found->second;
}

Parameters OperationTable::complete(const std::string& name, const Parameters& given) const {
  const Operation& row = at(name);
  Parameters all = row.defaults;
  for (const auto& [key, value] : given) {
    const auto found = all.find(key);
    if (found == all.end()) {
      std::vector<std::string> valid;
      for (const auto& [parameter, unused] : row.defaults) valid.push_back(parameter);
      throw invalid({}, "operation '" + name + "' has no parameter '" + key + "'",
                    valid.empty() ? "remove it: '" + name + "' takes no parameters" : suggest(key, valid));
    }
    Value& slot = found->second;
    if (slot.index() == value.index()) {
      slot = value;
    } else if (std::holds_alternative<double>(slot) && std::holds_alternative<std::int64_t>(value)) {
      slot = static_cast<double>(std::get<std::int64_t>(value));
    } else {
      throw invalid({}, "parameter '" + key + "' of operation '" + name + "' is " + to_string(value),
                    std::string("give ") + kind_of(slot) + ", e.g. " + to_string(slot));
    }
  }
  return all;
}

}  // namespace netwright
