#include "netwright/study/replay.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace netwright {
namespace {

ReplayRun replay_one(const TabularEvaluator& evaluator, const ReplayOptions& options, std::int64_t number) {
  const std::vector<Objective> objectives = {Objective{}};
  Yaml full;
  full.kind = Yaml::Kind::mapping;
  full.set("name", to_yaml(Value(std::string("full"))));
  const auto strategy = make_strategy({evaluator.space(), objectives, options.strategy});
  const auto schedule = make_schedule({objectives, evaluator.full_fidelity(), full});
  SimulationOptions simulation;
  simulation.workers = options.workers;
  simulation.seconds = options.seconds;
  Random random(derive_seed(options.seed, "replay", static_cast<std::uint64_t>(number)));
  const Simulation search = simulate(*strategy, *schedule, evaluator, simulation, random);
  const Trial* best = nullptr;
  ReplayRun run;
  for (const std::int64_t id : search.finish_order) {
    const Trial& trial = search.trials[static_cast<std::size_t>(id) - 1];
    if (trial.state != TrialState::complete) continue;
    ++run.architectures;
    if (best == nullptr || *score(trial, objectives[0]) > *score(*best, objectives[0])) best = &trial;
  }
  if (best == nullptr) {
    throw invalid({}, "no architecture is evaluated within " + std::to_string(options.seconds) + " simulated seconds",
                  "give more --seconds");
  }
  run.search_accuracy = 100 * *score(*best, objectives[0]);
  run.validation_accuracy = evaluator.final_validation_accuracy(best->configuration);
  run.test_accuracy = evaluator.test_accuracy(best->configuration);
  return run;
}

}  // namespace

std::vector<ReplayRun> replay(const TabularEvaluator& evaluator, const ReplayOptions& options) {
  std::vector<ReplayRun> runs(static_cast<std::size_t>(options.runs));
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      for (std::int64_t i; (i = next++) < options.runs;)
        runs[static_cast<std::size_t>(i)] = replay_one(evaluator, options, i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = options.runs;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < options.threads; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  return runs;
}

}  // namespace netwright
