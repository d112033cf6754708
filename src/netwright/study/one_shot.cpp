#include "netwright/study/one_shot.h"

#include <algorithm>
#include <filesystem>

#include "netwright/base/bytes.h"
#include "netwright/base/printable.h"
#include "netwright/base/text.h"
#include "netwright/study/search.h"
#include "netwright/trial/architecture_record.h"

namespace netwright {

const std::vector<std::string>& one_shot_methods() {
  static const std::vector<std::string> names = {"darts", "pc_darts", "gaea",  "snas", "gdas",
                                                 "drnas", "rebar",    "relax", "enas", "random_ws"};
  return names;
}

bool is_one_shot(const Yaml& strategy) {
  const Yaml* name = strategy.find("name");
  const auto& names = one_shot_methods();
  return name != nullptr && name->is_scalar() && std::find(names.begin(), names.end(), name->text) != names.end();
}

namespace {

// Whether a quarter of the channels passes the options: PC-DARTS, and GAEA on it.
bool has_partial_channels(const Yaml& strategy) {
  const auto says = [&](const char* key, const char* text) {
    const Yaml* value = strategy.find(key);
    return value != nullptr && value->is_scalar() && value->text == text;
  };
  return says("name", "pc_darts") || (says("name", "gaea") && says("base", "pc_darts"));
}

}  // namespace

namespace {

// Of what the trainer says with its first measurement; empty where it is not said as it should be.
std::string memory_in_words(const Json& memory) {
  try {
    const auto parts = memory.at("parts").get<std::int64_t>();
    if (memory.at("predicted").get<std::int64_t>() <= 0) return {};
    return "batch " + std::to_string(memory.at("batch").get<std::int64_t>()) +
           (parts > 1 ? " in " + std::to_string(parts) + " parts" : "") + ": predicted peak " +
           human_bytes(memory.at("predicted").get<std::int64_t>()) + " of " +
           human_bytes(memory.at("limit").get<std::int64_t>());
  } catch (const Json::exception&) {
    return {};
  }
}

}  // namespace

Recipe supernet_recipe(const Yaml& strategy, const Yaml& recipe) {
  Recipe base;
  base.epochs = 50;
  base.batch = 64;
  base.optimizer.learning_rate = 0.025;
  base.optimizer.momentum = 0.9;
  base.optimizer.nesterov = false;
  base.optimizer.weight_decay = 3e-4;
  base.schedule.final_fraction = 0.04;
  base.gradient_clip = 5;
  if (has_partial_channels(strategy)) {
    base.batch = 256;
    base.optimizer.learning_rate = 0.1;
    base.schedule.final_fraction = 0;
  }
  return recipe.is_null() ? base : parse_recipe(recipe, base);
}

OneShot::OneShot(const StudyContext& context, StudyState& state)
    : context_(context),
      state_(state),
      recipe_(supernet_recipe(context.experiment.strategy, context.experiment.recipe)) {
  if (state_.trials.empty()) {
    Trial& trial = state_.trials.emplace_back();
    trial.id = 1;
    trial.seed = derive_seed(context_.experiment.seed, "supernet");
    trial.target_fidelity = full_fidelity(recipe_);
    context_.storage.add_trial(state_.record.name, trial,
                               StudyEvent{EventKind::proposed, trial.id, 0, state_.record.elapsed});
  }
  Trial& trial = state_.trials.front();
  if (!is_finished(trial.state)) waiting_ = &trial;
}

std::optional<Job> OneShot::next() {
  if (waiting_ == nullptr) return std::nullopt;
  Trial& trial = *waiting_;
  waiting_ = nullptr;
  Start start;
  start.trial = trial.id;
  start.recipe = recipe_;
  start.seed = trial.seed;
  start.fidelity = trial.target_fidelity;
  start.folder = (std::filesystem::path(context_.folder) / trial_folder(trial.id)).string();
  if (!trial.checkpoint.empty()) {
    start.checkpoint = (std::filesystem::path(context_.folder) / trial.checkpoint).string();
  }
  start.supernet = context_.experiment.full_text;
  return Job{&trial, start};
}

bool OneShot::measured(Trial& trial) {
  const Measurement& measurement = trial.measurements.back();
  if (!measurement.details.is_object()) return true;
  if (trial.measurements.size() == 1 && measurement.details.contains("memory")) {
    const std::string words = memory_in_words(measurement.details.at("memory"));
    if (!words.empty()) context_.observer.note(words);
  }
  if (!measurement.details.contains("signs")) return true;
  for (const CollapseSign& sign : collapse_signs_from_json(measurement.details.at("signs"))) {
    context_.observer.note("the search may be collapsing, epoch " + number_text(measurement.fidelity) + ": " +
                           sign.text);
  }
  return true;
}

void OneShot::ended(Trial& trial, const Json& result) {
  if (trial.state == TrialState::failed && trial.reason == "memory") {
    // Nothing has been tried yet: the trial stays as it was, so that the study may be resumed where there is more.
    std::string remedy;
    if (result.is_object() && result.contains("remedy")) remedy = result["remedy"].get<std::string>();
    throw Error(ExitCode::invalid, trial.message, printable(remedy));
  }
  if (!is_finished(trial.state)) {  // interrupted
    context_.storage.update_trial(state_.record.name, trial);
    waiting_ = &trial;
    return;
  }
  if (trial.state == TrialState::complete) {
    try {
      context_.space.validate(trial.configuration);
      const Design design = context_.space.fill(trial.configuration);
      trial.network_hash = training_hash(design, trial.configuration, context_.space.table());
      for (const auto& [name, value] : static_metrics(design, context_.space.table())) {
        trial.measurements.back().metrics[name] = value;
      }
    } catch (const Error& error) {
      trial.state = TrialState::failed;
      trial.reason = "invalid";
      trial.message = std::string("the trainer found no network of the space: ") + error.what();
    }
  }
  state_.events.push_back({EventKind::finished, trial.id, trial.fidelity, trial.finished, trial.worker});
  context_.storage.update_trial(state_.record.name, trial, state_.events.back());
}

}  // namespace netwright
