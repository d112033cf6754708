#include "netwright/strategy/policy_search.h"

#include <algorithm>
#include <cmath>

namespace netwright {

double RewardScale::advantage(double reward) {
  ++count_;
  const double weight = (1 - decay_) / (1 - std::pow(decay_, static_cast<double>(count_)));
  average_ += weight * (reward - average_);
  const double advantage = reward - average_;
  variance_ += weight * (advantage * advantage - variance_);
  return advantage;
}

double RewardScale::deviation() const {
  return std::sqrt(variance_);
}

PolicySearch::PolicySearch(const SearchSpace& space, Objective objective, const PolicySearchOptions& options)
    : policy_(space, options.policy), options_(options), adam_(options.rate), objective_(std::move(objective)) {}

std::optional<Configuration> PolicySearch::ask(Random& random) {
  constexpr int most_repeats = 20;  // a policy that has settled repeats itself
  for (int repeats = 0;; ++repeats) {
    Policy::Proposal proposal = policy_.propose(random);
    const std::string text = proposal.configuration.canonical_text();
    Episode episode{std::move(proposal.actions), std::move(proposal.log_probabilities), 0};
    const auto known = rewards_.find(text);
    if (options_.remember && known != rewards_.end() && repeats < most_repeats) {
      reward(std::move(episode), known->second);
      continue;
    }
    pending_.emplace(text, std::move(episode));
    return std::move(proposal.configuration);
  }
}

Episode PolicySearch::episode_of(const Trial& trial) {
  Episode episode;
  if (const auto paused = paused_.find(trial.id); paused != paused_.end()) {
    episode = std::move(paused->second);
    paused_.erase(paused);
  } else if (const auto asked = pending_.find(trial.configuration.canonical_text()); asked != pending_.end()) {
    episode = std::move(asked->second);
    pending_.erase(asked);
  } else {
    episode.actions = policy_.actions_of(trial.configuration);
    episode.log_probabilities = policy_.log_probabilities(episode.actions);
  }
  if (trial.state == TrialState::paused) paused_[trial.id] = episode;
  return episode;
}

PolicySearch::Peers& PolicySearch::peers(double rung) {
  return peers_.try_emplace(rung, Peers{RewardScale(options_.baseline)}).first->second;
}

void PolicySearch::tell(const Trial& trial) {
  const bool paused = trial.state == TrialState::paused;
  if (!paused && !is_finished(trial.state)) return;
  Episode episode = episode_of(trial);
  const auto value = paused || trial.state == TrialState::complete ? score(trial, objective_) : std::nullopt;
  Reward earned;
  if (value && std::isfinite(*value)) {
    earned = {paused ? trial.measurements.back().fidelity : whole, *value};
    Peers& compared = peers(earned.rung);
    compared.worst = std::min(compared.worst, *value);
  } else if (paused || peers_.empty()) {
    return;  // nothing to learn, or nothing to compare with yet
  } else {
    const auto found = peers_.find(whole);
    const auto& [rung, compared] = found != peers_.end() ? *found : *peers_.begin();
    earned = {rung, compared.worst};
  }
  rewards_[trial.configuration.canonical_text()] = earned;
  reward(std::move(episode), earned);
}

void PolicySearch::reward(Episode episode, const Reward& reward) {
  RewardScale& scale = peers(reward.rung).scale;
  episode.advantage = scale.advantage(reward.value);
  if (options_.normalize) {
    const double deviation = scale.deviation();
    episode.advantage = deviation > 0 ? episode.advantage / deviation : 0;
  }
  learn(std::move(episode));
}

void read_policy_search_options(MappingReader& reader, PolicySearchOptions& options) {
  reader.optional("name");
  options.rate = reader.number("learning_rate", options.rate, 0, 10);
  options.entropy = reader.number("entropy", options.entropy, 0, 1000);
  options.baseline = reader.number("baseline", options.baseline, 0, 0.999999);
  options.normalize = reader.boolean("normalize", options.normalize);
  options.remember = reader.boolean("remember", options.remember);
  options.policy.hidden = static_cast<int>(reader.integer("hidden", options.policy.hidden, 1, 4096));
  options.policy.bins = static_cast<int>(reader.integer("bins", options.policy.bins, 2, 10000));
}

}  // namespace netwright
