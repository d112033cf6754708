#include "apps/netwright-torch/supernet.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <numeric>

#include "netwright/base/file.h"
#include "netwright/oneshot/search.h"
#include "netwright/study/experiment.h"

namespace netwright {
namespace {

double skip_connections(const Configuration& configuration) {
  return static_cast<double>(std::count_if(
      configuration.values().begin(), configuration.values().end(), [](const Configuration::Entry& entry) {
        return entry.second == Value(std::string("skip_connect")) || entry.second == Value(std::string("identity"));
      }));
}

double changed_choices(const Configuration& before, const Configuration& now) {
  return static_cast<double>(
      std::count_if(now.values().begin(), now.values().end(), [&](const Configuration::Entry& entry) {
        const Value* value = before.find(entry.first);
        return value == nullptr || *value != entry.second;
      }));
}

}  // namespace

Finished search_supernet(const Start& start, const SearchData& data, const DataOptions& data_options,
                         torch::Device device, const SupernetHooks& hooks) {
  const Experiment experiment = parse_experiment(parse_yaml(start.supernet, "the experiment"));
  const SearchSpace space = make_space(experiment, data.training.shape(), data.training.classes());
  OneShotOptions options;
  options.device = device;
  options.data_options = data_options;
  OneShotSearch search(space, experiment.strategy, start.recipe.value_or(one_shot_recipe()), data, start.seed, options);

  make_folders(start.folder);
  const std::string own = (std::filesystem::path(start.folder) / "supernet.ckpt").string();
  const std::string from = !start.checkpoint.empty() ? start.checkpoint : file_exists(own) ? own : std::string();
  if (!from.empty()) {
    const LoadedCheckpoint loaded = load_checkpoint_or_previous(from);
    if (!loaded.warning.empty()) std::cerr << "netwright-torch: warning: " << loaded.warning << '\n';
    search.restore(loaded.checkpoint, from);
  }

  Configuration last;
  OneShotHooks inner;
  inner.stop_requested = hooks.must_stop;
  inner.epoch_done = [&](const OneShotReport& report) {
    save_checkpoint(own, search.checkpoint());
    Measurement measurement;
    measurement.fidelity = static_cast<double>(report.epoch);
    measurement.seconds = report.seconds;
    measurement.metrics["train_loss"] = report.train_loss;
    measurement.metrics["train_accuracy"] = report.train_accuracy;
    measurement.metrics["accuracy"] = search.accuracy(single(search.relaxation().picks(report.configuration)));
    measurement.metrics["entropy"] = std::accumulate(report.entropy.begin(), report.entropy.end(), 0.0) /
                                     static_cast<double>(std::max<std::size_t>(1, report.entropy.size()));
    measurement.metrics["skip_connections"] = skip_connections(report.configuration);
    if (!last.values().empty()) measurement.metrics["changed_choices"] = changed_choices(last, report.configuration);
    last = report.configuration;
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
  }
  return finished;
}

}  // namespace netwright
