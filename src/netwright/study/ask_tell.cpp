#include "netwright/study/ask_tell.h"

#include <algorithm>
#include <ctime>

#include "netwright/base/text.h"

namespace netwright {

class AskTell::Nobody : public Fleet, public StudyObserver {
 public:
  int slots() const override { return 0; }
  void send(int, const Command&) override {}
  std::vector<FleetEvent> poll(double) override { return {}; }
  void shutdown() override {}
  void phase(const std::string&, std::int64_t) override {}
  void trial_changed(const Trial&) override {}
  void note(const std::string&) override {}
};

AskTell::AskTell(const Experiment& experiment, const SearchSpace& space, Storage& storage, const std::string& folder)
    : nobody_(std::make_unique<Nobody>()), state_(load_study(storage, experiment.name)), context_{experiment, space,
                                                                                                  storage,    *nobody_,
                                                                                                  *nobody_,   folder,
                                                                                                  interrupts_} {
  if (state_.record.state != "searching" && !over()) {
    throw invalid({}, "study '" + experiment.name + "' is " + state_.record.state + ", its search is over",
                  "start another with the same experiment and a new name");
  }
  // Nothing runs between calls, so the clock is that of the wall.
  clock_ = std::make_unique<Runner>(context_, state_, static_cast<double>(std::time(nullptr)) - state_.record.created);
  search_ = std::make_unique<Search>(context_, state_, *clock_);
  search_->leave_running();
}

AskTell::~AskTell() = default;

std::int64_t AskTell::out() const {
  return std::count_if(state_.trials.begin(), state_.trials.end(), [](const Trial& trial) {
    return trial.purpose == TrialPurpose::search && trial.state == TrialState::running;
  });
}

std::optional<AskTell::Asked> AskTell::ask() {
  if (over()) return std::nullopt;
  const auto job = search_->next();
  if (!job) {
    if (out() == 0) conclude();
    return std::nullopt;
  }
  const Trial& trial = *job->trial;
  return Asked{trial.id, trial.configuration, trial.fidelity, trial.target_fidelity};
}

void AskTell::conclude() {
  search_->conclude();
  state_.record.state = "complete";
  state_.record.elapsed = clock_->elapsed();
  context_.storage.update_study(state_.record);
}

Trial& AskTell::trial_that_is_out(std::int64_t id) {
  const bool known = id >= 1 && id <= static_cast<std::int64_t>(state_.trials.size());
  Trial* trial = known ? &state_.trials[static_cast<std::size_t>(id) - 1] : nullptr;
  if (trial == nullptr || trial->state != TrialState::running || trial->purpose != TrialPurpose::search) {
    std::vector<std::string> ids;
    for (const Trial& other : state_.trials) {
      if (other.state == TrialState::running) ids.push_back(std::to_string(other.id));
    }
    throw invalid({},
                  "trial " + std::to_string(id) + " is not waiting to be told" +
                      (trial != nullptr ? ": it is " + std::string(to_string(trial->state)) : ""),
                  ids.empty() ? "ask for one first: netwright ask" : "those that are: " + join(ids, ", "));
  }
  return *trial;
}

const Trial& AskTell::tell(std::int64_t id, std::map<std::string, double> metrics, std::optional<double> fidelity,
                           double seconds) {
  Trial& trial = trial_that_is_out(id);
  const double reached = fidelity.value_or(trial.target_fidelity);
  if (!(reached > trial.fidelity) || reached > trial.target_fidelity) {
    throw invalid(
        {}, "trial " + std::to_string(id) + " cannot be told at fidelity " + number_text(reached),
        "it has had " + number_text(trial.fidelity) + " and is to have " + number_text(trial.target_fidelity));
  }
  Trial measured = trial;
  measured.measurements.push_back({reached, seconds, metrics});
  for (const Objective& objective : context_.experiment.objectives) {
    const bool known_beforehand = objective.metric == "parameters" || objective.metric == "macs";
    if (known_beforehand || score(measured, objective)) continue;
    throw invalid({}, "trial " + std::to_string(id) + " is told without the objective '" + objective.metric + "'",
                  "add " + objective.metric + "=NUMBER");
  }
  trial.measurements = std::move(measured.measurements);
  trial.fidelity = reached;
  const bool proceed = search_->measured(trial);
  if (proceed && reached < trial.target_fidelity) {
    context_.storage.update_trial(state_.record.name, trial);
    return trial;
  }
  trial.state = proceed ? TrialState::complete : TrialState::pruned;
  search_->ended(trial, {});
  return trial;
}

const Trial& AskTell::fail(std::int64_t id, const std::string& reason) {
  Trial& trial = trial_that_is_out(id);
  trial.state = TrialState::failed;
  trial.reason = reason.empty() ? "error" : reason;
  search_->ended(trial, {});
  return trial;
}

void AskTell::import(const Configuration& configuration, const Measurement& measurement) {
  Trial trial;
  trial.id = static_cast<std::int64_t>(state_.trials.size()) + 1;
  trial.purpose = TrialPurpose::imported;
  trial.state = TrialState::complete;
  trial.configuration = configuration;
  trial.fidelity = trial.target_fidelity = measurement.fidelity;
  trial.measurements = {measurement};
  search_->import(std::move(trial));
}

}  // namespace netwright
