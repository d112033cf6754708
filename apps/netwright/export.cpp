// netwright export STUDY

#include <filesystem>
#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/torch_program.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/study/retrain.h"

namespace netwright {
namespace {

struct Options {
  std::string source;
  std::string format = "torchscript";
  std::string output;
  std::string storage = default_storage();
  std::int64_t trial = 0;
  bool json = false;
};

std::string checkpoint_of(const Options& options) {
  if (file_exists(options.source) && !std::filesystem::is_directory(options.source)) return options.source;
  if (options.source.find('/') != std::string::npos || options.source.ends_with(".ckpt")) {
    throw invalid({options.source, 0, 0}, "no such checkpoint", "give the path of a .ckpt file, or a study's name");
  }
  const StoredStudy stored = open_study(options.source, options.storage);
  const Trial* trial = nullptr;
  if (options.trial > 0) {
    if (options.trial > static_cast<std::int64_t>(stored.state.trials.size())) {
      throw Error(ExitCode::invalid, "study '" + options.source + "' has no trial " + std::to_string(options.trial),
                  "see: netwright show " + options.source);
    }
    trial = &stored.state.trials[static_cast<std::size_t>(options.trial) - 1];
  } else {
    trial = final_trial(stored.state.trials, stored.experiment.objectives);
  }
  if (trial == nullptr || trial->checkpoint.empty()) {
    throw Error(ExitCode::invalid, "study '" + options.source + "' has no trained network to export",
                "let it finish with retrain.top of at least 1 (netwright resume " + options.source + ")");
  }
  return (std::filesystem::path(stored.folder) / trial->checkpoint).string();
}

int export_network(const Options& options) {
  const std::string checkpoint = checkpoint_of(options);
  std::string output = options.output;
  if (output.empty()) output = std::filesystem::path(options.source).stem().string() + ".ts";
  const Json result = torch_json({"export", checkpoint, "--format", options.format, "--output", output, "--json"});
  if (options.json) {
    std::cout << json_text(result);
  } else {
    std::cout << output << '\n';
  }
  return 0;
}

}  // namespace

std::function<int()> add_export(CLI::App& application) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("export", "Write a trained network for use elsewhere");
  verb->add_option("STUDY", options->source, "Name of a study, or the path of a checkpoint (.ckpt)")->required();
  verb->add_option("--format", options->format, "torchscript: loads with torch::jit::load or torch.jit.load")
      ->check(CLI::IsMember({"torchscript"}))
      ->capture_default_str();
  verb->add_option("--trial", options->trial, "A retrained trial other than the final one");
  verb->add_option("-o,--output", options->output, "File to write; default <study>.ts here");
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document");
  verb->footer(
      "The exported network takes images as float in [0, 1], N x C x H x W, and returns logits; normalisation is "
      "inside.\n"
      "Its output is compared with the checkpoint's before the file is handed over.");
  return [options] { return export_network(*options); };
}

}  // namespace netwright
