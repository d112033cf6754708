// netwright compare STUDY

#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"
#include "netwright/base/statistics.h"
#include "netwright/report/format.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

int compare_study(const std::string& name, const std::string& storage_path, bool json) {
  const StoredStudy stored = open_study(name, storage_path);
  const Json document = summary_document(stored.experiment, stored.space, stored.state, stored.folder);
  const Json& comparison = document.at("comparison");
  if (json) {
    std::cout << json_text(Json{{"schema", 1}, {"name", name}, {"comparison", comparison}});
    return 0;
  }
  if (comparison.is_null()) {
    throw Error(ExitCode::invalid, "study '" + name + "' has nothing to compare yet",
                "it needs retrained and random networks that were tested: let it finish with retrain.top of at least 1 "
                "and baseline: random");
  }
  std::cout << comparison.at("text").get<std::string>() << "\n\n";
  Table table({{"networks"},
               {"trial", true},
               {"test accuracy", true},
               {"validation", true},
               {"parameters", true},
               {"configuration", false, true}});
  for (const Trial& trial : stored.state.trials) {
    if (trial.purpose == TrialPurpose::search || trial.state != TrialState::complete) continue;
    const auto cell = [&](const std::string& metric) {
      const auto value = last_metric(trial, metric);
      return value ? format_metric(metric, *value) : std::string("-");
    };
    table.add({trial.purpose == TrialPurpose::retrain ? "searched" : "random", std::to_string(trial.id),
               cell("test_accuracy"), cell("accuracy"), cell("parameters"), configuration_text(trial.configuration)});
  }
  const Terminal out = terminal();
  std::cout << table.text(out.width, out.colour);
  return 0;
}

}  // namespace

std::function<int()> add_compare(CLI::App& application) {
  struct Options {
    std::string study;
    std::string storage = default_storage();
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand(
      "compare", "The searched networks against random ones trained the same way, in words and numbers");
  verb->add_option("STUDY", options->study, "Name of the study")->required();
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document");
  return [options] { return compare_study(options->study, options->storage, options->json); };
}

}  // namespace netwright
