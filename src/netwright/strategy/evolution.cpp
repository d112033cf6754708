#include "netwright/strategy/evolution.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>

namespace netwright {
namespace {

struct Member {
  Configuration configuration;
  std::vector<double> scores;  // of each objective, larger is better
  double violation = 0;        // by how much constraints are broken, each relative to its bound; 0: feasible
};

// How good a member is among the population; compared in this order.
struct Fitness {
  double violation = 0;  // smaller is better
  std::size_t rank = 0;  // smaller is better
  double spread = 0;     // larger is better: the score itself, or the crowding distance

  bool better_than(const Fitness& other) const {
    if (violation != other.violation) return violation < other.violation;
    if (rank != other.rank) return rank < other.rank;
    return spread > other.spread;
  }
};

double violation_of(const std::vector<double>& scores, const std::vector<Objective>& objectives) {
  double sum = 0;
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    if (!objectives[i].constraint) continue;
    const double bound = objectives[i].maximize ? *objectives[i].constraint : -*objectives[i].constraint;
    if (scores[i] < bound) sum += (bound - scores[i]) / (bound == 0 ? 1.0 : std::abs(bound));
  }
  return sum;
}

bool dominates(const Member& a, const Member& b) {
  bool better = false;
  for (std::size_t i = 0; i < a.scores.size(); ++i) {
    if (a.scores[i] < b.scores[i]) return false;
    better = better || a.scores[i] > b.scores[i];
  }
  return better;
}

// Non-dominated sorting among the feasible; the others share a rank behind all of theirs.
void assign_ranks(const std::deque<Member>& members, std::vector<Fitness>& fitness) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < members.size(); ++i) {
    fitness[i].rank = members.size();
    if (members[i].violation == 0) left.push_back(i);
  }
  for (std::size_t rank = 0; !left.empty(); ++rank) {
    std::vector<std::size_t> rest;
    for (const std::size_t i : left) {
      const bool beaten =
          std::any_of(left.begin(), left.end(), [&](std::size_t j) { return dominates(members[j], members[i]); });
      fitness[i].rank = rank;
      if (beaten) rest.push_back(i);
    }
    left = std::move(rest);
  }
}

// Crowding distance: the sum over objectives of the gap between a member's neighbours of its own rank, relative to the
// whole rank's extent; infinite for the extremes.
void assign_spreads(const std::deque<Member>& members, std::vector<Fitness>& fitness) {
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

class EvolutionStrategy : public Strategy {
 public:
  EvolutionStrategy(const SearchSpace& space, std::vector<Objective> objectives, const EvolutionOptions& options)
      : space_(space), objectives_(std::move(objectives)), options_(options) {}

  std::optional<Configuration> ask(Random& random) override {
    if (members_.size() < static_cast<std::size_t>(options_.population)) return space_.sample(random);
    const Configuration& parent = members_[tournament(random)].configuration;
    return can_change(parent) ? space_.mutate(parent, random) : space_.sample(random);
  }

  void tell(const Trial& trial) override {
    if (trial.state != TrialState::complete) return;
    Member member;
    member.configuration = trial.configuration;
    for (const auto& objective : objectives_) {
      const auto value = score(trial, objective);
      if (!value) return;
      member.scores.push_back(*value);
    }
    member.violation = violation_of(member.scores, objectives_);
    members_.push_back(std::move(member));
    if (members_.size() > static_cast<std::size_t>(options_.population)) members_.pop_front();
    fitness_.clear();
  }

 private:
  std::size_t tournament(Random& random) {
    if (fitness_.empty()) rate();
    std::size_t best = random.below(members_.size());
    for (int i = 1; i < options_.tournament; ++i) {
      const std::size_t rival = random.below(members_.size());
      if (fitness_[rival].better_than(fitness_[best])) best = rival;
    }
    return best;
  }

  void rate() {
    fitness_.assign(members_.size(), {});
    for (std::size_t i = 0; i < members_.size(); ++i) fitness_[i].violation = members_[i].violation;
    if (objectives_.size() == 1) {
      for (std::size_t i = 0; i < members_.size(); ++i) fitness_[i].spread = members_[i].scores.front();
    } else {
      assign_ranks(members_, fitness_);
      assign_spreads(members_, fitness_);
    }
  }

  // Whether some active choice has another value to offer.
  bool can_change(const Configuration& configuration) const {
    return std::any_of(space_.choices().begin(), space_.choices().end(), [&](const Choice& choice) {
      return configuration.find(choice.name) != nullptr && count_values(choice).value_or(2) > 1;
    });
  }

  const SearchSpace& space_;
  std::vector<Objective> objectives_;
  EvolutionOptions options_;
  std::deque<Member> members_;    // oldest first
  std::vector<Fitness> fitness_;  // of the members; empty: not yet computed
};

}  // namespace

std::unique_ptr<Strategy> make_evolution_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  EvolutionOptions options;
  reader.optional("name");
  options.population = static_cast<int>(reader.integer("population", options.population, 1, 100000));
  const int usual = std::min(options.tournament, options.population);
  options.tournament = static_cast<int>(reader.integer("tournament", usual, 1, options.population));
  reader.finish();
  return std::make_unique<EvolutionStrategy>(context.space, context.objectives, options);
}

}  // namespace netwright
