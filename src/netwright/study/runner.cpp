#include "netwright/study/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <utility>

#include "netwright/base/printable.h"
#include "netwright/base/text.h"

namespace netwright {

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void begin_attempt(Trial& trial, double now) {
  trial.state = TrialState::running;
  trial.attempts += 1;
  if (trial.started == 0) trial.started = now;
}

Runner::Runner(const StudyContext& context, StudyState& state, double elapsed)
    : context_(context),
      state_(state),
      slots_(static_cast<std::size_t>(context.fleet.slots())),
      elapsed_before_(elapsed),
      began_(monotonic_seconds()) {}

double Runner::elapsed() const {
  return elapsed_before_ + monotonic_seconds() - began_;
}

bool Runner::any_busy() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.busy; });
}

void Runner::stop_all() {
  if (!std::exchange(told_of_stop_, true) && any_busy()) {
    context_.observer.note("interrupted: waiting for running trials to pause; once more (Ctrl-C) stops at once");
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.busy || slot.stopping || !std::holds_alternative<Start>(slot.job.command)) continue;
    slot.stopping = true;
    context_.fleet.send(static_cast<int>(i), Stop{});
  }
}

bool Runner::run(JobSource& source) {
  while (true) {
    const int interrupts = context_.interrupts.load();
    if (interrupts >= 2) return false;
    bool idle_slot_found_nothing = false;
    for (std::size_t i = 0; i < slots_.size() && interrupts == 0; ++i) {
      if (!slots_[i].ready || slots_[i].busy) continue;
      std::optional<Job> job;
      if (!again_.empty()) {
        job = std::move(again_.back());
        again_.pop_back();
      } else if (!source.closed()) {
        job = source.next();
      }
      if (!job) {
        idle_slot_found_nothing = true;
        break;
      }
      place(static_cast<int>(i), std::move(*job));
    }
    if (interrupts > 0) stop_all();
    if (!any_busy() && interrupts > 0) return false;
    if (!any_busy() && idle_slot_found_nothing) return true;
    const auto events = context_.fleet.poll(0.5);
    if (events.empty()) context_.observer.waited();
    for (const auto& event : events) handle(event, source);
  }
}

void Runner::place(int slot_number, Job job) {
  Slot& slot = slots_[static_cast<std::size_t>(slot_number)];
  Trial& trial = *job.trial;
  if (std::holds_alternative<Start>(job.command)) {
    trial.worker = slot_number;
    if (!job.start_stored) {
      begin_attempt(trial, elapsed());
      context_.storage.update_trial(state_.record.name, trial);
    }
    job.start_stored = false;  // should it have to start again
    context_.observer.trial_changed(trial);
  }
  slot.busy = true;
  slot.stopping = slot.pruned = false;
  context_.fleet.send(slot_number, job.command);
  slot.job = std::move(job);
}

void Runner::handle(const FleetEvent& event, JobSource& source) {
  Slot& slot = slots_[static_cast<std::size_t>(event.slot)];
  if (std::holds_alternative<SlotReady>(event.what)) {
    slot.ready = true;
  } else if (const auto* died_event = std::get_if<SlotDied>(&event.what)) {
    slot.ready = false;
    died(event.slot, *died_event, source);
  } else {
    const Report& report = std::get<SlotReport>(event.what).report;
    if (const auto* measured_report = std::get_if<Measured>(&report)) measured(event.slot, *measured_report, source);
    if (const auto* finished_report = std::get_if<Finished>(&report)) finished(event.slot, *finished_report, source);
  }
}

void Runner::measured(int slot_number, const Measured& report, JobSource& source) {
  Slot& slot = slots_[static_cast<std::size_t>(slot_number)];
  if (!slot.busy || slot.job.trial->id != report.trial) return;  // a late line of a trial that is over
  Trial& trial = *slot.job.trial;
  if (report.measurement.fidelity > trial.fidelity ||
      trial.measurements.empty()) {  // a retried trial repeats what was stored
    trial.measurements.push_back(report.measurement);
    trial.fidelity = report.measurement.fidelity;
    const bool proceed = source.measured(trial);
    // The last measurement is stored together with the trial's end: one commit less.
    if (trial.fidelity < trial.target_fidelity) context_.storage.update_trial(state_.record.name, trial);
    context_.observer.trial_changed(trial);
    if (!proceed && !slot.stopping) slot.stopping = slot.pruned = true;
  }
  if (slot.stopping) {
    context_.fleet.send(slot_number, Stop{});
  } else {
    context_.fleet.send(slot_number, Continue{});
  }
}

