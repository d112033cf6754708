#include "netwright/report/architecture_history.h"

#include <algorithm>

namespace netwright {
namespace {

constexpr int colours = 8;

bool same_rows(const ArchitectureRecord& a, const ArchitectureRecord& b) {
  return std::equal(a.groups.begin(), a.groups.end(), b.groups.begin(), b.groups.end(),
                    [](const ArchitectureRecord::Group& left, const ArchitectureRecord::Group& right) {
                      return left.name == right.name && left.options == right.options &&
                             left.rows.size() == right.rows.size();
                    });
}

// `none` is grey and a skip connection red wherever they stand among the options; the others take turns.
std::map<std::string, std::string> colours_of(const ArchitectureRecord& record) {
  std::map<std::string, std::string> kinds;
  int next = 0;
  for (const auto& group : record.groups) {
    for (const std::string& option : group.options) {
      if (kinds.contains(option)) continue;
      if (option == "none" || option == "zero") {
        kinds[option] = "none";
      } else if (option == "skip_connect" || option == "identity") {
        kinds[option] = "skip";
      } else {
        kinds[option] = "op" + std::to_string(next++ % colours);
      }
    }
  }
  return kinds;
}

}  // namespace

ArchitectureHistory architecture_history(const ReportInput& input) {
  ArchitectureHistory history;
  for (const Trial& trial : input.trials) {
    if (trial.purpose != TrialPurpose::search || !history.empty()) continue;
    for (const Measurement& measurement : trial.measurements) {
      if (!measurement.details.is_object() || !measurement.details.contains("architecture")) continue;
      auto record = architecture_record_from_json(measurement.details.at("architecture"));
      if (!record || (!history.empty() && !same_rows(*record, history.records.front()))) continue;
      history.trial = &trial;
      history.epochs.push_back(measurement.fidelity);
      history.records.push_back(std::move(*record));
      if (!measurement.details.contains("signs")) continue;
      for (CollapseSign& sign : collapse_signs_from_json(measurement.details.at("signs"))) {
        history.signs.push_back({measurement.fidelity, std::move(sign)});
      }
    }
  }
  if (!history.empty()) history.kinds = colours_of(history.records.front());
  return history;
}

}  // namespace netwright
