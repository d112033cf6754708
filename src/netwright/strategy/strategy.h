// ask → Configuration, tell ← finished Trial.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/random.h"
#include "netwright/base/yaml.h"
#include "netwright/space/search_space.h"
#include "netwright/trial/objective.h"
#include "netwright/trial/trial.h"

namespace netwright {

class Strategy {
 public:
  virtual ~Strategy() = default;
  // The next configuration; nullopt when the strategy has none left (a finished grid). Several may be asked before the
  // first is told.
  virtual std::optional<Configuration> ask(Random& random) = 0;
  // A search trial that is complete, pruned or failed. Called once a trial, in the order in which trials finished.
  virtual void tell(const Trial& trial) = 0;
};

// What a strategy is made from. `options` is the experiment's `search.strategy` mapping with its `name`; strict.
struct StrategyContext {
  const SearchSpace& space;  // outlives the strategy
  std::vector<Objective> objectives;
  const Yaml& options;
};

struct StrategyRow {
  std::string name;
  std::string summary;
  std::unique_ptr<Strategy> (*make)(const StrategyContext&);
};

// Every strategy, in strategies.cpp.
std::vector<StrategyRow> strategies();

// Finds the row of `name:` and makes it; an invalid Error at the name's place suggests the nearest.
std::unique_ptr<Strategy> make_strategy(const StrategyContext& context);

}  // namespace netwright
