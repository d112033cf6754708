#include "netwright/study/replay.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
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

std::int64_t samples_needed_by_one(const SampleOptions& options, std::int64_t number) {
  SequenceOptions problem = options.problem;
  problem.seed = derive_seed(options.problem.seed, "landscape", static_cast<std::uint64_t>(number));
  const SequenceProblem landscape(problem);
  const std::vector<Objective> objectives = {Objective{}};
  Random random(derive_seed(problem.seed, "samples"));
  double value = 0;
  for (std::int64_t i = 0; i < options.random; ++i) {
    const Configuration drawn = landscape.space().sample(random);
    value = std::max(value, landscape.evaluate(drawn, 0, 1).metrics.at("accuracy"));
  }
  const auto strategy = make_strategy({landscape.space(), objectives, options.strategy});
  for (std::int64_t i = 1; i <= options.limit; ++i) {
    auto proposal = strategy->ask(random);
    if (!proposal) break;
    Trial trial;
    trial.id = i;
    trial.state = TrialState::complete;
    trial.configuration = std::move(*proposal);
    trial.fidelity = trial.target_fidelity = 1;
    trial.measurements = {landscape.evaluate(trial.configuration, 0, 1)};
    if (trial.measurements[0].metrics.at("accuracy") >= value) return i;
    strategy->tell(trial);
  }
  return options.limit + 1;
}

// Calls work(0) … work(count - 1) from several threads; rethrows the first failure.
void in_parallel(std::int64_t count, int threads, const std::function<void(std::int64_t)>& work) {
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (std::int64_t i; (i = next++) < count;) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

std::vector<ReplayRun> replay(const TabularEvaluator& evaluator, const ReplayOptions& options) {
  std::vector<ReplayRun> runs(static_cast<std::size_t>(options.runs));
  in_parallel(options.runs, options.threads,
              [&](std::int64_t i) { runs[static_cast<std::size_t>(i)] = replay_one(evaluator, options, i); });
  return runs;
}

std::vector<std::int64_t> samples_needed(const SampleOptions& options) {
  std::vector<std::int64_t> needed(static_cast<std::size_t>(options.runs));
  in_parallel(options.runs, options.threads,
              [&](std::int64_t i) { needed[static_cast<std::size_t>(i)] = samples_needed_by_one(options, i); });
  return needed;
}

}  // namespace netwright
