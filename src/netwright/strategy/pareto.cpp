#include "netwright/strategy/pareto.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "netwright/trial/dominance.h"

namespace netwright {
namespace {

// Non-dominated sorting among the feasible; the others share a rank behind all of theirs.
void assign_ranks(const std::vector<Member>& members, std::vector<Fitness>& fitness) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < members.size(); ++i) {
    fitness[i].rank = members.size();
    if (members[i].violation == 0) left.push_back(i);
  }
  for (std::size_t rank = 0; !left.empty(); ++rank) {
    std::vector<std::size_t> rest;
    for (const std::size_t i : left) {
      const bool beaten = std::any_of(left.begin(), left.end(), [&](std::size_t j) {
        return dominates_scores(members[j].scores, members[i].scores);
      });
      fitness[i].rank = rank;
      if (beaten) rest.push_back(i);
    }
    left = std::move(rest);
  }
}

// Crowding distance: the sum over objectives of the gap between a member's neighbours of its own rank, relative to the
// whole rank's extent; infinite for the extremes.
void assign_spreads(const std::vector<Member>& members, std::vector<Fitness>& fitness) {
  const std::size_t objectives = members.front().scores.size();
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t k = 0; k < objectives; ++k) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (fitness[a].rank != fitness[b].rank) return fitness[a].rank < fitness[b].rank;
      return members[a].scores[k] < members[b].scores[k];
    });
    for (std::size_t first = 0, last = 0; first < order.size(); first = last + 1) {
      last = first;
      while (last + 1 < order.size() && fitness[order[last + 1]].rank == fitness[order[first]].rank) ++last;
      const auto at = [&](std::size_t place) { return members[order[place]].scores[k]; };
      const double extent = at(last) - at(first);
      fitness[order[first]].spread = fitness[order[last]].spread = std::numeric_limits<double>::infinity();
      for (std::size_t i = first + 1; i < last && extent > 0; ++i) {
        fitness[order[i]].spread += (at(i + 1) - at(i - 1)) / extent;
      }
    }
  }
}

}  // namespace

std::optional<Member> member_of(const Trial& trial, const std::vector<Objective>& objectives) {
  if (trial.state != TrialState::complete) return std::nullopt;
  Member member;
  member.configuration = trial.configuration;
  for (const auto& objective : objectives) {
    const auto value = score(trial, objective);
    if (!value) return std::nullopt;
    member.scores.push_back(*value);
  }
  member.violation = violation_of(member.scores, objectives);
  return member;
}

std::vector<Fitness> rate(const std::vector<Member>& members) {
  std::vector<Fitness> fitness(members.size());
  if (members.empty()) return fitness;
  for (std::size_t i = 0; i < members.size(); ++i) fitness[i].violation = members[i].violation;
  if (members.front().scores.size() == 1) {
    for (std::size_t i = 0; i < members.size(); ++i) fitness[i].spread = members[i].scores.front();
  } else {
    assign_ranks(members, fitness);
    assign_spreads(members, fitness);
  }
  return fitness;
}

}  // namespace netwright
