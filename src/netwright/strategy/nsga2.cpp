#include "netwright/strategy/nsga2.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "netwright/strategy/level.h"

namespace netwright {
namespace {

// Each active choice changes to a different value with the given probability; what becomes active is sampled.
Configuration mutated(const SearchSpace& space, const Configuration& parent, double probability, Random& random) {
  Configuration child;
  for (const Choice& choice : space.choices()) {
    if (!space.is_active(choice, child)) continue;
    const Value* present = parent.find(choice.name);
    if (present == nullptr) {
      child.set(choice.name, sample(choice, random));
    } else if (random.uniform() < probability && count_values(choice).value_or(2) > 1) {
      child.set(choice.name, mutate(choice, *present, random));
    } else {
      child.set(choice.name, *present);
    }
  }
  return child;
}

class Nsga2Strategy : public Strategy {
 public:
  Nsga2Strategy(const SearchSpace& space, std::vector<Objective> objectives, const Nsga2Options& options)
      : space_(space), options_(options), level_(std::move(objectives), static_cast<std::size_t>(options.population)) {}

  std::optional<Configuration> ask(Random& random) override {
    constexpr int attempts = 50;  // at a configuration that was not proposed or told before
    Configuration proposal;
    for (int i = 0; i < attempts; ++i) {
      proposal = draw(random);
      if (seen_.insert(proposal.canonical_text()).second) break;
    }
    return proposal;
  }

  void tell(const Trial& trial) override {
    seen_.insert(trial.configuration.canonical_text());
    Level::News news = level_.tell(trial);
    if (news.anew) members_.clear();
    for (Member& member : news.members) enter(std::move(member));
  }

 private:
  // Where the population is full, its worst member leaves.
  void enter(Member member) {
    members_.push_back(std::move(member));
    fitness_ = rate(members_);
    if (members_.size() <= static_cast<std::size_t>(options_.population)) return;
    std::size_t worst = 0;  // of equals the oldest
    for (std::size_t i = 1; i < members_.size(); ++i) {
      if (fitness_[worst].better_than(fitness_[i])) worst = i;
    }
    members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(worst));
    fitness_ = rate(members_);
  }

  Configuration draw(Random& random) const {
    if (members_.size() < static_cast<std::size_t>(options_.population)) return space_.sample(random);
    const Configuration& parent = tournament(random);
    const Configuration child =
        random.uniform() < options_.crossover ? crossed(space_, parent, tournament(random), random) : parent;
    const double share = 1 / static_cast<double>(std::max<std::size_t>(1, child.values().size()));
    return mutated(space_, child, options_.mutation > 0 ? options_.mutation : share, random);
  }

  const Configuration& tournament(Random& random) const {
    const std::size_t one = random.below(members_.size()), other = random.below(members_.size());
    return members_[fitness_[other].better_than(fitness_[one]) ? other : one].configuration;
  }

  const SearchSpace& space_;
  Nsga2Options options_;
  Level level_;
  std::vector<Member> members_;
  std::vector<Fitness> fitness_;  // of the members
  std::unordered_set<std::string> seen_;
};

}  // namespace

Configuration crossed(const SearchSpace& space, const Configuration& one, const Configuration& other, Random& random) {
  Configuration child;
  for (const Choice& choice : space.choices()) {
    if (!space.is_active(choice, child)) continue;
    const Value* first = one.find(choice.name);
    const Value* second = other.find(choice.name);
    if (random.below(2) == 1) std::swap(first, second);
    const Value* value = first != nullptr ? first : second;
    child.set(choice.name, value != nullptr ? *value : sample(choice, random));
  }
  return child;
}

std::unique_ptr<Strategy> make_nsga2_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  Nsga2Options options;
  reader.optional("name");
  options.population = static_cast<int>(reader.integer("population", options.population, 2, 100000));
  options.crossover = reader.number("crossover", options.crossover, 0, 1);
  options.mutation = reader.number("mutation", options.mutation, 0, 1);
  reader.finish();
  return std::make_unique<Nsga2Strategy>(context.space, context.objectives, options);
}

}  // namespace netwright
