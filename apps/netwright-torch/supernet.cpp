#include "apps/netwright-torch/supernet.h"

#include <filesystem>
#include <iostream>

#include "apps/netwright-torch/supernet_plan.h"
#include "netwright/base/bytes.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/oneshot/architecture.h"
#include "netwright/oneshot/search.h"
#include "netwright/study/experiment.h"

namespace netwright {
namespace {

// The metrics of an epoch. `accuracy` is that of the network that the search would hand over now.
Measurement measure(OneShotSearch& search, const OneShotReport& report) {
  const EpochHealth& health = report.health;
  Measurement measurement;
  measurement.fidelity = static_cast<double>(report.epoch);
  measurement.seconds = report.seconds;
  auto& metrics = measurement.metrics;
  metrics["train_loss"] = report.train_loss;
  metrics["train_accuracy"] = report.train_accuracy;
  metrics["accuracy"] = search.accuracy(single(search.relaxation().picks(search.heaviest())));
  if (const auto& relaxed = search.method().relaxed()) {
    metrics["supernet_accuracy"] = search.accuracy(detached(relaxed->mixture()));
    metrics["accuracy_gap"] = metrics["supernet_accuracy"] - metrics["accuracy"];
  }
  metrics["entropy"] = health.entropy;
  metrics["sparsity"] = health.sparsity;
  metrics["skip_connections"] = health.skip_count();
  for (const CellSkips& cell : health.skips) metrics["skip_connections." + cell.cell] = cell.count;
  if (health.changed_choices) metrics["changed_choices"] = *health.changed_choices;
  metrics["changed_epochs"] = static_cast<double>(health.changed_epochs);
  if (health.eigenvalue) metrics["eigenvalue"] = *health.eigenvalue;
  if (search.health().judged()) metrics["collapse"] = static_cast<double>(search.health().sign_count());
  measurement.details = {{"architecture", to_json(report.architecture)}};
  if (!report.signs.empty()) measurement.details["signs"] = to_json(report.signs);
  return measurement;
}

std::string end_in_words(const HealthWatch& health) {
  std::vector<std::string> signs;
  for (const CollapseSign& sign : health.new_signs()) signs.push_back(sign.text);
  return "stopped after epoch " + std::to_string(health.history().back().epoch) + ", with the architecture of epoch " +
         std::to_string(health.back_to()) + ": " + join(signs, "; ");
}

// Nothing has been tried: the study ends with the message and the remedy (study/one_shot.h).
Finished refused(std::int64_t trial, const TooLarge& too_large) {
  Finished finished;
  finished.trial = trial;
  finished.state = TrialState::failed;
  finished.reason = "memory";
  finished.message = too_large.problem;
  finished.metrics = {{"remedy", too_large.remedy}};
  return finished;
}

}  // namespace

Finished search_supernet(const Start& start, const SearchData& data, const DataOptions& data_options,
                         torch::Device device, const SupernetHooks& hooks) {
  const Experiment experiment = parse_experiment(parse_yaml(start.supernet, "the experiment"));
  std::optional<TooLarge> too_large;
  const SupernetPlan plan = plan_supernet(start, experiment, data, too_large);
  if (too_large) return refused(start.trial, *too_large);
  Recipe recipe = start.recipe.value_or(one_shot_recipe());
  recipe.batch = plan.batch;
  std::cerr << "netwright-torch: batch " << plan.batch << " in " << plan.parts << " parts, predicted peak "
            << human_bytes(plan.predicted) << ", limit " << human_bytes(plan.limit) << '\n';
  const SearchSpace space = make_space(experiment, data.training.shape(), data.training.classes());
  OneShotOptions options;
  options.device = device;
  options.data_options = data_options;
  options.collapse = experiment.collapse;
  options.decoding = experiment.decoding.rule;
  options.decoding_samples = static_cast<int>(experiment.decoding.samples);
  options.decoding_examples = experiment.decoding.examples;
  options.tune_steps = static_cast<int>(experiment.decoding.tune_steps);
  options.parts = plan.parts;
  options.passes = experiment.execution.passes;
  OneShotSearch search(space, experiment.strategy, recipe, data, start.seed, options);

  make_folders(start.folder);
  const std::string own = (std::filesystem::path(start.folder) / "supernet.ckpt").string();
  const std::string from = !start.checkpoint.empty() ? start.checkpoint : file_exists(own) ? own : std::string();
  if (!from.empty()) {
    const LoadedCheckpoint loaded = load_checkpoint_or_previous(from);
    if (!loaded.warning.empty()) std::cerr << "netwright-torch: warning: " << loaded.warning << '\n';
    search.restore(loaded.checkpoint, from);
  }

  OneShotHooks inner;
  inner.stop_requested = hooks.must_stop;
  inner.epoch_done = [&](const OneShotReport& report) {
    save_checkpoint(own, search.checkpoint());
    Measurement measurement = measure(search, report);
    measurement.details["memory"] = to_json(plan);
    measurement.details["memory"]["peak"] = peak_resident_bytes();
    return hooks.measured(measurement);
  };
  const TrainingResult result = search.run_until(start.fidelity, inner);

  Finished finished;
  finished.trial = start.trial;
  if (result.end == TrainingEnd::failed) {
    finished.state = TrialState::failed;
    finished.reason = result.reason;
    finished.message = result.message;
    return finished;
  }
  save_checkpoint(own, search.checkpoint());
  finished.checkpoint = own;
  if (result.end == TrainingEnd::stopped) {
    finished.state = TrialState::paused;
  } else {
    finished.configuration = search.decode();
    if (search.health().stopped()) finished.message = end_in_words(search.health());
  }
  return finished;
}

}  // namespace netwright
