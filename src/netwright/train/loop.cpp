#include "netwright/train/loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>

#include "netwright/base/error.h"
#include "netwright/base/random.h"
#include "netwright/base/text.h"
#include "netwright/train/evaluate.h"
#include "netwright/train/generator.h"

namespace netwright {
namespace {

constexpr double hot_loss_factor = 10;         // times the loss of guessing
constexpr std::int64_t most_hot_steps = 100;   // in a row
constexpr std::int64_t swa_examples = 20'000;  // enough for means and variances

class Stopwatch {
 public:
  double restart() {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - began_).count();
    began_ = now;
    return seconds;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point began_ = Clock::now();
};

SearchData used_data(const SearchData& data, const Recipe& recipe) {
  if (recipe.train_fraction >= 1) return data;
  return {data.training.subset(recipe.train_fraction), data.validation};
}

void check_fit(const Network& network, const SearchData& data) {
  if (network.input != data.training.shape()) {
    throw invalid(
        {}, "the network takes " + to_string(network.input) + ", the data are " + to_string(data.training.shape()),
        "leave the space's input out, so that the data decide it");
  }
  if (network.classes != data.training.classes()) {
    throw invalid({},
                  "the network has " + std::to_string(network.classes) + " classes, the data " +
                      std::to_string(data.training.classes()),
                  "leave the space's classes out, so that the data decide them");
  }
}

std::shared_ptr<NetworkModule> make_module(const Network& network, const Recipe& recipe, std::uint64_t seed,
                                           const TrainingOptions& options) {
  BuildOptions build_options;
  build_options.seed = derive_seed(seed, "weights");
  build_options.auxiliary = recipe.auxiliary_weight > 0;
  auto module = build(network, options.table, build_options);
  module->to(options.device);
  return module;
}

NamedTensors parameters_of(const torch::nn::Module& module) {
  NamedTensors parameters;
  for (const auto& item : module.named_parameters()) parameters.emplace_back(item.key(), item.value());
  return parameters;
}

}  // namespace

Training::Training(const Network& network, const Recipe& recipe, const SearchData& data, std::uint64_t seed,
                   const TrainingOptions& options)
    : network_((check_fit(network, data), network)),
      recipe_(recipe),
      data_(used_data(data, recipe)),
      seed_(seed),
      options_(options),
      cost_(network_cost(network, options.table)),
      module_(make_module(network, recipe, seed, options)),
      loader_(data_.training, recipe.augmentation, recipe.batch, derive_seed(seed, "data")),
      validation_(data_.validation, evaluation_batch(network.input), recipe.augmentation.normalize),
      timetable_(make_timetable(recipe, loader_.batches())),
      optimizer_(parameters_of(*module_), recipe.optimizer),
      random_state_(seeded_state(options.device, derive_seed(seed, "training"))) {
  if (recipe.ema > 0) ema_.emplace(*module_);
  if (recipe.swa_start < 1) swa_.emplace(*module_);
}

double Training::fidelity() const {
  return recipe_.steps > 0 ? static_cast<double>(step_) : timetable_.epochs_after(step_);
}

std::int64_t Training::steps_of(double fidelity) const {
  const double batches = recipe_.steps > 0 ? 1 : static_cast<double>(timetable_.batches);
  return std::max<std::int64_t>(1, std::llround(fidelity * batches));
}

TrainingResult Training::run_until(double fidelity, const TrainingHooks& hooks) {
  const BorrowedGenerator generator(options_.device, random_state_);
  try {
    return train_to(steps_of(fidelity), fidelity, hooks);
  } catch (const std::exception& error) {
    if (failure_reason(error) != "oom") throw;
    return {TrainingEnd::failed, "oom", failure_message(error)};
  }
}

TrainingResult Training::train_to(std::int64_t target, double fidelity, const TrainingHooks& hooks) {
  if (loader_step_ != step_) loader_.seek(step_ / timetable_.batches, step_ % timetable_.batches);
  loader_step_ = step_;
  Stopwatch watch;
  module_->train();
  bool measured = false;
  while (step_ < target || !measured) {
    if (hooks.stop_requested && hooks.stop_requested()) return {TrainingEnd::stopped, {}, {}};
    if (step_ < target) {
      if (auto failure = train_step()) return *failure;
      average_weights();
    }
    const bool last = step_ >= target;
    if (!last && step_ % timetable_.batches != 0) continue;
    const Measurement measurement = measure(last, fidelity, watch.restart());
    measured = last;
    if (!std::isfinite(measurement.metrics.at("loss"))) {
      return {TrainingEnd::failed, "nan",
              "the validation loss is not finite after " + std::to_string(step_) + " steps"};
    }
    if (!hooks.measured(measurement) && !last) return {TrainingEnd::stopped, {}, {}};
    watch.restart();  // waiting for an answer is not evaluation
  }
  return {};
}

// A failure, or nothing when all is well.
std::optional<TrainingResult> Training::train_step() {
  const Batch batch = loader_.next();
  ++loader_step_;
  const torch::Tensor labels = batch.labels.to(options_.device, /*non_blocking=*/true);
  const double drop_path = drop_path_at(recipe_, timetable_, step_);
  if (drop_path != drop_path_) module_->set_drop_path(drop_path);
  drop_path_ = drop_path;

  const NetworkModule::Output output = module_->run(batch.inputs.to(options_.device, /*non_blocking=*/true));
  const auto entropy = torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(recipe_.label_smoothing);
  const torch::Tensor loss = torch::nn::functional::cross_entropy(output.logits, labels, entropy);
  torch::Tensor total = loss;
  if (output.auxiliary.defined()) {
    total = loss + recipe_.auxiliary_weight * torch::nn::functional::cross_entropy(output.auxiliary, labels, entropy);
  }
  optimizer_.clear_gradients();
  total.backward();

  const double value = loss.item<double>();
  if (!std::isfinite(value)) {
    return TrainingResult{TrainingEnd::failed, "nan",
                          "the loss is " + number_text(value) + " in step " + std::to_string(step_ + 1)};
  }
  const double guessing = std::log(static_cast<double>(std::max<std::int64_t>(network_.classes, 2)));
  hot_steps_ = value > hot_loss_factor * guessing ? hot_steps_ + 1 : 0;
  if (hot_steps_ >= most_hot_steps) {
    return TrainingResult{TrainingEnd::failed, "diverged",
                          "the loss is " + number_text(value) + " in step " + std::to_string(step_ + 1) +
                              " and has been far beyond guessing for " + std::to_string(hot_steps_) + " steps"};
  }
  const double scale =
      recipe_.gradient_clip > 0 ? clipping_scale(optimizer_.gradient_norm(), recipe_.gradient_clip) : 1;
  optimizer_.step(learning_rate_at(recipe_, timetable_, step_), scale);

  loss_sum_ += value * static_cast<double>(batch.size());
  correct_ += output.logits.detach().argmax(1).eq(labels).sum().item<std::int64_t>();
  seen_ += batch.size();
  ++step_;
  return std::nullopt;
}

void Training::average_weights() {
  if (ema_) ema_->blend(ema_share(recipe_.ema, ema_->updates()));
  if (!swa_) return;
  const double total = timetable_.epochs * static_cast<double>(timetable_.batches);
  const bool epoch_ends = step_ % timetable_.batches == 0 || step_ == std::llround(total);
  if (epoch_ends && static_cast<double>(step_) >= recipe_.swa_start * total) {
    swa_->blend(1 / (1 + static_cast<double>(swa_->updates())));
  }
}

// Gives the SWA weights running statistics of their own, from augmented training data in an order of their own.
void Training::recompute_averaged_norms() {
  const torch::NoGradGuard no_grad;
  LoaderOptions loader_options;
  loader_options.background = false;
  Loader loader(data_.training, recipe_.augmentation, recipe_.batch, derive_seed(seed_, "swa"), loader_options);
  const std::int64_t batches = std::min(loader.batches(), (swa_examples + recipe_.batch - 1) / recipe_.batch);
  std::int64_t done = 0;
  const AveragedWeights averaged(&*swa_);
  recompute_batch_norm(*module_, [&] {
    if (done == batches) return false;
    ++done;
    module_->forward(loader.next().inputs.to(options_.device));
    return true;
  });
}

Measurement Training::measure(bool last, double fidelity, double seconds) {
  Stopwatch watch;
  WeightAverage* average = ema_ ? &*ema_ : nullptr;
  evaluated_ = ema_ ? "ema." : "model.";
  if (last && swa_ && swa_->updates() > 0) {
    recompute_averaged_norms();
    average = &*swa_;
    evaluated_ = "swa.";
  }
  Measurement measurement;
  {
    const AveragedWeights averaged(average);
    const Evaluation result = evaluate(*module_, validation_, network_.classes, options_.device);
    metrics_ = {{"loss", result.loss}, {"accuracy", result.accuracy}, {"top5", result.top5}};
  }
  measurement.seconds = seconds + watch.restart();
  if (last && options_.measure_latency) metrics_["latency_ms"] = measure_latency_ms(*module_, options_.device);
  if (seen_ > 0) {
    metrics_["train_loss"] = loss_sum_ / static_cast<double>(seen_);
    metrics_["train_accuracy"] = static_cast<double>(correct_) / static_cast<double>(seen_);
  }
  metrics_["parameters"] = static_cast<double>(cost_.parameters);
  metrics_["macs"] = static_cast<double>(cost_.macs);
  measurement.metrics = metrics_;
  measurement.fidelity = last ? fidelity : this->fidelity();
  loss_sum_ = 0;
  correct_ = seen_ = 0;
  module_->train();
  return measurement;
}

Checkpoint Training::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.network = network_;
  checkpoint.recipe = recipe_;
  checkpoint.configuration = options_.configuration;
  checkpoint.data = {{"options", to_json(options_.data_options)},
                     {"class_names", data_.training.class_names()},
                     {"mean", data_.training.normalization().mean},
                     {"deviation", data_.training.normalization().deviation}};
  checkpoint.metrics = metrics_;
  checkpoint.progress = {{"seed", seed_},
                         {"step", step_},
                         {"batches", timetable_.batches},
                         {"fidelity", fidelity()},
                         {"hot_steps", hot_steps_},
                         {"loss_sum", loss_sum_},
                         {"correct", correct_},
                         {"seen", seen_},
                         {"ema_updates", ema_ ? ema_->updates() : 0},
                         {"swa_updates", swa_ ? swa_->updates() : 0}};
  checkpoint.evaluated = evaluated_;
  append_with_prefix(checkpoint.tensors, module_tensors(*module_), "model.");
  if (ema_) append_with_prefix(checkpoint.tensors, ema_->tensors(), "ema.");
  if (swa_) append_with_prefix(checkpoint.tensors, swa_->tensors(), "swa.");
  append_with_prefix(checkpoint.tensors, optimizer_.state(), "optimizer.");
  checkpoint.tensors.emplace_back("random.state", random_state_);
  return checkpoint;
}

