#include "netwright/bench/configuration_columns.h"

#include "netwright/base/text.h"
#include "netwright/space/nas_bench_201.h"

namespace netwright {
namespace {

// A cell read as the value of a choice: one of the domain's values whose text it is.
Value value_of(const Choice& choice, const std::string& cell, const Location& where) {
  Yaml node;
  node.kind = Yaml::Kind::scalar;
  node.text = cell;
  node.where = where;
  const auto value = converted(choice, value_from_yaml(node));
  if (value) return *value;
  const auto text = converted(choice, Value(cell));
  if (text) return *text;
  throw invalid(where, "'" + cell + "' is no value of choice '" + choice.name + "'", "use " + domain_text(choice));
}

Configuration from_canonical(const SearchSpace& space, const std::string& text, const Location& where) {
  Configuration configuration;
  for (std::string part : split(text, ';')) {
    part.erase(0, part.find_first_not_of(' '));
    const std::size_t equals = part.find('=');
    const Choice* choice = space.find(part.substr(0, equals));
    if (equals == std::string::npos || choice == nullptr) {
      throw invalid(where, "'" + part + "' sets no choice of the space '" + space.name() + "'",
                    "write choice=value; choice=value");
    }
    configuration.set(choice->name, value_of(*choice, part.substr(equals + 1), where));
  }
  return configuration;
}

}  // namespace

ConfigurationColumns::ConfigurationColumns(const SearchSpace& space, const CsvTable& table,
                                           const std::string& architecture)
    : space_(space), table_(table), has_architecture_(table.has(architecture)) {
  if (has_architecture_) {
    architecture_ = table.column(architecture);
  } else {
    for (const Choice& choice : space.choices()) columns_.push_back(table.column(choice.name));
  }
}

Configuration ConfigurationColumns::read(std::size_t row) const {
  Configuration configuration;
  try {
    if (has_architecture_) {
      const std::string& text = table_.text(row, architecture_);
      configuration =
          text.starts_with('|') ? nas_bench_201_configuration(text) : from_canonical(space_, text, table_.where(row));
    } else {
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Choice& choice = space_.choices()[i];
        if (!space_.is_active(choice, configuration)) continue;
        configuration.set(choice.name, value_of(choice, table_.text(row, columns_[i]), table_.where(row)));
      }
    }
    space_.validate(configuration);
  } catch (const Error& error) {
    if (error.where().line > 0) throw;
    throw invalid(table_.where(row), error.what(), "give a table of the space '" + space_.name() + "'");
  }
  return configuration;
}

}  // namespace netwright
