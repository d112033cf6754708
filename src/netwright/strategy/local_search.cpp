#include "netwright/strategy/local_search.h"

#include <limits>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "netwright/strategy/neighbourhood.h"

namespace netwright {
namespace {

// What is known of a configuration.
struct Worth {
  bool finished = false;
  double score = 0;                               // of a finished one; −∞: failed or pruned
  std::vector<std::pair<double, double>> scores;  // fidelity and score of each measurement, rising
};

// Finished ones are compared by their scores; where one is paused at a rung, by what both had at the largest fidelity
// at which both were measured. Where there is none, neither is better.
bool better(const Worth& one, const Worth& other) {
  if (one.finished && other.finished) return one.score > other.score;
  auto first = one.scores.rbegin();
  auto second = other.scores.rbegin();
  while (first != one.scores.rend() && second != other.scores.rend()) {
    if (first->first == second->first) return first->second > second->second;
    if (first->first > second->first) {
      ++first;
    } else {
      ++second;
    }
  }
  return false;
}

struct Place {
  Configuration configuration;
  const Worth* worth = nullptr;  // which changes as the trial goes on
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
        const auto known = worth_.find(text);
        if (known != worth_.end()) {
          consider({std::move(neighbour), &known->second});
        } else if (!proposed_.contains(text)) {
          awaited_.insert(text);
          return propose(std::move(neighbour));
        }
      }
      if (!awaited_.empty()) return propose(unseen(random));
      std::optional<Place> next = std::move(better_);  // none: a local optimum
      forget_neighbours();
      current_.reset();
      if (next) go_to(std::move(*next));
    }
  }

  void tell(const Trial& trial) override {
    if (trial.state != TrialState::paused && !is_finished(trial.state)) return;
    const std::string text = trial.configuration.canonical_text();
    const auto [known, first] = worth_.try_emplace(text);
    Worth& worth = known->second;
    const bool told_before = !first && !worth.finished;  // at a lower rung
    const bool neighbour = awaited_.erase(text) > 0;
    update(worth, trial);
    if (worth.score == nothing) {
      std::erase_if(starts_, [&](const Place& start) { return start.worth == &worth; });
      return;
    }
    if (!neighbour && !told_before) starts_.push_back({trial.configuration, &worth});
    if (current_) consider({trial.configuration, &worth});
  }

 private:
  static constexpr double nothing = -std::numeric_limits<double>::infinity();

  void update(Worth& worth, const Trial& trial) const {
    const auto value = trial.state == TrialState::complete || trial.state == TrialState::paused
                           ? score(trial, objective_)
                           : std::nullopt;
    worth = {is_finished(trial.state), value.value_or(nothing), {}};
    if (!value) return;
    Trial view = trial;
    for (const Measurement& measurement : trial.measurements) {
      view.measurements.assign(1, measurement);
      if (const auto measured = score(view, objective_)) worth.scores.emplace_back(measurement.fidelity, *measured);
    }
  }

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
      if (better(*start.worth, *best->worth)) best = &start;
    }
    visited_.clear();
    go_to(*best);
    starts_.clear();
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

  void go_to(Place place) {
    visited_.insert(place.worth);
    current_ = std::move(place);
    forget_neighbours();
  }

  // An evaluated configuration while a climb is on. It never goes back: at rungs a can be better than b, b than c and c
  // than a, each at another fidelity.
  void consider(Place place) {
    if (visited_.contains(place.worth) || !better(*place.worth, *(better_ ? better_ : current_)->worth)) return;
    if (options_.move == LocalMove::best) {
      better_ = std::move(place);
    } else {
      go_to(std::move(place));
    }
  }

  void forget_neighbours() {
    steps_.reset();
    better_.reset();
    awaited_.clear();
  }

  const SearchSpace& space_;
  Objective objective_;
  LocalSearchOptions options_;
  std::unordered_map<std::string, Worth> worth_;  // of everything told, by canonical text
  std::unordered_set<std::string> proposed_;
  std::unordered_set<std::string> awaited_;   // proposed neighbours of the current one, not told
  std::unordered_set<const Worth*> visited_;  // by this climb
  std::vector<Place> starts_;                 // evaluated, for the next climb
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
