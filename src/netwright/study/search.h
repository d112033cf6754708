// The search: the strategy proposes, the schedule decides, the runner evaluates, the strategy is told.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "netwright/schedule/schedule.h"
#include "netwright/strategy/strategy.h"
#include "netwright/study/runner.h"

namespace netwright {

class Search : public JobSource {
 public:
  // Replays what `state` holds, so that a resumed study proposes what the uninterrupted one would have. `runner`
  // supplies the clock.
  Search(const StudyContext& context, StudyState& state, const Runner& runner);

  std::optional<Job> next() override;
  bool measured(Trial& trial) override;
  void ended(Trial& trial, const Json& result) override;
  bool closed() const override;

  // Trials that ran when the study was last left are still at work elsewhere, and are not started again.
  void leave_running() { unfinished_.clear(); }
  // What the strategy is to learn from earlier work. Precondition: purpose imported, state finished, not yet stored.
  void import(Trial trial);
  // The search is over: paused trials become pruned. Where none is complete, those that got furthest count as complete.
  void conclude();

  // Failures so far do not count: their cause is said to be mended.
  void forgive_failures() { failures_ = 0; }
  bool too_many_failures() const { return failures_ > context_.experiment.budget.failed_trials; }

 private:
  // search_replay.cpp
  void replay();
  void replay_event(const StudyEvent& event, Trial& trial);
  void replay_measurements(const Trial& trial, double fidelity);
  void settle_orphaned_copies();

  bool may_start();
  Trial* propose(double fidelity);
  Trial* resume(const Decision& decision);
  bool fill(Trial& trial, double fidelity);
  bool refused_by_constraint(Trial& trial) const;
  bool settle_copy(Trial& copy);
  void release_copies(const Trial& original);
  void arrive(Trial& trial);
  StudyEvent log(EventKind kind, const Trial& trial);  // happens now
  void finish(Trial& trial);
  Job start_job(Trial& trial) const;
  bool targets_reached(const Trial& trial) const;

  const StudyContext& context_;
  StudyState& state_;
  const Runner& runner_;
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<Schedule> schedule_;
  std::vector<Trial*> unfinished_;                  // of an interrupted run: to be continued first
  std::map<std::string, std::int64_t> by_network_;  // hash of network and recipe -> the trial that trains it
  std::map<std::int64_t, std::vector<Trial*>>
      copies_;  // running trial -> later trials of the same network, waiting for its result
  std::map<std::int64_t, std::map<std::string, double>> costs_;  // parameters and macs of trials that are not over
  std::map<std::int64_t, std::size_t> replayed_;                 // measurements of a trial that the schedule has seen
  std::int64_t counted_ = 0;  // trials that the budget counts: not copies, not those refused by a constraint
  std::int64_t failures_ = 0;
  bool may_start_ = true;
  bool exhausted_ = false;  // the strategy has no more, or proposes nothing new
  bool target_reached_ = false;
};

// parameters and macs of the design's network; empty for a space without a network.
std::map<std::string, double> static_metrics(const Design& design, const OperationTable& table);

// Two trials of equal hash train the same network by the same recipe.
std::string training_hash(const Design& design, const Configuration& configuration, const OperationTable& table);

// The epochs (or steps) that the recipe trains for.
double full_fidelity(const Recipe& recipe);

// The same of every member of the space; 0 where the epochs are a choice, and each trial has its own.
double common_fidelity(const SearchSpace& space, std::uint64_t seed);

// The command that trains `trial`, in its own folder; a checkpoint left there by an interrupted run is continued from.
Start make_start(const StudyContext& context, const Trial& trial, const Design& design);

}  // namespace netwright
