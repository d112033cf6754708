// netwright report STUDY

#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"

namespace netwright {

std::function<int()> add_report(CLI::App& application) {
  struct Options {
    std::string study;
    std::string storage = default_storage();
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("report", "Write a study's report.html again, also while it runs");
  verb->add_option("STUDY", options->study, "Name of the study")->required();
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document with the path");
  return [options] {
    const StoredStudy stored = open_study(options->study, options->storage);
    const std::string path = write_report(stored.experiment, stored.space, stored.state, stored.folder);
    if (options->json) {
      std::cout << json_text(Json{{"schema", 1}, {"name", options->study}, {"report", path}});
    } else {
      std::cout << path << '\n';
    }
    return 0;
  };
}

}  // namespace netwright