// A complete trial without a value of every objective cannot be compared: it is failed.
void Runner::require_objectives(Trial& trial, const Job& job) const {
  const auto fail = [&](const std::string& reason, const std::string& message) {
    trial.state = TrialState::failed;
    trial.reason = reason;
    trial.message = message;
  };
  if (trial.measurements.empty()) return fail("error", "the trainer finished without a measurement");
  if (!std::get<Start>(job.command).supernet.empty()) return;  // what it found is measured later
  for (const Objective& objective : context_.experiment.objectives) {
    const auto value = last_metric(trial, objective.metric);
    if (value && std::isnan(*value)) return fail("nan", "the objective '" + objective.metric + "' is not a number");
    if (value) continue;
    std::vector<std::string> measured;
    for (const auto& [name, ignored] : trial.measurements.back().metrics) measured.push_back(name);
    return fail("error", "the trainer did not measure the objective '" + objective.metric + "'; it measured " +
                             join(measured, ", "));
  }
}

void Runner::finished(int slot_number, const Finished& report, JobSource& source) {
  Slot& slot = slots_[static_cast<std::size_t>(slot_number)];
  if (!slot.busy || slot.job.trial->id != report.trial) return;
  Trial& trial = *slot.job.trial;
  if (std::holds_alternative<Start>(slot.job.command)) {
    trial.state = report.state;
    if (trial.state == TrialState::paused && slot.pruned) trial.state = TrialState::pruned;
    trial.reason = printable(report.reason);
    trial.message = printable(report.message);
    if (report.configuration) trial.configuration = *report.configuration;
    if (!report.checkpoint.empty()) {  // relative to the study's folder, so that the folder may be moved
      const std::filesystem::path path(report.checkpoint);
      trial.checkpoint = path.is_absolute() ? path.lexically_relative(context_.folder).string() : report.checkpoint;
    }
    if (trial.state == TrialState::complete) require_objectives(trial, slot.job);
  } else if (report.state == TrialState::failed) {
    context_.observer.note("testing trial " + std::to_string(trial.id) + " failed: " + report.message);
  }
  end(slot_number, source, report.metrics);
}

void Runner::died(int slot_number, const SlotDied& death, JobSource& source) {
  Slot& slot = slots_[static_cast<std::size_t>(slot_number)];
  if (!slot.busy) {
    context_.observer.note("trainer " + std::to_string(slot_number) + " ended (" + death.reason +
                           ") and is started again");
    return;
  }
  Trial& trial = *slot.job.trial;
  const bool testing = std::holds_alternative<Test>(slot.job.command);
  if (trial.attempts <= context_.experiment.execution.retries + (testing ? 1 : 0) && death.reason != "oom") {
    context_.observer.note("trial " + std::to_string(trial.id) + ": " + death.reason + "; started again (" +
                           death.message + ")");
    if (testing) trial.attempts += 1;
    slot.busy = false;
    again_.push_back(std::move(slot.job));
    return;
  }
  if (!testing) {
    trial.state = TrialState::failed;
    trial.reason = death.reason;
    trial.message = death.message;
  }
  end(slot_number, source, Json());
}

void Runner::end(int slot_number, JobSource& source, const Json& result) {
  Slot& slot = slots_[static_cast<std::size_t>(slot_number)];
  slot.busy = false;
  Trial& trial = *slot.job.trial;
  if (is_finished(trial.state) && trial.finished == 0) trial.finished = elapsed();
  source.ended(trial, result);
  context_.observer.trial_changed(trial);
}

}  // namespace netwright
