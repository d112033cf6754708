// Training that can stop after any step, be stored, and go on bit for bit as if it had never stopped (on one thread; on
// several, LibTorch's own sums may differ in their last bits from run to run).
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "netwright/data/data_set.h"
#include "netwright/data/loader.h"
#include "netwright/nn/builder.h"
#include "netwright/space/configuration.h"
#include "netwright/space/operation.h"
#include "netwright/space/recipe.h"
#include "netwright/train/averaging.h"
#include "netwright/train/checkpoint.h"
#include "netwright/train/learning_rate.h"
#include "netwright/train/optimizer.h"
#include "netwright/trial/trial.h"

namespace netwright {

struct TrainingOptions {
  OperationTable table = OperationTable::standard();
  torch::Device device = torch::kCPU;
  bool measure_latency = false;  // adds latency_ms to the last measurement
  // For checkpoints alone:
  Configuration configuration;
  DataOptions data_options;
};

struct TrainingHooks {
  // Called with every measurement; false stops the training there.
  std::function<bool(const Measurement&)> measured;
  // Asked before every step; true stops the training there. May be empty.
  std::function<bool()> stop_requested;
};

enum class TrainingEnd { reached, stopped, failed };

struct TrainingResult {
  TrainingEnd end = TrainingEnd::reached;
  std::string reason;   // of failed: nan, diverged, oom
  std::string message;  // details for a person
};

class Training {
 public:
  // Throws an invalid Error when network, recipe and data do not fit together. Weights, order of the examples,
  // augmentation, dropout and drop path follow from `seed`.
  Training(const Network& network, const Recipe& recipe, const SearchData& data, std::uint64_t seed,
           const TrainingOptions& options = {});

  // Trains until `fidelity` epochs (steps, where the recipe counts steps) have been done in all, and measures after
  // every epoch and at the end, there with fidelity exactly as given. Already there: measures once. Metrics: loss,
  // accuracy, top5 (validation), train_loss, train_accuracy (while training, since the measurement before), parameters,
  // macs. With EMA they are those of the averaged weights, with SWA those of the last measurement are.
  //
  // Fails with nan when a loss is not finite, diverged when it stays beyond ten times that of guessing, oom when memory
  // runs out. Other exceptions pass through.
  //
  // Draws from torch's global generator of the device, whose state it sets on entry and keeps on exit.
  TrainingResult run_until(double fidelity, const TrainingHooks& hooks);

  double fidelity() const;  // epochs or steps done
  std::int64_t step() const { return step_; }
  NetworkModule& module() { return *module_; }

  Checkpoint checkpoint() const;
  // Continues from a checkpoint of the same network, recipe and data. Throws an invalid Error at `file` when it is of
  // another.
  void restore(const Checkpoint& checkpoint, const std::string& file);

 private:
  std::int64_t steps_of(double fidelity) const;
  TrainingResult train_to(std::int64_t target, double fidelity, const TrainingHooks& hooks);
  std::optional<TrainingResult> train_step();
  void average_weights();
  void recompute_averaged_norms();
  Measurement measure(bool last, double fidelity, double seconds);

  Network network_;
  Recipe recipe_;
  SearchData data_;
  std::uint64_t seed_;
  TrainingOptions options_;
  Cost cost_;
  std::shared_ptr<NetworkModule> module_;
  Loader loader_;
  EvaluationLoader validation_;
  Timetable timetable_;
  Optimizer optimizer_;
  std::optional<WeightAverage> ema_;
  std::optional<WeightAverage> swa_;
  torch::Tensor random_state_;  // of the device's generator while nothing runs

  std::int64_t step_ = 0;
  std::int64_t loader_step_ = 0;  // the step whose batch the loader gives next
  std::int64_t hot_steps_ = 0;    // how many steps in a row the loss has been far beyond guessing
  double drop_path_ = 0;
  // Since the last measurement:
  double loss_sum_ = 0;
  std::int64_t correct_ = 0;
  std::int64_t seen_ = 0;
  std::string evaluated_ = "model.";
  std::map<std::string, double> metrics_;
};

// Why a trial failed, from what was thrown: oom or error; and a message of one line without a stack trace.
std::string failure_reason(const std::exception& error);
std::string failure_message(const std::exception& error);

}  // namespace netwright
