#include "netwright/study/retrain.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "netwright/base/file.h"
#include "netwright/study/search.h"

namespace netwright {
namespace {

bool tested(const Trial& trial) {
  return last_metric(trial, "test_accuracy") || last_metric(trial, "test_loss");
}

std::string key_of(const Trial& trial) {
  return trial.configuration.canonical_text();
}

}  // namespace

Retraining::Retraining(const StudyContext& context, StudyState& state) : context_(context), state_(state) {
  std::vector<Trial*> known;
  for (Trial& trial : state_.trials) {
    if (is_retraining(trial.purpose)) known.push_back(&trial);
  }
  const auto plans = plan();
  planned_ = static_cast<std::int64_t>(plans.size());
  for (std::size_t i = known.size(); i < plans.size();
       ++i) {  // the plan is the same every time: continue where a kill cut it
    const Design design = full_design(plans[i].configuration);
    Trial trial;
    trial.id = static_cast<std::int64_t>(state_.trials.size()) + 1;
    trial.purpose = plans[i].purpose;
    trial.configuration = plans[i].configuration;
    trial.network_hash = training_hash(design, trial.configuration, context_.space.table());
    trial.seed = plans[i].seed;
    trial.source = plans[i].source;
    trial.target_fidelity = full_fidelity(design.recipe);
    context_.storage.add_trial(state_.record.name, trial);
    state_.trials.push_back(std::move(trial));
    known.push_back(&state_.trials.back());
  }
  for (Trial* trial : known) {
    if (!is_finished(trial->state)) waiting_.push_back(trial);
  }
  std::reverse(waiting_.begin(), waiting_.end());
}

// Best and random in turn; all configurations once before the second seed.
std::vector<Retraining::Plan> Retraining::plan() {
  const RetrainOptions& options = context_.experiment.retrain;
  std::vector<Trial> searched;
  for (const Trial& trial : state_.trials) {
    if (trial.purpose == TrialPurpose::search) searched.push_back(trial);
  }
  auto best = ranking(searched, context_.experiment.objectives);
  best.resize(std::min(best.size(), static_cast<std::size_t>(options.top)));
  const bool compare = options.baseline == "random" && !context_.space.choices().empty();
  const std::size_t wanted =
      options.random_networks > 0 ? static_cast<std::size_t>(options.random_networks) : best.size();
  const auto random = compare && !best.empty() ? random_configurations(wanted) : std::vector<Configuration>{};
  std::vector<Plan> plans;
  for (std::int64_t seed = 0; seed < options.seeds; ++seed) {
    for (std::size_t i = 0; i < std::max(best.size(), random.size()); ++i) {
      const auto index = static_cast<std::uint64_t>(seed) * 1000 + i;
      if (i < best.size()) {
        plans.push_back({TrialPurpose::retrain, best[i]->configuration, best[i]->id,
                         derive_seed(context_.experiment.seed, "retrain", index)});
      }
      if (i < random.size()) {
        plans.push_back(
            {TrialPurpose::baseline, random[i], 0, derive_seed(context_.experiment.seed, "baseline", index)});
      }
    }
  }
  return plans;
}

// Different networks that respect the constraints on size, as a searched one must.
std::vector<Configuration> Retraining::random_configurations(std::size_t count) const {
  Random random(derive_seed(context_.experiment.seed, "baseline configurations"));
  std::vector<Configuration> configurations;
  std::set<std::string> seen;
  for (int attempt = 0; attempt < 10'000 && configurations.size() < count; ++attempt) {
    Configuration candidate = context_.space.sample(random);
    try {
      const Design design = context_.space.fill(candidate);
      Trial probe;
      probe.measurements.push_back({0, 0, static_metrics(design, context_.space.table())});
      const auto& objectives = context_.experiment.objectives;
      const bool refused = std::any_of(objectives.begin(), objectives.end(), [&](const Objective& objective) {
        return objective.constraint && score(probe, objective) && !is_feasible(probe, {objective});
      });
      if (refused || !seen.insert(training_hash(design, candidate, context_.space.table())).second) continue;
    } catch (const Error&) {  // this filling is no network
      continue;
    }
    configurations.push_back(std::move(candidate));
  }
  return configurations;
}

Design Retraining::full_design(const Configuration& configuration) const {
  Design design = context_.space.fill(configuration);
  if (!context_.experiment.retrain.recipe.is_null()) {
    design.recipe = parse_recipe(context_.experiment.retrain.recipe, design.recipe);
  }
  return design;
}

std::optional<Job> Retraining::next() {
  if (waiting_.empty()) return std::nullopt;
  Trial* trial = waiting_.back();
  waiting_.pop_back();
  Start start = make_start(context_, *trial, full_design(trial->configuration));
  start.keep_checkpoint = true;
  return Job{trial, start};
}

bool Retraining::measured(Trial& trial) {
  Measurement& measurement = trial.measurements.back();
  for (const auto& [name, value] : static_metrics(context_.space.fill(trial.configuration), context_.space.table())) {
    measurement.metrics.emplace(name, value);
  }
  return true;
}

void Retraining::ended(Trial& trial, const Json&) {
  context_.storage.update_trial(state_.record.name, trial);
  if (!is_finished(trial.state)) waiting_.push_back(&trial);
}

Testing::Testing(const StudyContext& context, StudyState& state) : context_(context), state_(state) {
  for (Trial& trial : state_.trials) {
    if (!is_retraining(trial.purpose) || trial.state != TrialState::complete) continue;
    ++planned_;
    if (!tested(trial) && !trial.checkpoint.empty()) waiting_.push_back(&trial);
  }
  std::reverse(waiting_.begin(), waiting_.end());
}

std::optional<Job> Testing::next() {
  if (waiting_.empty()) return std::nullopt;
  Trial* trial = waiting_.back();
  waiting_.pop_back();
  return Job{trial, Test{trial->id, (std::filesystem::path(context_.folder) / trial->checkpoint).string()}};
}

void Testing::ended(Trial& trial, const Json& result) {
  if (!result.is_object()) return;
  Measurement measurement;
  measurement.fidelity = trial.fidelity;
  Json matrix;
  for (const auto& [name, value] : result.items()) {
    if (value.is_number()) measurement.metrics[name] = value.get<double>();
  }
  const std::string folder = (std::filesystem::path(context_.folder) / trial_folder(trial.id)).string();
  make_folders(folder);
  write_file_atomically(folder + "/test.json", result.dump(1) + "\n");
  trial.measurements.push_back(std::move(measurement));
  context_.storage.update_trial(state_.record.name, trial);
}

const Trial* final_trial(const std::deque<Trial>& trials, const std::vector<Objective>& objectives) {
  const Objective& objective = objectives.front();
  struct Group {
    double sum = 0;
    int count = 0;
    const Trial* best = nullptr;
    double best_score = 0;
  };
  std::map<std::string, Group> groups;
  for (const Trial& trial : trials) {
    if (trial.purpose != TrialPurpose::retrain || trial.state != TrialState::complete) continue;
    const auto value = score(trial, objective);
    if (!value) continue;
    Group& group = groups[key_of(trial)];
    group.sum += *value;
    group.count += 1;
    if (group.best == nullptr || *value > group.best_score) {
      group.best = &trial;
      group.best_score = *value;
    }
  }
  const Group* winner = nullptr;
  for (const auto& [key, group] : groups) {
    if (winner == nullptr || group.sum / group.count > winner->sum / winner->count) winner = &group;
  }
  if (winner != nullptr) return winner->best;
  const std::vector<Trial> all(trials.begin(), trials.end());
  const auto best = ranking(all, objectives);
  return best.empty() ? nullptr : &trials[static_cast<std::size_t>(best.front()->id) - 1];
}

std::vector<double> means_by_configuration(const std::deque<Trial>& trials, TrialPurpose purpose,
                                           const std::string& metric) {
  std::map<std::string, std::pair<double, int>> sums;
  for (const Trial& trial : trials) {
    if (trial.purpose != purpose || trial.state != TrialState::complete) continue;
    const auto value = last_metric(trial, metric);
    if (!value) continue;
    auto& [sum, count] = sums[key_of(trial)];
    sum += *value;
    ++count;
  }
  std::vector<double> means;
  for (const auto& [key, sum_and_count] : sums) means.push_back(sum_and_count.first / sum_and_count.second);
  return means;
}

}  // namespace netwright
