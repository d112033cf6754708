// netwright check FILE

#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>

#include "apps/netwright/launch.h"
#include "apps/netwright/verb.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

int check(const std::string& file, const std::vector<std::string>& settings, bool json) {
  const Experiment experiment = load_experiment(file, settings);
  const DataFacts facts = data_facts(experiment);
  const SearchSpace space = make_space(experiment, facts.input, facts.classes);
  constexpr int members = 100;
  const int refused = check_search(experiment, space, members);
  if (json) {
    Json document = {{"schema", 1}, {"valid", true}, {"name", experiment.name}, {"choices", space.choices().size()}};
    document["log10_size"] = std::isinf(space.log10_size()) ? Json() : Json(space.log10_size());
    document["refused_members"] = refused;
    if (!facts.about.is_null()) document["data"] = facts.about;
    std::cout << json_text(document);
    return 0;
  }
  std::cout << file << ": valid\n";
  std::cout << "  study    " << experiment.name << ", seed " << experiment.seed << '\n';
  std::cout << "  space    " << space.name() << ", " << space.choices().size() << " choices, ";
  if (const auto size = space.size()) {
    std::cout << *size << " configurations\n";
  } else if (std::isinf(space.log10_size())) {
    std::cout << "with real-valued choices\n";
  } else {
    std::cout << "about 10^" << std::lround(space.log10_size()) << " configurations\n";
  }
  if (refused > 0)
    std::cout << "  warning  " << refused << " of " << members << " random fillings are no valid network\n";
  if (!facts.about.is_null()) {
    std::cout << "  data     " << experiment.data.format << ", input " << to_string(*facts.input) << ", "
              << *facts.classes << " classes\n";
  }
  std::cout << "  search   " << experiment.strategy.find("name")->text;
  if (experiment.budget.trials > 0) std::cout << ", " << experiment.budget.trials << " trials";
  if (experiment.budget.seconds > 0) std::cout << ", " << human_seconds(experiment.budget.seconds);
  std::cout << "\n  run it   netwright " << (experiment.execution.fleet == "external" ? "ask " : "run ") << file
            << '\n';
  return 0;
}

}  // namespace

std::function<int()> add_check(CLI::App& application) {
  struct Options {
    std::string file;
    std::vector<std::string> settings;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb =
      application.add_subcommand("check", "Check an experiment file, its space and its data without running it");
  verb->add_option("FILE", options->file, "Experiment file")->required();
  verb->add_option("--set", options->settings, "Override a key, as for run")->type_name("KEY=VALUE");
  verb->add_flag("--json", options->json, "Print one JSON document");
  verb->footer(
      "Reads the data, fills 100 random networks of the space and infers their shapes. Exit code 3 and the place of "
      "the mistake if\n"
      "anything is wrong.");
  return [options] { return check(options->file, options->settings, options->json); };
}

}  // namespace netwright
