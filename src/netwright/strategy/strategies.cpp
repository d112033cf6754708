// The table of strategies. A new one adds its pair of files and one row here.
#include "netwright/base/text.h"
#include "netwright/strategy/bananas.h"
#include "netwright/strategy/bayesian.h"
#include "netwright/strategy/bohb.h"
#include "netwright/strategy/evolution.h"
#include "netwright/strategy/grid.h"
#include "netwright/strategy/local_search.h"
#include "netwright/strategy/nsga2.h"
#include "netwright/strategy/ppo.h"
#include "netwright/strategy/random.h"
#include "netwright/strategy/reinforce.h"
#include "netwright/strategy/strategy.h"
#include "netwright/strategy/tpe.h"
#include "netwright/strategy/warm_start.h"

namespace netwright {

std::vector<StrategyRow> strategies() {
  return {
      {"random", "independent uniform configurations", make_random_strategy},
      {"grid", "every configuration once, in order", make_grid_strategy},
      {"evolution", "regularised evolution: one changed choice a child, the oldest member leaves",
       make_evolution_strategy},
      {"bayesian", "Bayesian optimisation with a Gaussian process over choices and networks", make_bayesian_strategy},
      {"bananas", "an ensemble of boosted trees predicts which mutation of the best trials is worth training",
       make_bananas_strategy},
      {"tpe", "tree-structured Parzen estimator: a density of good and one of other values for each choice",
       make_tpe_strategy},
      {"bohb", "BOHB's model: kernel densities over all choices, of the largest fidelity with enough trials",
       make_bohb_strategy},
      {"warm_start", "another strategy, begun with what a cheap score likes best", make_warm_start_strategy},
      {"local_search", "the neighbours of the best until none is better, then again from random",
       make_local_search_strategy},
      {"reinforce", "a sequential policy learned by policy gradient", make_reinforce_strategy},
      {"nsga2", "NSGA-II: crossover and mutation, the worst by Pareto rank and crowding leaves", make_nsga2_strategy},
      {"ppo", "a sequential policy learned by proximal policy optimisation", make_ppo_strategy},
  };
}

const Objective& only_objective(const StrategyContext& context, const std::string& strategy) {
  if (context.objectives.size() == 1) return context.objectives.front();
  throw invalid(context.options.where,
                "the strategy '" + strategy + "' searches for one objective, and there are " +
                    std::to_string(context.objectives.size()),
                "use strategy: evolution, nsga2 or random, or keep one objective");
}

std::unique_ptr<Strategy> make_strategy(const StrategyContext& context) {
  std::vector<std::string> names;
  const Yaml* name = context.options.find("name");
  for (const auto& row : strategies()) {
    if (name != nullptr && name->is_scalar() && name->text == row.name) return row.make(context);
    names.push_back(row.name);
  }
  if (name == nullptr) {
    throw invalid(context.options.where, "the strategy has no name", "write strategy: {name: " + names.front() + "}");
  }
  const std::string& wrong = name->as_text("name");
  throw invalid(name->where, "there is no strategy '" + wrong + "'", suggest(wrong, names));
}

}  // namespace netwright
