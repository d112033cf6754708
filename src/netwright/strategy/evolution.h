// Regularised evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search").
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

struct EvolutionOptions {
  int population = 20;  // the youngest so many evaluated trials; proposals are random until it is full
  int tournament = 5;   // drawn from the population, with replacement; the best of them is the parent
};

// A child is its parent with exactly one choice changed to a different value. The oldest member makes room for the
// newest, however good it is. Failed and pruned trials, and those without every objective's metric, do not become
// members. Feasible members win over infeasible ones, and of these the one that breaks its constraints less. Several
// objectives: the lower Pareto rank in the population wins, then the larger crowding distance (Deb et al. 2002). Under
// a schedule with rungs members are compared at the largest fidelity that as many trials as the population has have
// reached (level.h), and trials that are paused there are members.
std::unique_ptr<Strategy> make_evolution_strategy(const StrategyContext& context);

}  // namespace netwright
