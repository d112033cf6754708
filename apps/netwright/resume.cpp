// netwright resume STUDY

#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/launch.h"
#include "apps/netwright/verb.h"

namespace netwright {

std::function<int()> add_resume(CLI::App& application) {
  struct Options {
    std::string study;
    std::string storage = default_storage();
    LaunchOptions launch;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("resume", "Continue a study that was interrupted or killed");
  verb->add_option("STUDY", options->study, "Name of the study")->required();
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->launch.json, "Print the outcome as one JSON document");
  verb->add_flag("--quiet", options->launch.quiet, "No progress on stderr");
  verb->footer(
      "Finished trials are kept and none is counted twice; unfinished ones continue from their last checkpoint; the "
      "next proposal is the\n"
      "one that the uninterrupted study would have made. A study that ended with too many failures is tried again.");
  return [options] { return launch_stored(options->study, options->storage, options->launch); };
}

}  // namespace netwright
