// netwright tell STUDY TRIAL metric=number …

#include <charconv>
#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"
#include "netwright/study/ask_tell.h"

namespace netwright {
namespace {

struct Options {
  std::string study;
  std::int64_t trial = 0;
  std::vector<std::string> metrics;
  std::optional<double> fidelity;
  double seconds = 0;
  std::string failed;
  std::string storage = default_storage();
  bool json = false;
};

std::map<std::string, double> read_metrics(const std::vector<std::string>& texts) {
  std::map<std::string, double> metrics;
  for (const auto& text : texts) {
    const std::size_t equals = text.find('=');
    double value = 0;
    const char* end = text.data() + text.size();
    if (equals == 0 || equals == std::string::npos ||
        std::from_chars(text.data() + equals + 1, end, value).ptr != end || equals + 1 == text.size()) {
      throw Error(ExitCode::usage, "'" + text + "' is no metric", "write NAME=NUMBER, as in accuracy=0.93");
    }
    metrics[text.substr(0, equals)] = value;
  }
  return metrics;
}

int tell(const Options& options) {
  if (options.metrics.empty() == options.failed.empty()) {
    throw Error(ExitCode::usage, "a trial is told either its metrics or that it failed",
                "write accuracy=0.93, or --failed REASON");
  }
  const auto metrics = read_metrics(options.metrics);
  const auto lock = lock_study(options.study, options.storage);
  const StoredStudy stored = open_study(options.study, options.storage);
  AskTell study(stored.experiment, stored.space, *stored.storage, stored.folder);
  const Trial& trial = options.failed.empty() ? study.tell(options.trial, metrics, options.fidelity, options.seconds)
                                              : study.fail(options.trial, options.failed);
  if (options.json) {
    std::cout << json_text(Json{{"schema", 1}, {"study", options.study}, {"trial", to_json(trial)}});
  } else {
    std::cout << "trial " << trial.id << ": " << to_string(trial.state) << '\n';
  }
  return 0;
}

}  // namespace

std::function<int()> add_tell(CLI::App& application) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("tell", "What you measured of a trial that ask gave you");
  verb->add_option("STUDY", options->study, "Name of the study")->required();
  verb->add_option("TRIAL", options->trial, "Its number")->required();
  verb->add_option("METRICS", options->metrics, "NAME=NUMBER: accuracy=0.93 (shares between 0 and 1) latency_ms=3.1");
  verb->add_option("--fidelity", options->fidelity, "Where it was measured; default: the fidelity asked for");
  verb->add_option("--seconds", options->seconds, "That it took")->check(CLI::NonNegativeNumber);
  verb->add_option("--failed", options->failed, "It could not be evaluated, and why")->type_name("REASON");
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print the trial as one JSON document");
  verb->footer(
      "The answer is the trial's state: complete; paused (the schedule may give it more: keep its checkpoint); pruned "
      "(stop);\nrunning (told below the fidelity asked for: go on).");
  return [options] { return tell(*options); };
}

}  // namespace netwright
