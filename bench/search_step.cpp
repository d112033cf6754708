// Seconds and peak memory of a DARTS search step: the architecture's update on one batch, then the weights' on another.
// --reference is the published arithmetic as LibTorch runs it plainly: images in NCHW, one module and one tensor an
// operation, and every gradient in both halves of a first-order step. bench/search_step compares the two.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "netwright/base/bytes.h"
#include "netwright/base/text.h"
#include "netwright/nn/runtime.h"
#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/memory.h"
#include "netwright/oneshot/steps.h"

namespace {

using namespace netwright;

struct Options {
  std::int64_t channels = 16, layers = 8, batch = 16;
  int threads = 2, steps = 3;
  std::string order = "first", without, with, space;
  bool reference = false;
};

Batch random_batch(const Shape& shape, std::int64_t size, std::int64_t classes, std::uint64_t seed) {
  at::Generator generator = compat::cpu_generator(seed);
  Batch batch;
  batch.inputs = torch::empty({size, shape.channels, shape.height, shape.width}).normal_(0, 1, generator);
  batch.labels = torch::empty({size}, torch::kLong).random_(0, classes, generator);
  return batch;
}

// As in /proc: the largest resident memory so far, in MiB.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

class Search {
 public:
  explicit Search(const Options& options)
      : resident_(resident_bytes()),
        options_(options),
        space_(load(options)),
        relaxation_(space_.relax({})),
        method_options_(parse_yaml("{name: darts, order: " + options.order + "}", "the method")),
        method_(make_method({space_, relaxation_, method_options_, 1, torch::kFloat})),
        net_(make_net(options)),
        steps_(*net_, *method_, sgd(), 5),
        generator_(compat::cpu_generator(3)),
        train_(random_batch(relaxation_.network.input, options.batch, relaxation_.network.classes, 1)),
        valid_(random_batch(relaxation_.network.input, options.batch, relaxation_.network.classes, 2)) {
    net_->train();
  }

  // As a search says it before it starts, in MiB.
  double predicted_memory() const {
    MemoryQuestion question;
    question.resident = resident_;
    question.optimizer = sgd();
    ask_for_method(method_options_, question);
    return static_cast<double>(predict_memory(*net_, space_.table(), question).peak(options_.batch)) / (1 << 20);
  }

  void step() {
    if (options_.reference) return published_step();
    steps_.run(train_, valid_, {0, 50}, 0.025, generator_);
  }

 private:
  static SearchSpace load(const Options& options) {
    Yaml yaml = load_yaml(options.space);
    set_by_path(yaml, "parameters.channels=" + std::to_string(options.channels));
    set_by_path(yaml, "parameters.layers=" + std::to_string(options.layers));
    return SearchSpace::parse(yaml, Yaml{}, std::nullopt, std::nullopt);
  }

  static OptimizerOptions sgd() {
    OptimizerOptions options;
    options.nesterov = false;
    options.weight_decay = 3e-4;
    return options;
  }

  std::shared_ptr<Supernet> make_net(const Options& options) const {
    SupernetOptions net_options;
    if (options.reference) net_options.passes = SupernetPasses::none();
    for (const std::string& pass : split(options.without, ',')) {
      if (!pass.empty()) pass_by_name(net_options.passes, pass) = false;
    }
    for (const std::string& pass : split(options.with, ',')) {
      if (!pass.empty()) pass_by_name(net_options.passes, pass) = true;
    }
    return build_supernet(relaxation_, space_.table(), net_options);
  }

  // Where the code calls loss.backward(), the loss is propagated back to weights and architecture alike: the first
  // order's validation loss and the loss that trains the weights.
  void published_step() {
    const Progress progress{0, 50};
    Optimizer& optimizer = steps_.optimizer();
    if (options_.order == "first") {
      propagate(valid_, method_->mixture(progress, generator_));
      optimizer.clear_gradients();
    } else {
      method_->update({*net_, train_, valid_, progress, generator_, 0.025, sgd().momentum, sgd().weight_decay,
                       net_->parameters(), [&] { return optimizer.first_moments(); }});
    }
    propagate(train_, method_->mixture(progress, generator_));
    optimizer.step(0.025, clipping_scale(optimizer.gradient_norm(), 5));
    optimizer.clear_gradients();
  }

  void propagate(const Batch& batch, const Mixture& mixture) {
    torch::nn::functional::cross_entropy(net_->forward(batch.inputs, mixture), batch.labels).backward();
  }

  std::int64_t resident_;  // before anything was built
  Options options_;
  SearchSpace space_;
  Relaxation relaxation_;
  Yaml method_options_;
  std::unique_ptr<Method> method_;
  std::shared_ptr<Supernet> net_;
  SearchSteps steps_;
  at::Generator generator_;
  Batch train_, valid_;
};

int run(int argc, char** argv) {
  CLI::App app("Times a DARTS search step on random data");
  Options options;
  options.space = NETWRIGHT_SOURCE_DIR "/spaces/darts.yaml";
  app.add_option("--channels", options.channels, "of the first cells' nodes");
  app.add_option("--layers", options.layers, "cells");
  app.add_option("--batch", options.batch, "images");
  app.add_option("--threads", options.threads, "");
  app.add_option("--steps", options.steps, "timed, after one that is not");
  app.add_option("--order", options.order, "first, second or exact");
  app.add_option("--without", options.without, "passes to switch off, by comma");
  app.add_option("--with", options.with, "passes to switch on that are off by default, by comma");
  app.add_flag("--reference", options.reference, "the published arithmetic, plainly, in NCHW");
  CLI11_PARSE(app, argc, argv);
  // The reference has LibTorch as it comes: how memory is kept is part of what it is compared with.
  if (options.reference) {
    at::set_num_threads(options.threads);
  } else {
    configure_runtime(options.threads);
  }
  Search search(options);
  search.step();
  std::vector<double> seconds;
  for (int i = 0; i < options.steps; ++i) {
    const auto began = std::chrono::steady_clock::now();
    search.step();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf("{\"least\": %.4f, \"median\": %.4f, \"peak_mib\": %.0f, \"predicted_mib\": %.0f}\n", seconds.front(),
              seconds[seconds.size() / 2], peak_memory(), search.predicted_memory());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv);
}
