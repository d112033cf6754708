#include "netwright/study/schedule_replay.h"

#include <algorithm>

namespace netwright {

double busy_share(const Simulation& simulation, int workers) {
  double busy = 0;
  double end = 0;
  for (const SimulatedSpan& span : simulation.spans) {
    busy += span.to - span.from;
    end = std::max(end, span.to);
  }
  return end > 0 ? busy / (workers * end) : 0;
}

const Trial* handed_over(const Simulation& simulation) {
  const Trial* best = nullptr;
  for (const Trial& trial : simulation.trials) {
    if (trial.measurements.empty()) continue;
    const auto accuracy = last_metric(trial, "accuracy");
    if (best == nullptr || trial.fidelity > best->fidelity ||
        (trial.fidelity == best->fidelity && accuracy > last_metric(*best, "accuracy"))) {
      best = &trial;
    }
  }
  return best;
}

CurveReplay replay_curves(const LearningCurveEvaluator& evaluator, const CurveReplayOptions& options) {
  const std::vector<Objective> objectives = {Objective{}};
  const Yaml schedule_options = parse_yaml(options.schedule, "schedule");
  const Yaml strategy_options = parse_yaml(options.strategy, "strategy");
  CurveReplay result;
  for (std::int64_t run = 0; run < options.runs; ++run) {
    const auto strategy = make_strategy({evaluator.space(), objectives, strategy_options});
    const auto schedule = make_schedule({objectives, evaluator.full_fidelity(), schedule_options});
    SimulationOptions simulation;
    simulation.workers = options.workers;
    simulation.epochs = options.epochs;
    simulation.report_every = 1;
    Random random(derive_seed(options.seed, "curves", static_cast<std::uint64_t>(run)));
    const Simulation search = simulate(*strategy, *schedule, evaluator, simulation, random);
    const Trial* best = handed_over(search);
    if (best == nullptr) throw invalid({}, "no network is measured within the epochs", "give more epochs");
    result.test_accuracies.push_back(evaluator.test_accuracy(best->configuration));
    result.trials += static_cast<double>(search.trials.size()) / static_cast<double>(options.runs);
    result.seconds += search.seconds / static_cast<double>(options.runs);
  }
  return result;
}

}  // namespace netwright
