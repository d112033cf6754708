// netwright best STUDY

#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"
#include "netwright/report/table.h"
#include "netwright/study/retrain.h"

namespace netwright {
namespace {

int best(const std::string& name, const std::string& storage_path, bool yaml, bool json) {
  const StoredStudy stored = open_study(name, storage_path);
  if (json) {
    std::cout << json_text(summary_document(stored.experiment, stored.space, stored.state, stored.folder));
    return 0;
  }
  const Trial* final = final_trial(stored.state.trials, stored.experiment.objectives);
  if (final == nullptr) {
    throw Error(ExitCode::no_valid_trial, "study '" + name + "' has no complete trial yet",
                "continue it: netwright resume " + name);
  }
  if (yaml) {
    std::cout << dump_yaml(experiment_of_configuration(stored.experiment, final->configuration));
    return 0;
  }
  print_outcome(stored.experiment, stored.space, stored.state, stored.folder, false);
  std::cout << "\nconfiguration:\n";
  for (const auto& [choice, value] : final->configuration.values())
    std::cout << "  " << choice << ": " << to_string(value) << '\n';
  if (stored.experiment.objectives.size() < 2) return 0;
  const std::vector<Trial> trials(stored.state.trials.begin(), stored.state.trials.end());
  const Terminal out = terminal();
  std::cout << "\nPareto front of the search:\n"
            << trial_table(pareto_front(trials, stored.experiment.objectives), stored.experiment.objectives)
                   .text(out.width, out.colour);
  return 0;
}

}  // namespace

std::function<int()> add_best(CLI::App& application) {
  struct Options {
    std::string study;
    std::string storage = default_storage();
    bool yaml = false;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand(
      "best", "The final network of a study: configuration, metrics, test accuracy, Pareto front");
  verb->add_option("STUDY", options->study, "Name of the study")->required();
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--yaml", options->yaml, "Print an experiment that trains this configuration again");
  verb->add_flag("--json", options->json, "Print one JSON document (test_accuracy is a share between 0 and 1)");
  verb->footer("The final network is chosen among the retrained ones by validation data, never by test data.");
  return [options] { return best(options->study, options->storage, options->yaml, options->json); };
}

}  // namespace netwright
