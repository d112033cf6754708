// netwright bench nas-bench-201 --table FILE --strategy NAME; bench sequence; bench estimators

#include <algorithm>
#include <iostream>
#include <memory>
#include <thread>

#include "apps/netwright/torch_program.h"
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

struct SampleArguments {
  std::string strategy = "local_search";
  std::vector<std::string> options;
  SampleOptions samples;
  bool json = false;
};

struct EstimatorArguments {
  std::int64_t rows = 3, options = 4, draws = 10'000, warm_up = 2'000;
  std::vector<double> temperatures = {0.1, 0.5, 1, 2};
  double control_temperature = 0.5;
  std::uint64_t seed = 0;
  bool json = false;
};

double mean_of(const std::vector<ReplayRun>& runs, double ReplayRun::*member, double* deviation = nullptr) {
  std::vector<double> values;
  for (const ReplayRun& run : runs) values.push_back(run.*member);
  if (deviation != nullptr) *deviation = standard_deviation(values);
  return mean(values);
}

// As an experiment's `search.strategy`.
Yaml strategy_mapping(const std::string& name, const std::vector<std::string>& options) {
  Yaml strategy;
  strategy.kind = Yaml::Kind::mapping;
  strategy.where = {"--strategy", 0, 0};
  strategy.set("name", to_yaml(Value(name)));
  for (const auto& option : options) set_by_path(strategy, option);
  return strategy;
}

int sequence(SampleArguments& arguments) {
  arguments.samples.strategy = strategy_mapping(arguments.strategy, arguments.options);
  const double began = monotonic_seconds();
  const std::vector<std::int64_t> needed = samples_needed(arguments.samples);
  const double wall = monotonic_seconds() - began;
  const std::vector<double> values(needed.begin(), needed.end());
  const auto missed = std::count(needed.begin(), needed.end(), arguments.samples.limit + 1);
  if (arguments.json) {
    std::cout << Json{{"schema", 1},
                      {"benchmark", "sequence"},
                      {"strategy", arguments.strategy},
                      {"options", arguments.options},
                      {"length", arguments.samples.problem.length},
                      {"letters", arguments.samples.problem.letters},
                      {"neighbours", arguments.samples.problem.neighbours},
                      {"runs", arguments.samples.runs},
                      {"samples_mean", mean(values)},
                      {"samples_median", median(values)},
                      {"samples_max", quantile(values, 1)},
                      {"runs_given_up", missed},
                      {"wall_seconds", wall}}
                     .dump(2)
              << '\n';
    return 0;
  }
  char text[200];
  std::snprintf(text, sizeof text, "%-38s %8.1f  (median %.0f, most %.0f)\n%-38s %8.2f s\n", "samples needed, mean",
                mean(values), median(values), quantile(values, 1), "wall time", wall);
  std::cout << arguments.strategy << ", " << arguments.samples.runs << " landscapes of "
            << arguments.samples.problem.length << " letters out of " << arguments.samples.problem.letters
            << "; to reach the best of " << arguments.samples.random << " random ones\n"
            << text;
  if (missed > 0) std::cout << missed << " runs gave up after " << arguments.samples.limit << " samples\n";
  return 0;
}

