// Drives a schedule as a study does, with made-up trials: no strategy, no training.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "netwright/schedule/schedule.h"

namespace netwright {

struct DriverOptions {
  int workers = 1;
  std::int64_t trials = 1000000;                                   // started at most
  int decisions = 100000;                                          // start_new and resume, at most
  std::function<double(std::int64_t, double)> accuracy = nullptr;  // of a trial at a fidelity; null: 1 / id
  std::function<double(std::int64_t)> seconds = [](std::int64_t) { return 1.0; };  // an epoch
  std::function<bool(std::int64_t)> fails = [](std::int64_t) { return false; };
  double report_every = 0;  // epochs between measurements; 0: at the target only
};

struct DriverStep {
  Decision::Kind kind = Decision::Kind::start_new;
  std::int64_t trial = 0;
  double from = 0, to = 0;

  bool operator==(const DriverStep&) const = default;
};

struct Driven {
  std::vector<DriverStep> steps;
  std::map<std::int64_t, Trial> trials;
  bool finished = false;  // the schedule said so
  bool stuck = false;     // it waits though nothing runs
};

inline std::unique_ptr<Schedule> schedule_of(const std::string& text, double full_fidelity,
                                             std::vector<Objective> objectives = {Objective{}}) {
  const Yaml options = parse_yaml(text, "experiment.yaml");
  return make_schedule({std::move(objectives), full_fidelity, options});
}

class Driver {
 public:
  Driver(Schedule& schedule, DriverOptions options) : schedule_(schedule), options_(std::move(options)) {
    if (!options_.accuracy) options_.accuracy = [](std::int64_t id, double) { return 1.0 / static_cast<double>(id); };
  }

  Driven run() {
    while (!result_.finished && !result_.stuck && static_cast<int>(result_.steps.size()) < options_.decisions) {
      if (running_.size() < static_cast<std::size_t>(options_.workers) && place()) continue;
      if (running_.empty()) {
        result_.stuck = !result_.finished;
        break;
      }
      result_.finished = false;
      advance();
    }
    return std::move(result_);
  }

 private:
  bool place() {
    const bool may_start = static_cast<std::int64_t>(result_.trials.size()) < options_.trials;
    const Decision decision = schedule_.next(may_start);
    result_.finished = decision.kind == Decision::Kind::finished && running_.empty();
    if (decision.kind == Decision::Kind::wait || decision.kind == Decision::Kind::finished) return false;
    std::int64_t id = decision.trial;
    if (decision.kind == Decision::Kind::start_new) {
      id = static_cast<std::int64_t>(result_.trials.size()) + 1;
      result_.trials[id].id = id;
      schedule_.started(id);
    }
    Trial& trial = result_.trials.at(id);
    result_.steps.push_back({decision.kind, id, trial.fidelity, decision.fidelity});
    trial.state = TrialState::running;
    trial.target_fidelity = decision.fidelity;
    running_.insert({now_ + options_.seconds(id) * (decision.fidelity - trial.fidelity), id});
    return true;
  }

  // The trial whose turn ends first ends it.
  void advance() {
    now_ = running_.begin()->first;
    Trial& trial = result_.trials.at(running_.begin()->second);
    running_.erase(running_.begin());
    if (options_.fails(trial.id)) {
      end(trial, TrialState::failed);
      return;
    }
    while (trial.fidelity < trial.target_fidelity) {
      const double step = options_.report_every > 0 ? options_.report_every : trial.target_fidelity;
      trial.fidelity = std::min(trial.target_fidelity, trial.fidelity + step);
      trial.measurements.push_back({trial.fidelity, 0, {{"accuracy", options_.accuracy(trial.id, trial.fidelity)}}});
      if (!schedule_.measured(trial, trial.measurements.back())) {
        end(trial, TrialState::pruned);
        return;
      }
    }
    if (schedule_.reached(trial)) {
      end(trial, TrialState::complete);
    } else {
      trial.state = TrialState::paused;
    }
  }

  void end(Trial& trial, TrialState state) {
    trial.state = state;
    schedule_.finished(trial);
  }

  Schedule& schedule_;
  DriverOptions options_;
  Driven result_;
  std::set<std::pair<double, std::int64_t>> running_;  // when its turn ends, trial
  double now_ = 0;
};

}  // namespace netwright
