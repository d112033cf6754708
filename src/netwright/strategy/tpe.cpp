#include "netwright/strategy/tpe.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "netwright/strategy/tpe_dimension.h"

namespace netwright {
namespace {

constexpr std::size_t most_good = 25;

// A trial that has been told a score; better ones first.
struct Ranked {
  bool complete = false;
  double fidelity = 0;  // decides among those that are not complete
  double score = 0;
  std::uint32_t trial = 0;

  bool operator<(const Ranked& other) const {
    if (complete != other.complete) return complete;
    if (!complete && fidelity != other.fidelity) return fidelity > other.fidelity;
    if (score != other.score) return score > other.score;
    return trial < other.trial;
  }
};

class TpeStrategy : public Strategy {
 public:
  TpeStrategy(const SearchSpace& space, Objective objective, const TpeOptions& options)
      : space_(space), objective_(std::move(objective)), options_(options) {
    for (const Choice& choice : space.choices()) dimensions_.emplace_back(choice);
  }

  std::optional<Configuration> ask(Random& random) override {
    Configuration proposal =
        count_ < static_cast<std::uint32_t>(options_.startup) ? space_.sample(random) : propose(random);
    pending_.push_back({proposal, add(proposal)});
    return proposal;
  }

  void tell(const Trial& trial) override {
    const std::uint32_t number = number_of(trial);
    const auto known = std::find_if(ranking_.begin(), ranking_.end(),
                                    [number](const Ranked& ranked) { return ranked.trial == number; });
    if (trial.state == TrialState::paused) {
      paused_[trial.id] = number;
      if (known != ranking_.end()) ranking_.erase(known);  // its earlier rung
    } else if (paused_.erase(trial.id) > 0 && known != ranking_.end()) {
      ranking_.erase(known);
    }
    const auto value = score(trial, objective_);
    if (trial.state == TrialState::failed || !value) return;
    const double fidelity = trial.measurements.back().fidelity;
    const Ranked ranked{trial.state == TrialState::complete, fidelity, *value, number};
    ranking_.insert(std::lower_bound(ranking_.begin(), ranking_.end(), ranked), ranked);
  }

 private:
  struct Proposal {
    Configuration configuration;
    std::uint32_t number;
  };

  // Trials are numbered as proposed; imported ones as told.
  std::uint32_t number_of(const Trial& trial) {
    if (const auto paused = paused_.find(trial.id); paused != paused_.end()) return paused->second;
    const auto asked = std::find_if(pending_.begin(), pending_.end(), [&](const Proposal& proposal) {
      return proposal.configuration == trial.configuration;
    });
    if (asked == pending_.end()) return add(trial.configuration);
    const std::uint32_t number = asked->number;
    pending_.erase(asked);
    return number;
  }

  std::uint32_t add(const Configuration& configuration) {
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
      const Value* value = configuration.find(space_.choices()[i].name);
      if (value != nullptr) dimensions_[i].add(count_, *value);
    }
    return count_++;
  }

  Configuration propose(Random& random) {
    const auto wanted = static_cast<std::size_t>(std::ceil(options_.gamma * std::sqrt(static_cast<double>(count_))));
    const std::size_t good = std::min({wanted, most_good, ranking_.size()});
    good_.clear();
    is_good_.assign(count_, 0);
    for (std::size_t i = 0; i < good; ++i) {
      good_.push_back(ranking_[i].trial);
      is_good_[ranking_[i].trial] = 1;
    }
    linear_forgetting_weights(count_ - good, ranks_);
    weights_.resize(count_);
    std::size_t rank = 0;
    for (std::uint32_t trial = 0; trial < count_; ++trial) {
      weights_[trial] = is_good_[trial] ? 0.0 : ranks_[rank++];
    }
    Configuration proposal;
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
      const Choice& choice = space_.choices()[i];
      if (!space_.is_active(choice, proposal)) continue;
      proposal.set(choice.name,
                   dimensions_[i].propose({good_, is_good_, weights_}, options_.candidates, scratch_, random));
    }
    return proposal;
  }

  const SearchSpace& space_;
  Objective objective_;
  TpeOptions options_;
  std::vector<TpeDimension> dimensions_;                    // of each choice
  std::uint32_t count_ = 0;                                 // of trials, pending ones included
  std::vector<Ranked> ranking_;                             // best first
  std::vector<Proposal> pending_;                           // in order of proposal
  std::unordered_map<std::int64_t, std::uint32_t> paused_;  // the number of each paused trial, by id
  // Of the present proposal; see TpeSplit.
  std::vector<std::uint32_t> good_;
  std::vector<char> is_good_;
  std::vector<double> ranks_, weights_;
  TpeScratch scratch_;
};

}  // namespace

std::unique_ptr<Strategy> make_tpe_strategy(const StrategyContext& context) {
  MappingReader reader(context.options, "strategy");
  TpeOptions options;
  reader.optional("name");
  options.startup = static_cast<int>(reader.integer("startup", options.startup, 1, 100000));
  options.gamma = reader.number("gamma", options.gamma, 1e-6, 100);
  options.candidates = static_cast<int>(reader.integer("candidates", options.candidates, 1, 100000));
  reader.finish();
  return std::make_unique<TpeStrategy>(context.space, only_objective(context, "tpe"), options);
}

}  // namespace netwright
