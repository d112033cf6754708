// Signs that a search in a supernet collapses: it prefers what trains fast, above all skip connections, and its network
// does badly once it stands alone. Rules over the search's epochs so far; a new one is a row in collapse.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/trial/collapse_options.h"

namespace netwright {

// Skip connections of a decoded cell.
struct CellSkips {
  std::string cell;
  bool normal = true;  // keeps height and width
  int count = 0;
};

struct EpochHealth {
  std::int64_t epoch = 0;              // done
  double entropy = 0;                  // mean over rows, in nats
  double sparsity = 0;                 // mean over rows: 0 all options weigh the same … 1 one has all the weight
  std::vector<CellSkips> skips;        // by cell; the network around the cells comes last, if anything is open there
  std::optional<double> eigenvalue;    // of the validation loss's Hessian in the architecture, largest in magnitude
  std::optional<int> changed_choices;  // of the decoded network since the epoch before; absent in the first
  std::int64_t changed_epochs = 0;     // epochs so far in which any changed

  int skip_count() const;
};

Json to_json(const EpochHealth& health);
EpochHealth epoch_health_from_json(const Json& json);  // throws Json::exception

struct FoundSign {
  std::string text;          // one line
  std::int64_t back_to = 0;  // the epoch whose architecture is from before
};

struct CollapseRule {
  std::string name;
  std::string summary;
  // After the last epoch of `history`, which is not empty and holds every epoch from the first on. Epochs before
  // `first` are not judged.
  std::optional<FoundSign> (*judge)(const std::vector<EpochHealth>& history, const CollapseOptions& options,
                                    std::int64_t first);
};

// - skip_connections: so many or more in one normal cell (Liang et al. 2019, "DARTS+: Improved Differentiable
//   Architecture Search with Early Stopping", criterion 1). Before is the last epoch in which no cell had so many;
//   where there is none, the present one.
// - eigenvalue: the smoothed eigenvalue of `window` values ago is less than `ratio` of the present one (Zela et al.
//   2020, "Understanding and Robustifying Differentiable Architecture Search", section 4.3). Smoothed is the mean of
//   `window` values around, so that the present one is window / 2 values back. Before is where the earlier one lies.
std::vector<CollapseRule> collapse_rules();

}  // namespace netwright
