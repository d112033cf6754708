// netwright ask FILE|STUDY

#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/launch.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/study/ask_tell.h"

namespace netwright {
namespace {

struct Options {
  std::string subject;
  std::vector<std::string> settings;
  std::string storage = default_storage();
  bool json = false;
};

// The study's name; an experiment file's study is made where there is none yet.
std::string study_of(Options& options) {
  if (!options.subject.ends_with(".yaml") && !options.subject.ends_with(".yml")) return options.subject;
  const Experiment experiment = load_experiment(options.subject, options.settings);
  options.storage = experiment.storage;
  const bool known = file_exists(experiment.storage) && open_storage(experiment.storage)->find_study(experiment.name);
  if (!known) create_study(experiment);
  return experiment.name;
}

int ask(Options options) {
  const std::string name = study_of(options);
  const auto lock = lock_study(name, options.storage);
  const StoredStudy stored = open_study(name, options.storage);
  AskTell study(stored.experiment, stored.space, *stored.storage, stored.folder);
  const auto asked = study.ask();
  const std::string state = asked ? "running" : study.over() ? "complete" : "waiting";
  if (options.json) {
    Json document = {{"schema", 1}, {"study", name}, {"state", state}, {"trial", nullptr}};
    if (asked) {
      document["trial"] = asked->trial;
      document["configuration"] = to_json(asked->configuration);
      document["fidelity"] = asked->fidelity;
      document["from"] = asked->from;
    }
    std::cout << json_text(document);
  } else if (asked) {
    std::cout << "trial " << asked->trial << ", to fidelity " << number_text(asked->fidelity);
    if (asked->from > 0) std::cout << " from " << number_text(asked->from);
    std::cout << '\n';
    for (const auto& [choice, value] : asked->configuration.values())
      std::cout << "  " << choice << ": " << to_string(value) << '\n';
    std::cout << "then: netwright tell " << name << ' ' << asked->trial;
    for (const Objective& objective : stored.experiment.objectives) std::cout << ' ' << objective.metric << "=NUMBER";
    std::cout << storage_argument(options.storage) << '\n';
  } else if (study.over()) {
    std::cout << "the search is over: netwright best " << name << storage_argument(options.storage) << '\n';
  } else {
    std::cout << "nothing now: " << study.out() << " trials are out, and the schedule waits for one of them\n";
  }
  return 0;
}

}  // namespace

std::function<int()> add_ask(CLI::App& application) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb =
      application.add_subcommand("ask", "The next trial of a study whose trials you evaluate yourself; see tell");
  verb->add_option("FILE|STUDY", options->subject,
                   "Experiment file with execution: {fleet: external} (its study is made at the first call), or a "
                   "study's name")
      ->required();
  verb->add_option("--set", options->settings, "Override a key of the file, as for run")->type_name("KEY=VALUE");
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document; its trial is null when there is none now");
  verb->footer(
      "Several trials may be out at once. 'state' is running (a trial is given), waiting (the schedule waits for a\n"
      "trial that is out) or complete (the budget is used up, nothing is out).\n\n"
      "A search driven by a shell script:\n"
      "  while trial=$(netwright ask study.yaml --json); [ \"$(echo \"$trial\" | jq .trial)\" != null ]; do\n"
      "    accuracy=$(./measure \"$trial\")\n"
      "    netwright tell study \"$(echo \"$trial\" | jq .trial)\" accuracy=$accuracy\n"
      "  done");
  return [options] { return ask(*options); };
}

}  // namespace netwright
