#include "netwright/study/search.h"

#include <algorithm>
#include <filesystem>

#include "netwright/base/file.h"
#include "netwright/space/canonical.h"

namespace netwright {

namespace {
// Proposals in a row that need no training (copies, refused ones) before the space counts as exhausted.
constexpr int patience = 500;
}  // namespace

std::string trial_folder(std::int64_t trial) {
  return "trials/" + std::to_string(trial);
}

double full_fidelity(const Recipe& recipe) {
  return recipe.steps > 0 ? static_cast<double>(recipe.steps) : recipe.epochs;
}

std::map<std::string, double> static_metrics(const Design& design, const OperationTable& table) {
  if (design.network.graph.nodes.empty()) return {};
  const Cost cost = network_cost(design.network, table);
  return {{"parameters", static_cast<double>(cost.parameters)}, {"macs", static_cast<double>(cost.macs)}};
}

std::string training_hash(const Design& design, const Configuration& configuration, const OperationTable& table) {
  if (design.network.graph.nodes.empty()) return blake2b_hex(configuration.canonical_text());
  return blake2b_hex(canonical_hash(design.network, table) + to_json(design.recipe).dump());
}

Start make_start(const StudyContext& context, const Trial& trial, const Design& design) {
  Start start;
  start.trial = trial.id;
  start.purpose = to_string(trial.purpose);
  start.configuration = trial.configuration;
  if (!design.network.graph.nodes.empty()) start.network = design.network;
  start.recipe = design.recipe;
  start.seed = trial.seed;
  start.fidelity = trial.target_fidelity;
  start.folder = (std::filesystem::path(context.folder) / trial_folder(trial.id)).string();
  if (!trial.checkpoint.empty()) {
    start.checkpoint = (std::filesystem::path(context.folder) / trial.checkpoint).string();
  }
  start.measure_latency = std::any_of(context.experiment.objectives.begin(), context.experiment.objectives.end(),
                                      [](const Objective& objective) { return objective.metric == "latency_ms"; });
  return start;
}

Search::Search(const StudyContext& context, StudyState& state, const Runner& runner)
    : context_(context), state_(state), runner_(runner) {
  const Experiment& experiment = context.experiment;
  strategy_ = make_strategy({context.space, experiment.objectives, experiment.strategy});
  // A recipe whose epochs are a choice has no one full fidelity: 0 leaves it to each trial's own recipe.
  const bool epochs_open =
      context.space.find("recipe.epochs") != nullptr || context.space.find("recipe.steps") != nullptr;
  double full = 0;
  if (!epochs_open && !context.space.choices().empty()) {
    Random random(derive_seed(experiment.seed, "fidelity"));
    full = full_fidelity(context.space.fill(context.space.sample(random)).recipe);
  }
  schedule_ = make_schedule({experiment.objectives, full, experiment.schedule});
  replay();
}

void Search::replay_until_told(std::size_t count) {
  while (told_ < std::min(count, state_.finish_order.size())) {
    const Trial& trial = state_.trials[static_cast<std::size_t>(state_.finish_order[told_]) - 1];
    ++told_;
    if (trial.purpose != TrialPurpose::search) continue;
    strategy_->tell(trial);
    schedule_->finished(trial);
  }
}

void Search::replay() {
  for (Trial& trial : state_.trials) {
    if (trial.purpose != TrialPurpose::search) break;  // what follows the search
    replay_until_told(static_cast<std::size_t>(trial.told_before));
    schedule_->next(true);
    Random random(derive_seed(context_.experiment.seed, "strategy", static_cast<std::uint64_t>(trial.id)));
    const auto proposed = strategy_->ask(random);
    if (!proposed || !(*proposed == trial.configuration)) {
      context_.observer.note("trial " + std::to_string(trial.id) +
                             " is not what this version's strategy would have proposed; the stored one is kept");
    }
    schedule_->started(trial.id);
    if (trial.copied_from == 0) by_network_.emplace(trial.network_hash, trial.id);
    count(trial);
    if (is_finished(trial.state)) {
      target_reached_ = target_reached_ || targets_reached(trial);
      continue;
    }
    costs_[trial.id] = static_metrics(context_.space.fill(trial.configuration), context_.space.table());
    if (trial.copied_from != 0) {
      copies_[trial.copied_from].push_back(&trial);
    } else {
      unfinished_.push_back(&trial);
    }
  }
  replay_until_told(state_.finish_order.size());
  std::reverse(unfinished_.begin(), unfinished_.end());  // taken from the back
  // A copy whose original ended in the very moment of the kill.
  for (auto iterator = copies_.begin(); iterator != copies_.end();) {
    const Trial original = state_.trials[static_cast<std::size_t>(iterator->first) - 1];
    if (!is_finished(original.state)) {
      ++iterator;
      continue;
    }
    const auto waiting = iterator->second;
    iterator = copies_.erase(iterator);
    for (Trial* copy : waiting) copy_result(*copy, original);
  }
}

bool Search::closed() const {
  const Budget& budget = context_.experiment.budget;
  if (!unfinished_.empty()) return false;
  return exhausted_ || target_reached_ || too_many_failures() || (budget.trials > 0 && counted_ >= budget.trials) ||
         (budget.seconds > 0 && runner_.elapsed() >= budget.seconds);
}

std::optional<Job> Search::next() {
  if (!unfinished_.empty()) {
    Trial* trial = unfinished_.back();
    unfinished_.pop_back();
    return start_job(*trial);
  }
  for (int skipped = 0; skipped < patience; ++skipped) {
    if (closed()) return std::nullopt;
    const Decision decision = schedule_->next(true);
    if (decision.kind == Decision::Kind::wait || decision.kind == Decision::Kind::finished) return std::nullopt;
    if (decision.kind == Decision::Kind::resume) {
      Trial& trial = state_.trials[static_cast<std::size_t>(decision.trial) - 1];
      trial.target_fidelity = decision.fidelity;
      return start_job(trial);
    }
    Trial* trial = propose(decision.fidelity);
    if (exhausted_) return std::nullopt;
    if (trial == nullptr) continue;
    Job job = start_job(*trial);
    job.start_stored = true;
    return job;
  }
  exhausted_ = true;
  context_.observer.note("the last " + std::to_string(patience) +
                         " proposals were networks already tried or refused by a constraint; the search ends here");
  return std::nullopt;
}

Trial& Search::add_trial(Configuration configuration, std::int64_t told_before) {
  Trial trial;
  trial.id = static_cast<std::int64_t>(state_.trials.size()) + 1;
  trial.configuration = std::move(configuration);
  trial.seed = derive_seed(context_.experiment.seed, "trial", static_cast<std::uint64_t>(trial.id));
  trial.told_before = told_before;
  state_.trials.push_back(std::move(trial));
  return state_.trials.back();
}

// A trial to be trained; null when the proposal needed no training, or when there are no more (exhausted_).
Trial* Search::propose(double fidelity) {
  const auto id = static_cast<std::uint64_t>(state_.trials.size()) + 1;
  Random random(derive_seed(context_.experiment.seed, "strategy", id));
  auto configuration = strategy_->ask(random);
  if (!configuration) {
    exhausted_ = true;
    return nullptr;
  }
  Trial& trial = add_trial(std::move(*configuration), static_cast<std::int64_t>(told_));
  schedule_->started(trial.id);
  try {
    const Design design = context_.space.fill(trial.configuration);
    trial.target_fidelity = fidelity > 0 ? fidelity : full_fidelity(design.recipe);
    trial.network_hash = training_hash(design, trial.configuration, context_.space.table());
    costs_[trial.id] = static_metrics(design, context_.space.table());
  } catch (const Error& error) {  // this filling is no network, e.g. channels that do not fit
    trial.state = TrialState::failed;
    trial.reason = "invalid";
    trial.message = error.what();
  }
  const bool trains = !settle_without_training(trial);
  if (trains) {  // a slot waits for it: stored as running before it starts, in one commit
    begin_attempt(trial, runner_.elapsed());
    context_.storage.add_trial(state_.record.name, trial);
  }
  count(trial);
  return trains ? &trial : nullptr;
}

// Copies of earlier networks, invalid ones and those that break a constraint on size end (or wait) without a trainer.
bool Search::settle_without_training(Trial& trial) {
  if (trial.state != TrialState::failed) {
    const auto known = by_network_.find(trial.network_hash);
    if (known == by_network_.end()) {
      by_network_.emplace(trial.network_hash, trial.id);
      Trial probe = trial;  // what is known before training
      probe.measurements.push_back({0, 0, costs_[trial.id]});
      const auto& objectives = context_.experiment.objectives;
      const bool refused = std::any_of(objectives.begin(), objectives.end(), [&](const Objective& objective) {
        return objective.constraint && score(probe, objective) && !is_feasible(probe, {objective});
      });
      if (!refused) return false;
      trial.measurements = probe.measurements;
      trial.state = TrialState::pruned;
      trial.reason = "constraint";
    } else {
      trial.copied_from = known->second;
      const Trial& original = state_.trials[static_cast<std::size_t>(known->second) - 1];
      context_.storage.add_trial(state_.record.name, trial);
      if (is_finished(original.state)) {
        copy_result(trial, original);
      } else {
        copies_[original.id].push_back(&trial);
      }
      return true;
    }
  }
  trial.finished = runner_.elapsed();
  context_.storage.add_trial(state_.record.name, trial);
  context_.storage.update_trial(state_.record.name, trial, true);
  tell(trial);
  context_.observer.trial_changed(trial);
  return true;
}

void Search::copy_result(Trial& copy, const Trial& original) {
  copy.state = original.state;
  copy.fidelity = original.fidelity;
  copy.measurements = original.measurements;
  for (auto& measurement : copy.measurements) {
    measurement.seconds = 0;  // no time was spent
    // Equal networks may differ in nodes that nothing uses, and so in size.
    for (const auto& [name, value] : costs_[copy.id]) measurement.metrics[name] = value;
  }
  costs_.erase(copy.id);
  copy.reason = original.reason;
  copy.message = original.message;
  copy.started = copy.finished = runner_.elapsed();
  context_.storage.update_trial(state_.record.name, copy, true);
  tell(copy);
  context_.observer.trial_changed(copy);
}

Job Search::start_job(Trial& trial) const {
  return {&trial, make_start(context_, trial, context_.space.fill(trial.configuration))};
}

bool Search::measured(Trial& trial) {
  Measurement& measurement = trial.measurements.back();
  for (const auto& [name, value] : costs_[trial.id]) measurement.metrics.emplace(name, value);
  return schedule_->measured(trial, measurement);
}

void Search::ended(Trial& trial, const Json&) {
  const bool interrupted = trial.state == TrialState::paused;
  if (trial.state == TrialState::complete && !schedule_->reached(trial)) trial.state = TrialState::paused;
  context_.storage.update_trial(state_.record.name, trial, is_finished(trial.state));
  if (!is_finished(trial.state)) {
    if (interrupted) unfinished_.push_back(&trial);
    return;
  }
  if (trial.state == TrialState::failed) ++failures_;
  costs_.erase(trial.id);
  tell(trial);
  const auto waiting = copies_.find(trial.id);
  if (waiting == copies_.end()) return;
  const auto copies = waiting->second;
  copies_.erase(waiting);
  for (Trial* copy : copies) {
    copy_result(*copy, trial);
  }
}

void Search::tell(Trial& trial) {
  state_.finish_order.push_back(trial.id);
  ++told_;
  strategy_->tell(trial);
  schedule_->finished(trial);
  target_reached_ = target_reached_ || targets_reached(trial);
}

void Search::count(const Trial& trial) {
  if (trial.copied_from != 0 || trial.reason == "constraint") return;
  ++counted_;
  // A trial that is still to run is counted as failed when it ends.
  if (trial.state == TrialState::failed) ++failures_;
}

bool Search::targets_reached(const Trial& trial) const {
  const auto& objectives = context_.experiment.objectives;
  if (trial.state != TrialState::complete) return false;
  bool any = false;
  for (const auto& objective : objectives) {
    if (!objective.target) continue;
    any = true;
    const auto value = score(trial, objective);
    if (!value || *value < (objective.maximize ? *objective.target : -*objective.target)) return false;
  }
  return any;
}

}  // namespace netwright
