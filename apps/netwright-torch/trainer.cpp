// netwright-torch trainer: evaluates trials, one after another, by the trial protocol (docs/trial-protocol.md).

#include <filesystem>
#include <iostream>
#include <memory>

#include "apps/netwright-torch/device.h"
#include "apps/netwright-torch/line_channel.h"
#include "apps/netwright-torch/machine.h"
#include "apps/netwright-torch/supernet.h"
#include "apps/netwright-torch/testing.h"
#include "apps/netwright-torch/verb.h"
#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/version.h"
#include "netwright/nn/runtime.h"
#include "netwright/train/loop.h"

namespace netwright {
namespace {

// What Hello brought: the data stay in memory for all trials.
struct Workplace {
  SearchData data;
  DataOptions options;
  torch::Device device;
  std::optional<TestData> test;  // opened by the first Test
};

Finished failed(std::int64_t trial, const std::string& reason, const std::string& message) {
  Finished finished;
  finished.trial = trial;
  finished.state = TrialState::failed;
  finished.reason = reason;
  finished.message = message;
  return finished;
}

class Session {
 public:
  int run();

 private:
  bool greet(const Hello& hello);
  Finished train(const Start& start);
  Finished test(const Test& test);
  bool report(std::int64_t trial, const Measurement& measurement);

  // Carries out a trial whose every failure is its own: the session goes on.
  template <class Work>
  void attempt(std::int64_t trial, Work work);

  LineChannel channel_;
  std::unique_ptr<Workplace> place_;
  bool over_ = false;  // Quit, or stdin closed
};

int Session::run() {
  while (!over_) {
    const auto command = channel_.wait();
    if (!command || std::holds_alternative<Quit>(*command)) break;
    if (const auto* hello = std::get_if<Hello>(&*command)) {
      if (!greet(*hello)) return static_cast<int>(ExitCode::invalid);
    } else if (const auto* start = std::get_if<Start>(&*command)) {
      attempt(start->trial, [&] { return train(*start); });
    } else if (const auto* test_command = std::get_if<Test>(&*command)) {
      attempt(test_command->trial, [&] { return test(*test_command); });
    }  // a Continue or Stop that comes after its trial has ended means nothing any more
  }
  return 0;
}

bool Session::greet(const Hello& hello) {
  try {
    configure_runtime(hello.threads);
    const torch::Device device = open_device(hello.device);
    place_ = std::make_unique<Workplace>(Workplace{open_data(hello.data), hello.data, device, std::nullopt});
  } catch (const Error& error) {  // data that the user has to mend
    channel_.send(failed(0, error.code() == ExitCode::invalid ? "invalid" : "error", error.what()));
    return false;
  } catch (const std::exception& error) {
    channel_.send(failed(0, failure_reason(error), error.what()));
    return false;
  }
  Ready ready;
  ready.trainer = std::string("netwright-torch ") + version();
  ready.input = place_->data.training.shape();
  ready.classes = place_->data.training.classes();
  ready.about = describe(place_->data, hello.data);
  ready.about.update(torch_description(hello.device));
  channel_.send(ready);
  return true;
}

template <class Work>
void Session::attempt(std::int64_t trial, Work work) {
  Finished finished;
  try {
    if (!place_)
      throw Error(ExitCode::failure, "a trial came before hello", "docs/trial-protocol.md says what comes first");
    finished = work();
  } catch (const std::exception& error) {
    finished = failed(trial, failure_reason(error), failure_message(error));
  }
  if (!over_) channel_.send(finished);
}

// Sends a measurement and waits for the answer: whether to go on.
bool Session::report(std::int64_t trial, const Measurement& measurement) {
  channel_.send(Measured{trial, measurement});
  const auto answer = channel_.wait();
  if (!answer || std::holds_alternative<Quit>(*answer)) over_ = true;
  return answer && std::holds_alternative<Continue>(*answer);
}

Finished Session::train(const Start& start) {
  if (!start.supernet.empty()) {
    SupernetHooks hooks;
    hooks.measured = [&](const Measurement& measurement) { return report(start.trial, measurement); };
    hooks.must_stop = [&] { return channel_.must_stop(); };
    return search_supernet(start, place_->data, place_->options, place_->device, hooks);
  }
  if (!start.network) {
    throw invalid({}, "the trial has no network", "a space of hyperparameters alone needs a trainer of its own");
  }
  TrainingOptions options;
  options.device = place_->device;
  options.measure_latency = start.measure_latency;
  options.configuration = start.configuration;
  options.data_options = place_->options;
  Training training(*start.network, start.recipe.value_or(Recipe()), place_->data, start.seed, options);
  if (!start.checkpoint.empty()) {
    const LoadedCheckpoint loaded = load_checkpoint_or_previous(start.checkpoint);
    if (!loaded.warning.empty()) std::cerr << "netwright-torch: warning: " << loaded.warning << '\n';
    training.restore(loaded.checkpoint, start.checkpoint);
  }
  TrainingHooks hooks;
  hooks.measured = [&](const Measurement& measurement) { return report(start.trial, measurement); };
  hooks.stop_requested = [&] { return channel_.must_stop(); };
  const TrainingResult result = training.run_until(start.fidelity, hooks);

  Finished finished;
  finished.trial = start.trial;
  if (result.end == TrainingEnd::failed) return failed(start.trial, result.reason, result.message);
  if (result.end == TrainingEnd::stopped) finished.state = TrialState::paused;
  if (over_) return finished;
  if (start.keep_checkpoint || finished.state == TrialState::paused) {
    make_folders(start.folder);
    finished.checkpoint = (std::filesystem::path(start.folder) / "model.ckpt").string();
    save_checkpoint(finished.checkpoint, training.checkpoint());
  }
  return finished;
}

Finished Session::test(const Test& test) {
  if (!place_->test) place_->test.emplace(open_test_data(place_->options, FinalEvaluation()));
  Finished finished;
  finished.trial = test.trial;
  finished.metrics = measure_on(load_checkpoint(test.checkpoint), *place_->test, FinalEvaluation(), place_->device);
  return finished;
}

}  // namespace

std::function<int()> add_trainer(CLI::App& application) {
  application.add_subcommand("trainer", "Evaluate trials by the trial protocol, JSON lines on stdin and stdout");
  return [] { return Session().run(); };
}

}  // namespace netwright
