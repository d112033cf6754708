// netwright-torch export CHECKPOINT

#include <iostream>
#include <memory>

#include "apps/netwright-torch/verb.h"
#include "netwright/export/torchscript.h"

namespace netwright {

std::function<int()> add_export(CLI::App& application) {
  struct Options {
    std::string checkpoint;
    std::string format = "torchscript";
    std::string output;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("export", "Write a trained network for use elsewhere");
  verb->add_option("CHECKPOINT", options->checkpoint, "File that training left (model.ckpt)")->required();
  verb->add_option("--format", options->format, "torchscript: loads with torch::jit::load or torch.jit.load")
      ->check(CLI::IsMember({"torchscript"}))
      ->capture_default_str();
  verb->add_option("-o,--output", options->output, "File to write")->required();
  verb->add_flag("--json", options->json, "Print one JSON document (the only form there is)");
  return [options] {
    const Checkpoint checkpoint = load_checkpoint(options->checkpoint);
    const TorchScriptResult result = export_torchscript(checkpoint, options->output);
    const Json document = {{"schema", 1},
                           {"format", options->format},
                           {"output", options->output},
                           {"largest_difference", result.largest_difference},
                           {"latency_ms", result.latency_ms},
                           {"parameters", result.parameters},
                           {"network", export_description(checkpoint)}};
    std::cout << document.dump(1) << '\n';
    return 0;
  };
}

}  // namespace netwright
