// Which of several evaluated configurations is better, with constraints and several objectives: ranking and crowding of
// NSGA-II (Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEC 6(2), 2002).
#pragma once

#include <optional>
#include <vector>

#include "netwright/trial/objective.h"

namespace netwright {

struct Member {
  Configuration configuration;
  std::vector<double> scores;  // of each objective, larger is better
  double violation = 0;        // by how much constraints are broken, each relative to its bound; 0: feasible
};

// nullopt for a trial that is not complete or lacks an objective's metric.
std::optional<Member> member_of(const Trial& trial, const std::vector<Objective>& objectives);

// How good a member is among others; compared in this order.
struct Fitness {
  double violation = 0;  // smaller is better
  std::size_t rank = 0;  // smaller is better
  double spread = 0;     // larger is better: the score itself where there is one objective, or the crowding distance

  bool better_than(const Fitness& other) const {
    if (violation != other.violation) return violation < other.violation;
    if (rank != other.rank) return rank < other.rank;
    return spread > other.spread;
  }
};

// Each member's among all of them. One objective: rank 0 and the score as spread. Several: Pareto ranks among the
// feasible, the others sharing a rank behind all of theirs; the crowding distance is the sum over objectives of the gap
// between a member's neighbours of its own rank, relative to the whole rank's extent, and infinite for the extremes.
std::vector<Fitness> rate(const std::vector<Member>& members);

}  // namespace netwright
