#include "netwright/schedule/bracket.h"

#include <algorithm>

namespace netwright {

Bracket::Bracket(BracketPlan plan, int eta, std::vector<Objective> objectives)
    : plan_(std::move(plan)), eta_(eta), objectives_(std::move(objectives)) {}

void Bracket::start(std::int64_t trial) {
  running_.insert(trial);
  ++entered_;
}

std::int64_t Bracket::resume() {
  const std::int64_t trial = promoted_.front();
  promoted_.pop_front();
  running_.insert(trial);
  ++entered_;
  return trial;
}

bool Bracket::reached(const Trial& trial) {
  if (rung_ + 1 == plan_.rungs.size()) return true;  // `finished` follows
  running_.erase(trial.id);
  results_.add(rung_result(trial, objectives_));
  advance();
  return false;
}

void Bracket::finished(const Trial& trial) {
  if (running_.erase(trial.id) == 0) return;
  if (trial.state == TrialState::pruned && trial.fidelity == 0 && rung_ == 0) {
    --entered_;
  } else {
    results_.add(final_result(trial, objectives_));
  }
  advance();
}

void Bracket::close() {
  if (closed_) return;
  closed_ = true;
  advance();
}

// Into the next rung when everything of this one is there.
void Bracket::advance() {
  const bool more = rung_ == 0 ? can_start() : can_resume();
  if (over_ || more || !running_.empty()) return;
  if (rung_ + 1 == plan_.rungs.size()) {
    over_ = true;
    return;
  }
  std::int64_t places = plan_.rungs[rung_ + 1].trials;
  if (entered_ < plan_.rungs[rung_].trials) {
    places = std::min(places, std::max<std::int64_t>(1, entered_ / eta_));
  }
  for (const RungResult& result : results_.best_first()) {
    if (static_cast<std::int64_t>(promoted_.size()) == places || !result.usable()) break;
    promoted_.push_back(result.trial);
  }
  results_.clear();
  entered_ = 0;
  over_ = promoted_.empty();
  ++rung_;
}

void BracketSchedule::started(std::int64_t trial) {
  starting_->start(trial);
  bracket_of_[trial] = starting_;
}

bool BracketSchedule::reached(const Trial& trial) {
  const auto found = bracket_of_.find(trial.id);
  return found == bracket_of_.end() || found->second->reached(trial);
}

void BracketSchedule::finished(const Trial& trial) {
  const auto found = bracket_of_.find(trial.id);
  if (found == bracket_of_.end()) return;
  found->second->finished(trial);
  bracket_of_.erase(found);
}

Decision BracketSchedule::take(const std::shared_ptr<Bracket>& bracket) {
  if (bracket->can_resume()) {
    const double fidelity = bracket->fidelity();
    return {Decision::Kind::resume, bracket->resume(), fidelity};
  }
  starting_ = bracket;
  return {Decision::Kind::start_new, 0, bracket->fidelity()};
}

}  // namespace netwright
