// What a proposal of TPE costs: asking and telling one by one over 7 real and 13 seven-way categorical choices.
//
//   build/bench/bench_tpe [TRIALS] [REPEATS]     default 1000 trials, the fastest of 5 repeats

#include <ctime>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "netwright/bench/synthetic.h"
#include "netwright/strategy/strategy.h"

namespace netwright {
namespace {

SearchSpace make_space() {
  std::string text = "name: mixed\nchoices:\n";
  for (int i = 0; i < 7; ++i) text += "  x" + std::to_string(i) + ": {real: [0, 1]}\n";
  for (int i = 0; i < 13; ++i) text += "  c" + std::to_string(i) + ": [a, b, c, d, e, f, g]\n";
  return SearchSpace::parse(parse_yaml(text, "tpe"), Yaml(), std::nullopt, std::nullopt);
}

// Seconds of this process's own time: other work on the machine does not count.
double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// Seconds in ask and tell; what the objective costs is left out.
double run(const SearchSpace& space, int trials, std::uint64_t seed) {
  const Yaml options = parse_yaml("name: tpe", "tpe");
  const auto strategy = make_strategy({space, {Objective{}}, options});
  Random random(seed);
  double seconds = 0;
  Trial trial;
  trial.state = TrialState::complete;
  for (int i = 1; i <= trials; ++i) {
    double begin = processor_seconds();
    trial.id = i;
    trial.configuration = *strategy->ask(random);
    seconds += processor_seconds() - begin;
    trial.measurements = {synthetic_measurement(trial.configuration, 10, {.seed = seed})};
    begin = processor_seconds();
    strategy->tell(trial);
    seconds += processor_seconds() - begin;
  }
  return seconds;
}

}  // namespace
}  // namespace netwright

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 5;
  const netwright::SearchSpace space = netwright::make_space();
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repeats; ++i) least = std::min(least, netwright::run(space, trials, 1));
  std::printf("%d trials: %.4f ms a proposal\n", trials, 1e3 * least / trials);
  return 0;
}