void Training::restore(const Checkpoint& checkpoint, const std::string& file) {
  const auto part = [&](const std::string& prefix) { return with_prefix_removed(checkpoint.tensors, prefix); };
  const torch::Tensor* random_state = find_tensor(checkpoint.tensors, "random.state");
  try {
    const Json& progress = checkpoint.progress;
    const auto step = progress.at("step").get<std::int64_t>();
    if (progress.at("batches").get<std::int64_t>() != timetable_.batches || step < 0 || random_state == nullptr ||
        random_state->sizes() != random_state_.sizes() || random_state->scalar_type() != torch::kByte) {
      throw invalid({file, 0, 0}, "the checkpoint is of other data or another batch size", "start from scratch");
    }
    copy_tensors(part("model."), module_tensors(*module_), file);
    optimizer_.restore(part("optimizer."), file);
    if (ema_) ema_->restore(part("ema."), progress.at("ema_updates").get<std::int64_t>(), file);
    if (swa_) swa_->restore(part("swa."), progress.at("swa_updates").get<std::int64_t>(), file);
    random_state_ = random_state->clone();
    step_ = step;
    hot_steps_ = progress.at("hot_steps").get<std::int64_t>();
    loss_sum_ = progress.at("loss_sum").get<double>();
    correct_ = progress.at("correct").get<std::int64_t>();
    seen_ = progress.at("seen").get<std::int64_t>();
    metrics_ = checkpoint.metrics.get<std::map<std::string, double>>();
    evaluated_ = checkpoint.evaluated;
  } catch (const Json::exception&) {
    throw invalid({file, 0, 0}, "the checkpoint does not say how far training had come", "start from scratch");
  }
}

std::string failure_reason(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "oom";
  const std::string text = error.what();
  for (const char* sign : {"can't allocate memory", "out of memory", "not enough memory", "Cannot allocate memory"}) {
    if (text.find(sign) != std::string::npos) return "oom";
  }
  return "error";
}

std::string failure_message(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace netwright
