#include "netwright/study/simulation.h"

#include <algorithm>
#include <queue>

namespace netwright {
namespace {

// A worker's next report.
struct Event {
  double time = 0;
  std::int64_t number = 0;  // of events at the same time the first made comes first
  int worker = 0;
  Trial* trial = nullptr;
  Measurement measurement;

  bool operator>(const Event& other) const { return time != other.time ? time > other.time : number > other.number; }
};

class Simulator {
 public:
  Simulator(Strategy& strategy, Schedule& schedule, const Evaluator& evaluator, const SimulationOptions& options,
            Random& random)
      : strategy_(strategy), schedule_(schedule), evaluator_(evaluator), options_(options), random_(random) {}

  Simulation run() {
    for (int worker = options_.workers - 1; worker >= 0; --worker) idle_.push_back(worker);
    fill_workers();
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.time;
      handle(event);
      fill_workers();
    }
    return std::move(result_);
  }

 private:
  void fill_workers() {
    while (!idle_.empty() && place(idle_.back())) idle_.pop_back();
  }

  // False when there is nothing to do for a worker now.
  bool place(int worker) {
    if (over_ || now_ >= options_.seconds) return false;
    std::optional<Configuration> proposal;
    if (may_start_ && static_cast<std::int64_t>(result_.trials.size()) >= options_.trials) may_start_ = false;
    Decision decision = schedule_.next(may_start_);
    if (decision.kind == Decision::Kind::start_new) {
      proposal = strategy_.ask(random_);
      if (!proposal) {
        may_start_ = false;
        decision = schedule_.next(false);
      }
    }
    if (decision.kind == Decision::Kind::wait || decision.kind == Decision::Kind::finished) return false;
    Trial* trial =
        proposal ? start(std::move(*proposal)) : &result_.trials[static_cast<std::size_t>(decision.trial) - 1];
    trial->state = TrialState::running;
    trial->worker = worker;
    trial->target_fidelity = decision.fidelity > 0 ? decision.fidelity : evaluator_.full_fidelity();
    result_.spans.push_back({worker, trial->id, now_, now_});
    span_of_[worker] = result_.spans.size() - 1;
    train(worker, *trial);
    return true;
  }

  Trial* start(Configuration configuration) {
    Trial& trial = result_.trials.emplace_back();
    trial.id = static_cast<std::int64_t>(result_.trials.size());
    trial.configuration = std::move(configuration);
    trial.started = now_;
    schedule_.started(trial.id);
    return &trial;
  }

  // Until the trial's next report.
  void train(int worker, Trial& trial) {
    double to = trial.target_fidelity;
    if (options_.report_every > 0) to = std::min(to, trial.fidelity + options_.report_every);
    Event event{0, made_++, worker, &trial, evaluator_.evaluate(trial.configuration, trial.fidelity, to)};
    event.time = now_ + event.measurement.seconds;
    if (event.time <= options_.seconds && result_.epochs + to - trial.fidelity <= options_.epochs) {
      result_.epochs += to - trial.fidelity;
      result_.spans[span_of_[worker]].to = event.time;
      result_.seconds = std::max(result_.seconds, event.time);
      events_.push(std::move(event));
    } else {  // not over within the budget
      result_.spans[span_of_[worker]].to = std::min(event.time, options_.seconds);
      over_ = over_ || event.time <= options_.seconds;  // out of epochs
    }
  }

  void handle(const Event& event) {
    Trial& trial = *event.trial;
    trial.measurements.push_back(event.measurement);
    trial.fidelity = event.measurement.fidelity;
    if (!schedule_.measured(trial, trial.measurements.back())) {
      end(trial, TrialState::pruned);
    } else if (trial.fidelity < trial.target_fidelity) {
      train(event.worker, trial);
      return;
    } else if (schedule_.reached(trial)) {
      end(trial, TrialState::complete);
    } else {
      trial.state = TrialState::paused;
      strategy_.tell(trial);
    }
    idle_.push_back(event.worker);
  }

  void end(Trial& trial, TrialState state) {
    trial.state = state;
    trial.finished = now_;
    result_.finish_order.push_back(trial.id);
    strategy_.tell(trial);
    schedule_.finished(trial);
  }

  Strategy& strategy_;
  Schedule& schedule_;
  const Evaluator& evaluator_;
  const SimulationOptions& options_;
  Random& random_;
  Simulation result_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<int> idle_;
  std::map<int, std::size_t> span_of_;
  std::int64_t made_ = 0;
  double now_ = 0;
  bool may_start_ = true;
  bool over_ = false;
};

}  // namespace

Simulation simulate(Strategy& strategy, Schedule& schedule, const Evaluator& evaluator,
                    const SimulationOptions& options, Random& random) {
  return Simulator(strategy, schedule, evaluator, options, random).run();
}

}  // namespace netwright
