#include "netwright/strategy/evolution.h"

#include <algorithm>

#include "netwright/strategy/level.h"

namespace netwright {
namespace {

class EvolutionStrategy : public Strategy {
 public:
  EvolutionStrategy(const SearchSpace& space, std::vector<Objective> objectives, const EvolutionOptions& options)
      : space_(space), options_(options), level_(std::move(objectives), static_cast<std::size_t>(options.population)) {}

  std::optional<Configuration> ask(Random& random) override {
    if (members_.size() < static_cast<std::size_t>(options_.population)) return space_.sample(random);
    const Configuration& parent = members_[tournament(random)].configuration;
    return can_change(parent) ? space_.mutate(parent, random) : space_.sample(random);
  }

  void tell(const Trial& trial) override {
    Level::News news = level_.tell(trial);
    if (news.anew) members_.clear();
    for (Member& member : news.members) {
      members_.push_back(std::move(member));
      if (members_.size() > static_cast<std::size_t>(options_.population)) members_.erase(members_.begin());
    }
    if (news.anew || !news.members.empty()) fitness_.clear();
  }

 private:
  std::size_t tournament(Random& random) {
    if (fitness_.empty()) fitness_ = rate(members_);
    std::size_t best = random.below(members_.size());
    for (int i = 1; i < options_.tournament; ++i) {
      const std::size_t rival = random.below(members_.size());
      if (fitness_[rival].better_than(fitness_[best])) best = rival;
    }
    return best;
  }

  // Whether some active choice has another value to offer.
  bool can_change(const Configuration& configuration) const {
    return std::any_of(space_.choices().begin(), space_.choices().end(), [&](const Choice& choice) {
      return configuration.find(choice.name) != nullptr && count_values(choice).value_or(2) > 1;
    });
  }

  const SearchSpace& space_;
  EvolutionOptions options_;
  Level level_;
  std::vector<Member> members_;   // oldest first
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
