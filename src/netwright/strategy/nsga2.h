// NSGA-II (Deb, Pratap, Agarwal & Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEC
// 6(2), 2002), one child at a time, so that parallel workers never wait for a generation.
#pragma once

#include <memory>

#include "netwright/strategy/strategy.h"

namespace netwright {

struct Nsga2Options {
  int population = 20;     // the best so many evaluated trials; proposals are random until so many have been made
  double crossover = 0.9;  // probability that a child has two parents
  double mutation = 0;     // probability that a choice changes; 0: one choice of a child on average
};

// A child of two parents: each choice holds one parent's value, either with equal probability; a choice that becomes
// active and has a value in neither parent is sampled.
Configuration crossed(const SearchSpace& space, const Configuration& one, const Configuration& other, Random& random);

// Parents are the winners of tournaments of two, by constraint domination, Pareto rank and crowding distance; an
// evaluated child enters the population and the worst member by the same order leaves. Failed and pruned trials, and
// those without every objective's metric, do not become members. Under a schedule with rungs members are compared at
// the largest fidelity that as many trials as the population has have reached (level.h).
std::unique_ptr<Strategy> make_nsga2_strategy(const StrategyContext& context);

}  // namespace netwright
