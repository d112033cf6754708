// The configurations that a strategy has proposed and has not been told the end of: parallel workers are at them.
#pragma once

#include <algorithm>
#include <vector>

#include "netwright/trial/trial.h"

namespace netwright {

class Pending {
 public:
  void add(const Configuration& configuration) { configurations_.push_back(configuration); }

  // To be called from tell(). Trials that were never asked for (imported ones) change nothing.
  void told(const Trial& trial) {
    if (!is_finished(trial.state)) return;
    const auto found = std::find(configurations_.begin(), configurations_.end(), trial.configuration);
    if (found != configurations_.end()) configurations_.erase(found);
  }

  const std::vector<Configuration>& configurations() const { return configurations_; }  // in order of proposal

 private:
  std::vector<Configuration> configurations_;
};

}  // namespace netwright
