#include "netwright/study/study.h"

#include <algorithm>

#include "netwright/study/one_shot.h"
#include "netwright/study/retrain.h"
#include "netwright/study/search.h"

namespace netwright {

StudyState load_study(Storage& storage, const std::string& name) {
  auto record = storage.find_study(name);
  if (!record) {
    throw Error(ExitCode::invalid, "there is no study '" + name + "'", "list the studies with: netwright ls");
  }
  StudyState state;
  state.record = std::move(*record);
  for (auto& trial : storage.trials(name)) state.trials.push_back(std::move(trial));
  state.events = storage.events(name);
  return state;
}

namespace {

double stored_elapsed(const StudyState& state) {
  double elapsed = state.record.elapsed;
  for (const Trial& trial : state.trials) elapsed = std::max({elapsed, trial.started, trial.finished});
  return elapsed;
}

// Moves the record on, with the clock; the order of states is searching, retraining, testing, complete.
void enter(const StudyContext& context, StudyState& state, const Runner& runner, const std::string& phase) {
  state.record.state = phase;
  state.record.elapsed = runner.elapsed();
  context.storage.update_study(state.record);
}

bool has_valid_trial(const StudyState& state, const std::vector<Objective>& objectives) {
  return std::any_of(state.trials.begin(), state.trials.end(), [&](const Trial& trial) {
    return trial.purpose == TrialPurpose::search && trial.state == TrialState::complete &&
           is_feasible(trial, objectives);
  });
}

}  // namespace

StudyEnd run_study(const StudyContext& context) {
  StudyState state = load_study(context.storage, context.experiment.name);
  for (Trial& trial : state.trials) trial.attempts = is_finished(trial.state) ? trial.attempts : 0;
  Runner runner(context, state, stored_elapsed(state));
  const auto paused = [&] {
    state.record.elapsed = runner.elapsed();
    context.storage.update_study(state.record);
    return StudyEnd::interrupted;
  };
  const bool tried_again = state.record.state == "failed";
  if (state.record.state == "searching" || tried_again) {
    enter(context, state, runner, "searching");
    bool failing = false;
    if (is_one_shot(context.experiment.strategy)) {
      OneShot search(context, state);
      context.observer.phase("searching", 1);
      if (!runner.run(search)) return paused();
    } else {
      Search search(context, state, runner);
      if (tried_again) search.forgive_failures();
      context.observer.phase("searching", context.experiment.budget.trials);
      if (!runner.run(search)) return paused();
      search.conclude();
      failing = search.too_many_failures();
    }
    if (failing || !has_valid_trial(state, context.experiment.objectives)) {
      enter(context, state, runner, "failed");
      return failing ? StudyEnd::too_many_failures : StudyEnd::no_valid_trial;
    }
    enter(context, state, runner, context.experiment.retrain.top > 0 ? "retraining" : "complete");
  }
  if (state.record.state == "retraining") {
    Retraining retraining(context, state);
    context.observer.phase("retraining", retraining.planned());
    if (!runner.run(retraining)) return paused();
    enter(context, state, runner, "testing");
  }
  if (state.record.state == "testing") {
    Testing testing(context, state);
    context.observer.phase("testing", testing.planned());
    if (!runner.run(testing)) return paused();
    enter(context, state, runner, "complete");
  }
  return StudyEnd::complete;
}

}  // namespace netwright
