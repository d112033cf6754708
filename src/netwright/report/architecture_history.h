// What a search in a supernet thought of its options, epoch by epoch: read from the details of a trial's measurements.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "netwright/report/report.h"
#include "netwright/trial/architecture_record.h"

namespace netwright {

struct ArchitectureHistory {
  struct Sign {
    double epoch = 0;
    CollapseSign what;
  };

  const Trial* trial = nullptr;              // null: the study has no such search
  std::vector<double> epochs;                // measured with a record
  std::vector<ArchitectureRecord> records;   // one an epoch; all with the groups, rows and options of the first
  std::vector<Sign> signs;                   // of collapse, by epoch
  std::map<std::string, std::string> kinds;  // CSS class of each option's colour; the same throughout the page

  bool empty() const { return records.empty(); }
};

// Of the search's first trial that has records. Measurements without one, and those whose groups are others than the
// first one's, are passed over.
ArchitectureHistory architecture_history(const ReportInput& input);

}  // namespace netwright
