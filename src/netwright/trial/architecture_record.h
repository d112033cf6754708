// What a search in a supernet thinks of every option after an epoch, and the network it would give then: what a report
// draws over epochs. A trainer sends it as `details.architecture` of a measurement (docs/trial-protocol.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "netwright/base/json.h"

namespace netwright {

constexpr int architecture_record_version = 1;

struct ArchitectureRecord {
  struct Row {
    std::string name;             // of the decision: a choice, or "NODE ← SOURCE" of an edge
    std::vector<double> weights;  // one an option, of sum 1
    int picked = -1;              // the option in the decoded network; -1: the edge is not in it
    std::optional<double> edge;   // the edge's own weight, where edges are weighted
  };
  // Decisions of one cell with the same options.
  struct Group {
    std::string name;
    std::vector<std::string> options;
    std::vector<Row> rows;
  };
  std::vector<Group> groups;
};

// Weights with four decimals.
Json to_json(const ArchitectureRecord& record);
// Nullopt for what is no such record, or one of a later version: a report leaves it out.
std::optional<ArchitectureRecord> architecture_record_from_json(const Json& json);

// Something that a search in a supernet was seen to do at the measured epoch: `details.signs`.
struct CollapseSign {
  std::string rule;  // "skip_connections", "eigenvalue"
  std::string text;  // what was seen, for a person; one line
};

Json to_json(const std::vector<CollapseSign>& signs);
std::vector<CollapseSign> collapse_signs_from_json(const Json& json);  // what is no sign is passed over

}  // namespace netwright
