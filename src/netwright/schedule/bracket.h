// One run of successive halving: rungs one after the other, each decided when all its trials are there.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "netwright/schedule/rungs.h"

namespace netwright {

struct RungPlan {
  std::int64_t trials = 0;
  double fidelity = 0;  // in total

  bool operator==(const RungPlan&) const = default;
};

struct BracketPlan {
  int s = 0;  // promotions; the bracket's name in the paper
  std::vector<RungPlan> rungs;
};

// A trial that fails keeps its place in the rung and is never promoted. One refused before any training (by a
// constraint on its size) leaves its place to another.
class Bracket {
 public:
  Bracket(BracketPlan plan, int eta, std::vector<Objective> objectives);

  int s() const { return plan_.s; }
  std::size_t rung() const { return rung_; }
  double fidelity() const { return plan_.rungs[rung_].fidelity; }
  bool over() const { return over_; }
  bool can_start() const { return !over_ && !closed_ && rung_ == 0 && entered_ < plan_.rungs[0].trials; }
  bool can_resume() const { return !promoted_.empty(); }

  void start(std::int64_t trial);
  std::int64_t resume();  // the best of the promoted. Precondition: can_resume()
  bool reached(const Trial& trial);
  void finished(const Trial& trial);
  // No more starts. A rung that is short of trials promotes one in eta of those it has, at least one.
  void close();

 private:
  void advance();

  BracketPlan plan_;
  int eta_;
  std::vector<Objective> objectives_;
  std::size_t rung_ = 0;
  std::int64_t entered_ = 0;           // trials in this rung so far
  std::set<std::int64_t> running_;     // of them
  RungRanking results_;                // of them
  std::deque<std::int64_t> promoted_;  // into this rung and not yet resumed, best first
  bool closed_ = false;
  bool over_ = false;
};

// The calls of a schedule that runs brackets; `next` is left to it.
class BracketSchedule : public Schedule {
 public:
  void started(std::int64_t trial) override;
  bool measured(const Trial&, const Measurement&) override { return true; }
  bool reached(const Trial& trial) override;
  void finished(const Trial& trial) override;

 protected:
  // Precondition: it can resume or start.
  Decision take(const std::shared_ptr<Bracket>& bracket);

 private:
  std::shared_ptr<Bracket> starting_;  // whose place the next trial to start takes
  std::map<std::int64_t, std::shared_ptr<Bracket>> bracket_of_;
};

}  // namespace netwright
