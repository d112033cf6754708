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
  // A search trial that is complete, pruned or failed; called once a trial, in the order in which trials ended. Under a
  // schedule with rungs also each time the trial pauses at one: its state is paused, its last measurement is that
  // rung's, and it is told again should it go on. Trials that were never asked for may be told too (imported ones).
  virtual void tell(const Trial& trial) = 0;
};

// What a strategy is made from. `options` is the experiment's `search.strategy` mapping with its `name`; strict.
struct StrategyContext {
  const SearchSpace& space;  // outlives the strategy
  std::vector<Objective> objectives;
  const Yaml& options;
};

// The only objective, for strategies that know no more. Throws an invalid Error at the strategy's place that names the
// strategies for several.
const Objective& only_objective(const StrategyContext& context, const std::string& strategy);

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
