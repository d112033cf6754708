// How busy schedules keep 20 workers, and what they find on recorded learning curves; Markdown.
//
//   build/bench_schedules [TABLE]     a CSV of learning curves, plain or gzipped; without one only the busy shares

#include <cstdio>

#include "netwright/base/error.h"
#include "netwright/base/statistics.h"
#include "netwright/bench/varying_times.h"
#include "netwright/study/schedule_replay.h"

namespace netwright {
namespace {

constexpr int workers = 20;

double busy(const VaryingTimes& evaluator, const std::string& schedule_text, const SimulationOptions& options,
            std::uint64_t seed) {
  const std::vector<Objective> objectives = {Objective{}};
  const Yaml strategy_options = parse_yaml("name: random", "strategy");
  const Yaml schedule_options = parse_yaml(schedule_text, "schedule");
  const auto strategy = make_strategy({evaluator.space(), objectives, strategy_options});
  const auto schedule = make_schedule({objectives, evaluator.full_fidelity(), schedule_options});
  Random random(seed);
  return 100 * busy_share(simulate(*strategy, *schedule, evaluator, options, random), workers);
}

void busy_shares() {
  const VaryingTimes evaluator(SearchSpace::load("spaces/nas-bench-201.yaml"));
  std::printf("| schedule | busy, 20,000 s | least of 10 | busy, 1,430 trials to the end |\n|---|---|---|---|\n");
  for (const char* name : {"hyperband", "diagonal", "asha"}) {
    std::vector<double> timed, whole;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const std::string text = std::string("name: ") + name;
      timed.push_back(busy(evaluator, text, {.workers = workers, .seconds = 20000}, seed));
      whole.push_back(busy(evaluator, text, {.workers = workers, .trials = 1430}, seed));
    }
    std::printf("| `%s` | %.1f %% | %.1f %% | %.1f %% |\n", name, mean(timed), quantile(timed, 0), mean(whole));
  }
}

void learning_curves(const std::string& path) {
  const LearningCurveEvaluator evaluator(path);
  std::printf("\n| epochs | workers | schedule | networks | final accuracy | above random search (95 %% interval) |\n");
  std::printf("|---|---|---|---|---|---|\n");
  // Whole trainings on all workers, so that random search leaves none unfinished.
  for (const double epochs : {2000.0, 6000.0, 10000.0}) {
    for (const int slots : {1, workers}) {
      std::vector<double> random;
      for (const char* schedule :
           {"{name: full}", "{name: successive_halving}", "{name: hyperband}", "{name: diagonal}", "{name: asha}",
            "{name: asha, mode: stopping}", "{name: median_stopping}"}) {
        CurveReplayOptions options;
        options.schedule = schedule;
        options.epochs = epochs;
        options.workers = slots;
        options.seed = 1;
        const CurveReplay replay = replay_curves(evaluator, options);
        std::printf("| %.0f | %d | `%s` | %.0f | %.2f ± %.2f |", epochs, slots, schedule, replay.trials,
                    mean(replay.test_accuracies), standard_deviation(replay.test_accuracies));
        if (random.empty()) {
          random = replay.test_accuracies;
          std::printf(" |\n");
          continue;
        }
        Random bootstrap(1);
        const auto interval = bootstrap_difference(replay.test_accuracies, random, bootstrap, 0.95, 2000);
        std::printf(" %.2f (%.2f to %.2f) |\n", mean(replay.test_accuracies) - mean(random), interval->low,
                    interval->high);
      }
    }
  }
}

}  // namespace
}  // namespace netwright

int main(int count, char** arguments) {
  try {
    netwright::busy_shares();
    if (count > 1) netwright::learning_curves(arguments[1]);
    return 0;
  } catch (const netwright::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