int nas_bench_201(ReplayArguments& arguments) {
  arguments.replay.strategy = strategy_mapping(arguments.strategy, arguments.options);
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

std::string number(const char* format, double value) {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

Table estimator_table(const Json& document) {
  Table table({{"estimator"},
               {"temperature", true},
               {"bias", true},
               {"standard error", true},
               {"variance", true},
               {"to reinforce's", true},
               {"us a draw", true},
               {"within 3 standard errors"}});
  for (const Json& row : document.at("estimators")) {
    std::string name = row.at("name");
    std::replace(name.begin(), name.end(), '_', ' ');
    const bool unbiased = row.at("unbiased");
    table.add({name, row.at("temperature").is_null() ? "" : number_text(row.at("temperature").get<double>()),
               number("%.4f", row.at("bias")), number("%.4f", row.at("bias_standard_error")),
               number("%.4g", row.at("variance")), number("%.3f", row.at("variance_ratio")),
               number("%.0f", row.at("microseconds")),
               unbiased ? Cell("unbiased", Style::good) : Cell("biased", Style::warning)});
  }
  return table;
}

// The estimators are made of LibTorch's tensors.
int estimators(const EstimatorArguments& arguments) {
  std::vector<std::string> line = {"estimators"};
  const auto option = [&](const char* name, const std::string& value) {
    line.push_back(name);
    line.push_back(value);
  };
  option("--rows", std::to_string(arguments.rows));
  option("--options", std::to_string(arguments.options));
  option("--draws", std::to_string(arguments.draws));
  option("--warm-up", std::to_string(arguments.warm_up));
  for (const double temperature : arguments.temperatures) option("--temperature", number_text(temperature));
  option("--control-temperature", number_text(arguments.control_temperature));
  option("--seed", std::to_string(arguments.seed));
  const Json document = torch_json(line);
  if (arguments.json) {
    std::cout << document.dump(2) << '\n';
    return 0;
  }
  std::cout << arguments.rows << " rows of " << arguments.options << " options, " << arguments.draws
            << " draws of each estimator; the exact gradient has the norm "
            << number("%.4f", document.at("gradient_norm")) << '\n'
            << estimator_table(document).text(terminal().width, terminal().colour);
  return 0;
}

CLI::App* add_estimator_options(CLI::App& bench, const std::shared_ptr<EstimatorArguments>& arguments) {
  CLI::App* verb = bench.add_subcommand("estimators", "Bias and variance of gradient estimators of one-shot search");
  verb->add_option("--rows", arguments->rows, "Rows of the problem, each of which draws an option")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  verb->add_option("--options", arguments->options, "Options of each row")
      ->capture_default_str()
      ->check(CLI::Range(2, 65536));
  verb->add_option("--draws", arguments->draws, "Draws of each estimator")
      ->capture_default_str()
      ->check(CLI::Range(2, 1'000'000'000));
  verb->add_option("--warm-up", arguments->warm_up,
                   "Draws before those that count, in which baselines and control variates learn")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000'000));
  verb->add_option("--temperature", arguments->temperatures, "Of Gumbel-softmax and straight-through (repeatable)")
      ->capture_default_str()
      ->check(CLI::Range(1e-3, 1e3));
  verb->add_option("--control-temperature", arguments->control_temperature, "Of the relaxation in REBAR and RELAX")
      ->capture_default_str()
      ->check(CLI::Range(1e-3, 1e3));
  verb->add_option("--seed", arguments->seed, "Of the problem and of the draws")->capture_default_str();
  verb->add_flag("--json", arguments->json, "Print one JSON document");
  verb->footer(
      "The exact gradient is that of the expected loss over all combinations of options, by enumeration (65,536 at\n"
      "most). Bias is the distance of the draws' mean from it; the standard error is what that distance would be, "
      "root\n"
      "mean square, without bias. Variances are summed over components.");
  return verb;
}

}  // namespace

std::function<int()> add_bench(CLI::App& application) {
  const auto arguments = std::make_shared<ReplayArguments>();
  arguments->replay.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  CLI::App* verb =
      application.add_subcommand("bench", "Measure strategies and gradient estimators without training anything");
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

  const auto samples = std::make_shared<SampleArguments>();
  samples->samples.threads = arguments->replay.threads;
  CLI::App* letters =
      verb->add_subcommand("sequence", "Samples needed on made-up landscapes of letters with epistasis");
  letters->add_option("--strategy", samples->strategy, "Name of the strategy")->capture_default_str();
  letters->add_option("--option", samples->options, "An option of the strategy (repeatable)");
  letters->add_option("--length", samples->samples.problem.length, "Letters of a sequence")->capture_default_str();
  letters->add_option("--letters", samples->samples.problem.letters, "Of the alphabet")->capture_default_str();
  letters->add_option("--neighbours", samples->samples.problem.neighbours, "Letters on which each one's share depends")
      ->capture_default_str();
  letters->add_option("--runs", samples->samples.runs, "Landscapes")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  letters->add_option("--seed", samples->samples.problem.seed, "Of the first landscape")->capture_default_str();
  letters->add_option("--threads", samples->samples.threads, "Real threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  letters->add_flag("--json", samples->json, "Print one JSON document");
  const auto compared = std::make_shared<EstimatorArguments>();
  CLI::App* gradients = add_estimator_options(*verb, compared);
  return [arguments, samples, letters, compared, gradients] {
    if (gradients->parsed()) return estimators(*compared);
    return letters->parsed() ? sequence(*samples) : nas_bench_201(*arguments);
  };
}

}  // namespace netwright
