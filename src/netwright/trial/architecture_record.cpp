#include "netwright/trial/architecture_record.h"

#include <cmath>
#include <stdexcept>

namespace netwright {
namespace {

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

ArchitectureRecord::Group group_from_json(const Json& json) {
  ArchitectureRecord::Group group;
  group.name = json.at("name").get<std::string>();
  group.options = json.at("options").get<std::vector<std::string>>();
  const Json& names = json.at("rows");
  for (std::size_t i = 0; i < names.size(); ++i) {
    ArchitectureRecord::Row row;
    row.name = names.at(i).get<std::string>();
    row.weights = json.at("weights").at(i).get<std::vector<double>>();
    row.picked = json.at("picked").at(i).get<int>();
    if (json.contains("edges")) row.edge = json.at("edges").at(i).get<double>();
    if (row.weights.size() != group.options.size() || row.picked < -1 ||
        row.picked >= static_cast<int>(group.options.size())) {
      throw std::out_of_range("architecture record");
    }
    group.rows.push_back(std::move(row));
  }
  return group;
}

}  // namespace

Json to_json(const ArchitectureRecord& record) {
  Json groups = Json::array();
  for (const auto& group : record.groups) {
    Json names = Json::array(), weights = Json::array(), picked = Json::array(), edges = Json::array();
    for (const auto& row : group.rows) {
      names.push_back(row.name);
      Json values = Json::array();
      for (const double weight : row.weights) values.push_back(rounded(weight));
      weights.push_back(std::move(values));
      picked.push_back(row.picked);
      if (row.edge) edges.push_back(rounded(*row.edge));
    }
    Json json = {{"name", group.name},
                 {"options", group.options},
                 {"rows", std::move(names)},
                 {"weights", std::move(weights)},
                 {"picked", std::move(picked)}};
    if (!edges.empty() && edges.size() == group.rows.size()) json["edges"] = std::move(edges);
    groups.push_back(std::move(json));
  }
  return {{"version", architecture_record_version}, {"groups", std::move(groups)}};
}

std::optional<ArchitectureRecord> architecture_record_from_json(const Json& json) {
  if (!json.is_object() || !json.contains("version") || json.at("version") != architecture_record_version) {
    return std::nullopt;
  }
  try {
    ArchitectureRecord record;
    for (const Json& group : json.at("groups")) record.groups.push_back(group_from_json(group));
    return record;
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const std::out_of_range&) {
    return std::nullopt;
  }
}

Json to_json(const std::vector<CollapseSign>& signs) {
  Json json = Json::array();
  for (const CollapseSign& sign : signs) json.push_back({{"rule", sign.rule}, {"text", sign.text}});
  return json;
}

std::vector<CollapseSign> collapse_signs_from_json(const Json& json) {
  std::vector<CollapseSign> signs;
  if (!json.is_array()) return signs;
  for (const Json& sign : json) {
    if (!sign.is_object() || !sign.contains("rule") || !sign.contains("text")) continue;
    if (sign.at("rule").is_string() && sign.at("text").is_string()) {
      signs.push_back({sign.at("rule").get<std::string>(), sign.at("text").get<std::string>()});
    }
  }
  return signs;
}

}  // namespace netwright
