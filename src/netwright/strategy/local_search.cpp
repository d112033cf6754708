#include "netwright/strategy/local_search.h"

#include <limits>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "netwright/strategy/neighbourhood.h"

namespace netwright {
namespace {

struct Place {
  Configuration configuration;
  double score = 0;
};

class LocalSearchStrategy : public Strategy {
 public:
  LocalSearchStrategy(const SearchSpace& space, Objective objective, const LocalSearchOptions& options)
      : space_(space), objective_(std::move(objective)), options_(options) {}

  std::optional<Configuration> ask(Random& random) override {
    while (true) {
      if (!current_ && !begin_climb()) return propose(unseen(random));
      while (const auto step = next_step(random)) {
        Configuration neighbour = stepped(space_, current_->configuration, *step, random);
        const std::string text = neighbour.canonical_text();
        const auto known = scores_.find(text);
        if (known != scores_.end()) {
          consider({std::move(neighbour), known->second});
        } else if (!proposed_.contains(text)) {
          awaited_.insert(text);
          return propose(std::move(neighbour));
        }
      }
      if (!awaited_.empty()) return propose(unseen(random));
      current_ = std::move(better_);  // none: a local optimum
      forget_neighbours();
    }
  }

  void tell(const Trial& trial) override {
    if (!is_finished(trial.state)) return;
    const std::string text = trial.configuration.canonical_text();
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    const double value = trial.state == TrialState::complete ? score(trial, objective_).value_or(nothing) : nothing;
    scores_[text] = value;
    const bool neighbour = awaited_.erase(text) > 0;
    if (value == nothing) return;
    if (!neighbour) starts_.push_back({trial.configuration, value});
    if (current_) consider({trial.configuration, value});
  }

 private:
  Configuration propose(Configuration configuration) {
    proposed_.insert(configuration.canonical_text());
    return configuration;
  }

  // Random, new where some are left (in a large space, nearly surely).
  Configuration unseen(Random& random) const {
    Configuration configuration = space_.sample(random);
    for (int attempt = 0; attempt < 100 && proposed_.contains(configuration.canonical_text()); ++attempt) {
      configuration = space_.sample(random);
    }
    return configuration;
  }

  bool begin_climb() {
    if (static_cast<int>(starts_.size()) < options_.starts) return false;
    const Place* best = &starts_.front();
    for (const Place& start : starts_) {
      if (start.score > best->score) best = &start;
    }
    current_ = *best;
    starts_.clear();
    forget_neighbours();
    return true;
  }

  std::optional<Step> next_step(Random& random) {
    if (!steps_) {
      steps_ = neighbourhood(space_, current_->configuration, options_.samples, random);
      random.shuffle(*steps_);
    }
    if (steps_->empty()) return std::nullopt;
    Step step = std::move(steps_->back());
    steps_->pop_back();
    return step;
  }

  // An evaluated configuration while a climb is on.
  void consider(Place place) {
    if (!(place.score > (better_ ? better_->score : current_->score))) return;
    if (options_.move == LocalMove::best) {
      better_ = std::move(place);
      return;
    }
    current_ = std::move(place);
    forget_neighbours();
  }

  void forget_neighbours() {
    steps_.reset();
    better_.reset();
    awaited_.clear();
  }

  const SearchSpace& space_;
  Objective objective_;
  LocalSearchOptions options_;
  std::unordered_map<std::string, double> scores_;  // of everything told, by canonical text
  std::unordered_set<std::string> proposed_;
  std::unordered_set<std::string> awaited_;  // proposed neighbours of the current one, not told
  std::vector<Place> starts_;                // evaluated, for the next climb
  std::optional<Place> current_;
  std::optional<Place> better_;  // the best evaluated neighbour, where it is better; only with LocalMove::best
  std::optional<std::vector<Step>> steps_;  // not yet tried, from the back; none: not yet listed
};

}  // namespace

std::unique_ptr<Strategy> make_local_search_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  LocalSearchOptions options;
  reader.optional("name");
  options.move = reader.one_of("move", "first", {"first", "best"}) == "best" ? LocalMove::best : LocalMove::first;
  options.starts = static_cast<int>(reader.integer("starts", options.starts, 1, 100000));
  options.samples = static_cast<int>(reader.integer("samples", options.samples, 1, 10000));
  reader.finish();
  return std::make_unique<LocalSearchStrategy>(context.space, only_objective(context, "local_search"), options);
}

}  // namespace netwright
