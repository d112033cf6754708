// netwright bench nas-bench-201 --table FILE --strategy NAME

#include <iostream>
#include <memory>
#include <thread>

#include "apps/netwright/verb.h"
#include "netwright/base/statistics.h"
#include "netwright/base/text.h"
#include "netwright/report/table.h"
#include "netwright/study/experiment.h"
#include "netwright/study/replay.h"
#include "netwright/study/runner.h"

namespace netwright {
namespace {

struct ReplayArguments {
  std::string table;
  std::string strategy = "evolution";
  std::vector<std::string> options;
  ReplayOptions replay;
  bool json = false;
};

double mean_of(const std::vector<ReplayRun>& runs, double ReplayRun::*member, double* deviation = nullptr) {
  std::vector<double> values;
  for (const ReplayRun& run : runs) values.push_back(run.*member);
  if (deviation != nullptr) *deviation = standard_deviation(values);
  return mean(values);
}

int nas_bench_201(ReplayArguments& arguments) {
  Yaml strategy;
  strategy.kind = Yaml::Kind::mapping;
  strategy.where = {"--strategy", 0, 0};
  strategy.set("name", to_yaml(Value(arguments.strategy)));
  for (const auto& option : arguments.options) set_by_path(strategy, option);
  arguments.replay.strategy = strategy;
  const std::string space = shipped_file("spaces/nas-bench-201.yaml");
  if (space.empty()) throw Error(ExitCode::failure, "spaces/nas-bench-201.yaml is not beside the program", "reinstall");
  const TabularEvaluator evaluator(SearchSpace::load(space), arguments.table);
  const double began = monotonic_seconds();
  const std::vector<ReplayRun> runs = replay(evaluator, arguments.replay);
  const double wall = monotonic_seconds() - began;

  double architectures = 0;
  for (const ReplayRun& run : runs) architectures += static_cast<double>(run.architectures);
  architectures /= static_cast<double>(runs.size());
  double search_deviation = 0, validation_deviation = 0, test_deviation = 0;
  const double search = mean_of(runs, &ReplayRun::search_accuracy, &search_deviation);
  const double validation = mean_of(runs, &ReplayRun::validation_accuracy, &validation_deviation);
  const double test = mean_of(runs, &ReplayRun::test_accuracy, &test_deviation);
  if (arguments.json) {
    Json document = {{"schema", 1},
                     {"benchmark", "nas-bench-201"},
                     {"table", arguments.table},
                     {"strategy", arguments.strategy},
                     {"options", arguments.options},
                     {"seconds", arguments.replay.seconds},
                     {"workers", arguments.replay.workers},
                     {"runs", arguments.replay.runs},
                     {"seed", arguments.replay.seed},
                     {"search_accuracy_mean", search},
                     {"search_accuracy_std", search_deviation},
                     {"validation_accuracy_mean", validation},
                     {"validation_accuracy_std", validation_deviation},
                     {"test_accuracy_mean", test},
                     {"test_accuracy_std", test_deviation},
                     {"architectures_mean", architectures},
                     {"best_test_accuracy_of_table", evaluator.best_test_accuracy()},
                     {"wall_seconds", wall}};
    std::cout << document.dump(2) << '\n';
    return 0;
  }
  const auto line = [](const char* name, double value, double deviation) {
    char text[120];
    std::snprintf(text, sizeof text, "%-38s %8.2f %% ± %.2f\n", name, value, deviation);
    std::cout << text;
  };
  std::cout << arguments.strategy << ", " << arguments.replay.runs << " runs of "
            << number_text(arguments.replay.seconds) << " simulated seconds\n";
  line("test accuracy", test, test_deviation);
  line("validation accuracy", validation, validation_deviation);
  line("validation accuracy the search saw", search, search_deviation);
  char text[160];
  std::snprintf(text, sizeof text, "%-38s %8.1f a run\n%-38s %8.2f %%\n%-38s %8.2f s\n", "architectures evaluated",
                architectures, "best test accuracy of the table", evaluator.best_test_accuracy(), "wall time", wall);
  std::cout << text;
  return 0;
}

}  // namespace

std::function<int()> add_bench(CLI::App& application) {
  const auto arguments = std::make_shared<ReplayArguments>();
  arguments->replay.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  CLI::App* verb = application.add_subcommand("bench", "Measure strategies without training anything");
  verb->require_subcommand(1);
  CLI::App* table = verb->add_subcommand("nas-bench-201", "Replay searches on a table of trained networks");
  table
      ->add_option("--table", arguments->table,
                   "CSV (or .csv.gz) with the columns arch, valid_accuracy_e12, valid_accuracy_e200,\n"
                   "test_accuracy_e200, train_seconds_per_epoch")
      ->required();
  table->add_option("--strategy", arguments->strategy, "Name of the strategy")->capture_default_str();
  table->add_option("--option", arguments->options, "An option of the strategy: --option population=10 (repeatable)");
  table->add_option("--seconds", arguments->replay.seconds, "Simulated seconds of every search")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  table->add_option("--runs", arguments->replay.runs, "Searches")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000000));
  table->add_option("--workers", arguments->replay.workers, "Simulated parallel workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  table->add_option("--seed", arguments->replay.seed, "Of the first run")->capture_default_str();
  table->add_option("--threads", arguments->replay.threads, "Real threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  table->add_flag("--json", arguments->json, "Print one JSON document");
  table->footer(
      "Each evaluated architecture costs 12 epochs at its own seconds and one validation; the search sees the\n"
      "validation accuracy after 12 epochs; the test accuracy after 200 epochs of what it chose is reported\n"
      "(Dong and Yang, ICLR 2020). A repeated architecture is paid for again.");
  return [arguments] { return nas_bench_201(*arguments); };
}

}  // namespace netwright
