// netwright run FILE

#include <memory>

#include "apps/netwright/launch.h"
#include "apps/netwright/verb.h"

namespace netwright {

std::function<int()> add_run(CLI::App& application) {
  struct Options {
    std::string file;
    std::vector<std::string> settings;
    LaunchOptions launch;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand(
      "run", "Search, retrain, compare with random search, report: the whole of an experiment file");
  verb->add_option("FILE", options->file, "Experiment file (docs/experiment-file.md)")->required();
  verb->add_option("--set", options->settings,
                   "Override a key: --set search.budget.trials=50 (may be given several times)")
      ->type_name("KEY=VALUE");
  verb->add_flag("--json", options->launch.json, "Print the outcome as one JSON document");
  verb->add_flag("--quiet", options->launch.quiet, "No progress on stderr");
  verb->footer(
      "Results go to <runs>/<name>/: model.ckpt, model.ts, best.yaml, architecture.svg, report.html.\n"
      "Ctrl-C once stores everything and prints the command that continues; twice stops at once (nothing finished is "
      "lost).\n\n"
      "Examples:\n"
      "  netwright run examples/demo.yaml\n"
      "  netwright run examples/demo.yaml --set name=second --set search.budget.trials=50 --set seed=7");
  return [options] { return launch_new(load_experiment(options->file, options->settings), options->launch); };
}

}  // namespace netwright
