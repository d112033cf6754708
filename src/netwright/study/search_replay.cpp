// Bringing a search to the state it had, from the log of its study: every call to its strategy and its schedule is made
// again, in order.

#include <algorithm>

#include "netwright/study/search.h"

namespace netwright {
namespace {

// The trial as it was at an event.
Trial view_at(const Trial& trial, double fidelity) {
  Trial view = trial;
  view.fidelity = fidelity;
  std::erase_if(view.measurements, [&](const Measurement& measurement) { return measurement.fidelity > fidelity; });
  return view;
}

}  // namespace

// The schedule sees the trial's measurements up to `fidelity` that it has not seen.
void Search::replay_measurements(const Trial& trial, double fidelity) {
  std::size_t& seen = replayed_[trial.id];
  if (seen >= trial.measurements.size() || trial.measurements[seen].fidelity > fidelity) return;
  Trial view = trial;
  view.measurements.resize(seen);
  for (; seen < trial.measurements.size() && trial.measurements[seen].fidelity <= fidelity; ++seen) {
    view.measurements.push_back(trial.measurements[seen]);
    view.fidelity = trial.measurements[seen].fidelity;
    schedule_->measured(view, view.measurements.back());
  }
}

void Search::replay_event(const StudyEvent& event, Trial& trial) {
  if (event.kind == EventKind::imported) {
    strategy_->tell(trial);
  } else if (event.kind == EventKind::proposed) {
    schedule_->next(true);
    Random random(derive_seed(context_.experiment.seed, "strategy", static_cast<std::uint64_t>(trial.id)));
    const auto proposed = strategy_->ask(random);
    if (!proposed || !(*proposed == trial.configuration)) {
      context_.observer.note("trial " + std::to_string(trial.id) +
                             " is not what this version's strategy would have proposed; the stored one is kept");
    }
    schedule_->started(trial.id);
    if (trial.copied_from == 0 && !trial.network_hash.empty()) by_network_[trial.network_hash] = trial.id;
    if (trial.copied_from == 0 && trial.reason != "constraint") ++counted_;
  } else if (event.kind == EventKind::resumed) {
    const Decision decision = schedule_->next(may_start_);
    if (decision.kind != Decision::Kind::resume || decision.trial != trial.id) {
      context_.observer.note("trial " + std::to_string(trial.id) +
                             " is not what this version's schedule would have resumed; the stored one is kept");
    }
  } else if (event.kind == EventKind::paused) {
    replay_measurements(trial, event.fidelity);
    Trial view = view_at(trial, event.fidelity);
    schedule_->reached(view);
    view.state = TrialState::paused;
    strategy_->tell(view);
  } else if (event.kind == EventKind::finished) {
    if (trial.reason != "constraint") replay_measurements(trial, event.fidelity);
    if (trial.state == TrialState::complete) schedule_->reached(trial);
    if (trial.state == TrialState::failed && trial.copied_from == 0) ++failures_;
    strategy_->tell(trial);
    schedule_->finished(trial);
    target_reached_ = target_reached_ || targets_reached(trial);
  }
}

void Search::replay() {
  std::map<std::int64_t, EventKind> last;
  for (const StudyEvent& event : state_.events) {
    if (event.kind == EventKind::closed) {
      may_start_ = false;
      continue;
    }
    replay_event(event, state_.trials[static_cast<std::size_t>(event.trial) - 1]);
    last[event.trial] = event.kind;
  }
  for (const auto& [id, kind] : last) {
    if (kind == EventKind::finished || kind == EventKind::imported) continue;
    Trial& trial = state_.trials[static_cast<std::size_t>(id) - 1];
    if (trial.state == TrialState::pruned || trial.state == TrialState::complete) continue;  // concluded
    costs_[id] = static_metrics(context_.space.fill(trial.configuration), context_.space.table());
    if (kind == EventKind::paused) continue;
    if (trial.copied_from != 0) {
      copies_[trial.copied_from].push_back(&trial);
    } else {
      replay_measurements(trial, trial.fidelity);
      unfinished_.push_back(&trial);
    }
  }
  replayed_.clear();
  std::reverse(unfinished_.begin(), unfinished_.end());  // taken from the back
  settle_orphaned_copies();
}

// Copies whose original ended, or paused, in the very moment of the kill.
void Search::settle_orphaned_copies() {
  std::vector<std::int64_t> originals;
  for (const auto& [id, copies] : copies_) {
    const Trial& original = state_.trials[static_cast<std::size_t>(id) - 1];
    const bool at_work = std::find(unfinished_.begin(), unfinished_.end(), &original) != unfinished_.end();
    if (!at_work) originals.push_back(id);
  }
  for (const std::int64_t id : originals) release_copies(state_.trials[static_cast<std::size_t>(id) - 1]);
}

}  // namespace netwright
