// netwright-torch evaluate CHECKPOINT

#include <iostream>
#include <memory>
#include <thread>

#include "apps/netwright-torch/device.h"
#include "apps/netwright-torch/options.h"
#include "apps/netwright-torch/testing.h"
#include "apps/netwright-torch/verb.h"
#include "netwright/nn/runtime.h"

namespace netwright {

std::function<int()> add_evaluate(CLI::App& application) {
  struct Options {
    std::string checkpoint;
    std::string data;
    std::string split = "validation";
    std::string device = "cpu";
    int threads = static_cast<int>(std::thread::hardware_concurrency());
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("evaluate", "Measure a trained network on a split of its data");
  verb->add_option("CHECKPOINT", options->checkpoint, "File that training left (model.ckpt)")->required();
  verb->add_option("--data", options->data,
                   "Data options as JSON, or a file of them; default those that the network was trained with");
  verb->add_option("--split", options->split, "validation or test")
      ->check(CLI::IsMember({"validation", "test"}))
      ->capture_default_str();
  verb->add_option("--device", options->device, "cpu or cuda")->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads of LibTorch")->check(CLI::Range(1, 1024));
  return [options] {
    configure_runtime(options->threads);
    const torch::Device device = open_device(options->device);
    const Checkpoint checkpoint = load_checkpoint(options->checkpoint);
    const DataOptions data =
        options->data.empty() ? trained_data(checkpoint).options : read_data_options(options->data);
    Json document = {{"schema", 1}, {"split", options->split}};
    if (options->split == "test") {
      document.update(measure_on(checkpoint, open_test_data(data, FinalEvaluation()), FinalEvaluation(), device));
    } else {
      document.update(measure_on(checkpoint, open_data(data).validation, device));
    }
    std::cout << document.dump(1) << '\n';
    return 0;
  };
}

}  // namespace netwright
