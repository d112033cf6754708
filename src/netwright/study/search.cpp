#include "netwright/study/search.h"

#include <algorithm>
#include <filesystem>

#include "netwright/base/file.h"
#include "netwright/base/text.h"
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

double common_fidelity(const SearchSpace& space, std::uint64_t seed) {
  if (space.find("recipe.epochs") != nullptr || space.find("recipe.steps") != nullptr) return 0;
  Random random(derive_seed(seed, "fidelity"));
  for (int attempt = 0;; ++attempt) {
    try {
      return full_fidelity(space.fill(space.sample(random)).recipe);
    } catch (const Error&) {  // this filling is no network
      if (attempt == patience) throw;
    }
  }
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
  schedule_ =
      make_schedule({experiment.objectives, common_fidelity(context.space, experiment.seed), experiment.schedule});
  replay();
}

bool Search::closed() const {
  const Budget& budget = context_.experiment.budget;
  if (!unfinished_.empty()) return false;
  return target_reached_ || too_many_failures() || (budget.seconds > 0 && runner_.elapsed() >= budget.seconds);
}

// Whether a new trial may be started; what cannot be taken back is logged.
bool Search::may_start() {
  const Budget& budget = context_.experiment.budget;
  const bool spent = exhausted_ || (budget.trials > 0 && counted_ >= budget.trials);
  if (may_start_ && spent) {
    may_start_ = false;
    context_.storage.add_event(state_.record.name, log(EventKind::closed, {}));
  }
  return may_start_;
}

std::optional<Job> Search::next() {
  if (!unfinished_.empty()) {
    Trial* trial = unfinished_.back();
    unfinished_.pop_back();
    return start_job(*trial);
  }
  int skipped = 0;
  while (!closed()) {
    const Decision decision = schedule_->next(may_start());
    if (decision.kind == Decision::Kind::wait || decision.kind == Decision::Kind::finished) return std::nullopt;
    Trial* trial = nullptr;
    if (decision.kind == Decision::Kind::resume) {
      trial = resume(decision);
    } else {
      trial = propose(decision.fidelity);
      if (trial == nullptr && ++skipped >= patience && !exhausted_) {
        exhausted_ = true;
        context_.observer.note(
            "the last " + std::to_string(patience) +
            " proposals were networks already tried or refused by a constraint; the search ends here");
      }
    }
    if (trial == nullptr) continue;
    Job job = start_job(*trial);
    job.start_stored = true;
    return job;
  }
  return std::nullopt;
}

StudyEvent Search::log(EventKind kind, const Trial& trial) {
  const bool had_a_worker = (kind == EventKind::paused || kind == EventKind::finished) && trial.copied_from == 0;
  state_.events.push_back({kind, trial.id, trial.fidelity, runner_.elapsed(), had_a_worker ? trial.worker : -1});
  return state_.events.back();
}

// A trial to be trained; null when the proposal needed no training, or when there are no more (exhausted_).
Trial* Search::propose(double fidelity) {
  const auto id = state_.trials.size() + 1;
  Random random(derive_seed(context_.experiment.seed, "strategy", id));
  auto configuration = strategy_->ask(random);
  if (!configuration) {
    exhausted_ = true;
    return nullptr;
  }
  Trial& trial = state_.trials.emplace_back();
  trial.id = static_cast<std::int64_t>(id);
  trial.configuration = std::move(*configuration);
  trial.seed = derive_seed(context_.experiment.seed, "trial", id);
  schedule_->started(trial.id);
  const StudyEvent proposed = log(EventKind::proposed, trial);
  const bool filled = fill(trial, fidelity);
  if (filled) {
    const auto known = by_network_.find(trial.network_hash);
    if (known != by_network_.end()) {
      trial.copied_from = known->second;
      context_.storage.add_trial(state_.record.name, trial, proposed);
      return settle_copy(trial) ? nullptr : &trial;
    }
    by_network_.emplace(trial.network_hash, trial.id);
  }
  const bool refused = filled && refused_by_constraint(trial);
  if (!refused) ++counted_;
  if (!filled || refused) {
    context_.storage.add_trial(state_.record.name, trial, proposed);
    finish(trial);
    context_.observer.trial_changed(trial);
    return nullptr;
  }
  // A slot waits for it: stored as running before it starts, in one commit.
  begin_attempt(trial, runner_.elapsed());
  context_.storage.add_trial(state_.record.name, trial, proposed);
  return &trial;
}

// False when the configuration is no network; the trial is failed then.
bool Search::fill(Trial& trial, double fidelity) {
  try {
    const Design design = context_.space.fill(trial.configuration);
    trial.target_fidelity = fidelity > 0 ? fidelity : full_fidelity(design.recipe);
    trial.network_hash = training_hash(design, trial.configuration, context_.space.table());
    costs_[trial.id] = static_metrics(design, context_.space.table());
    return true;
  } catch (const Error& error) {  // e.g. channels that do not fit
    trial.state = TrialState::failed;
    trial.reason = "invalid";
    trial.message = error.what();
    return false;
  }
}

// Whether what is known before training breaks a constraint; the trial is pruned then.
bool Search::refused_by_constraint(Trial& trial) const {
  Trial probe = trial;
  probe.measurements.push_back({0, 0, costs_.at(trial.id)});
  const auto& objectives = context_.experiment.objectives;
  const bool refused = std::any_of(objectives.begin(), objectives.end(), [&](const Objective& objective) {
    return objective.constraint && score(probe, objective) && !is_feasible(probe, {objective});
  });
  if (!refused) return false;
  trial.measurements = probe.measurements;
  trial.state = TrialState::pruned;
  trial.reason = "constraint";
  return true;
}

// A paused trial that the schedule gives more; null when its network has been trained so far already.
Trial* Search::resume(const Decision& decision) {
  Trial& trial = state_.trials[static_cast<std::size_t>(decision.trial) - 1];
  trial.target_fidelity = decision.fidelity;
  trial.attempts = 0;
  const StudyEvent resumed = log(EventKind::resumed, trial);
  const std::int64_t trained_by = by_network_.at(trial.network_hash);
  if (trained_by != trial.id) {  // a later trial of the same network has gone on meanwhile
    if (trial.copied_from == 0) --counted_;
    trial.copied_from = trained_by;
  }
  if (trial.copied_from == 0) {
    begin_attempt(trial, runner_.elapsed());
    context_.storage.update_trial(state_.record.name, trial, resumed);
    return &trial;
  }
  trial.state = TrialState::waiting;
  context_.storage.update_trial(state_.record.name, trial, resumed);
  return settle_copy(trial) ? nullptr : &trial;
}

// A trial of a network that an earlier one trains takes over what that one measured, up to its own target. True when it
// is settled, or waits for the original; false when it has to train on by itself, from where the original is.
bool Search::settle_copy(Trial& copy) {
  const Trial& original = state_.trials[static_cast<std::size_t>(copy.copied_from) - 1];
  const bool over = is_finished(original.state) && original.state != TrialState::complete;
  const bool waits = original.state == TrialState::running || original.state == TrialState::waiting;
  const bool enough = over || original.fidelity >= copy.target_fidelity;
  if (waits) {
    copies_[original.id].push_back(&copy);
    return true;
  }
  const auto costs = costs_.at(copy.id);
  for (std::size_t i = copy.measurements.size(); i < original.measurements.size(); ++i) {
    Measurement measurement = original.measurements[i];
    if (measurement.fidelity > copy.target_fidelity) break;
    measurement.seconds = 0;  // no time was spent
    // Equal networks may differ in nodes that nothing uses, and so in size.
    for (const auto& [name, value] : costs) measurement.metrics[name] = value;
    copy.fidelity = measurement.fidelity;
    copy.measurements.push_back(std::move(measurement));
    if (enough && !over && !schedule_->measured(copy, copy.measurements.back())) {
      copy.state = TrialState::pruned;
      break;
    }
  }
  if (!enough) {
    copy.copied_from = 0;
    copy.checkpoint = original.checkpoint;
    by_network_[copy.network_hash] = copy.id;
    ++counted_;
    begin_attempt(copy, runner_.elapsed());
    context_.storage.update_trial(state_.record.name, copy);
    return false;
  }
  if (over) {
    copy.state = original.state;
    copy.reason = original.reason;
    copy.message = original.message;
  }
  if (copy.started == 0) copy.started = runner_.elapsed();
  arrive(copy);
  context_.observer.trial_changed(copy);
  return true;
}

// The trial has come to its target (state not yet decided), or is over.
void Search::arrive(Trial& trial) {
  if (is_finished(trial.state)) {
    finish(trial);
  } else if (schedule_->reached(trial)) {
    trial.state = TrialState::complete;
    finish(trial);
  } else {
    trial.state = TrialState::paused;
    context_.storage.update_trial(state_.record.name, trial, log(EventKind::paused, trial));
    strategy_->tell(trial);
    release_copies(trial);
  }
}

void Search::finish(Trial& trial) {
  if (trial.finished == 0) trial.finished = runner_.elapsed();
  context_.storage.update_trial(state_.record.name, trial, log(EventKind::finished, trial));
  if (trial.state == TrialState::failed && trial.copied_from == 0) ++failures_;
  costs_.erase(trial.id);
  strategy_->tell(trial);
  schedule_->finished(trial);
  target_reached_ = target_reached_ || targets_reached(trial);
  release_copies(trial);
}

void Search::release_copies(const Trial& original) {
  const auto waiting = copies_.find(original.id);
  if (waiting == copies_.end()) return;
  const auto copies = std::move(waiting->second);
  copies_.erase(waiting);
  for (Trial* copy : copies) {
    // Its original paused short of what the copy is to have: the first such copy trains on, the others wait for it.
    copy->copied_from = by_network_.at(copy->network_hash);
    if (!settle_copy(*copy)) unfinished_.push_back(copy);
  }
}

Job Search::start_job(Trial& trial) const {
  const Design design = context_.space.fill(trial.configuration);
  Start start = make_start(context_, trial, design);
  // A trial that may be given more goes on from these weights.
  start.keep_checkpoint = trial.target_fidelity < full_fidelity(design.recipe);
  return {&trial, std::move(start)};
}

bool Search::measured(Trial& trial) {
  Measurement& measurement = trial.measurements.back();
  for (const auto& [name, value] : costs_[trial.id]) measurement.metrics.emplace(name, value);
  return schedule_->measured(trial, measurement);
}

void Search::ended(Trial& trial, const Json&) {
  if (trial.state == TrialState::paused) {  // interrupted
    context_.storage.update_trial(state_.record.name, trial);
    unfinished_.push_back(&trial);
    return;
  }
  if (trial.state == TrialState::complete) trial.state = TrialState::running;  // the schedule decides
  trial.finished = 0;
  arrive(trial);
}

void Search::import(Trial trial) {
  state_.trials.push_back(std::move(trial));
  context_.storage.add_trial(state_.record.name, state_.trials.back(), log(EventKind::imported, state_.trials.back()));
  strategy_->tell(state_.trials.back());
}

void Search::conclude() {
  double furthest = 0;
  bool any_complete = false;
  for (const Trial& trial : state_.trials) {
    if (trial.purpose != TrialPurpose::search) continue;
    any_complete = any_complete || trial.state == TrialState::complete;
    if (trial.state == TrialState::paused) furthest = std::max(furthest, trial.fidelity);
  }
  for (const TrialState state : {TrialState::complete, TrialState::pruned}) {
    for (Trial& trial : state_.trials) {
      if (trial.purpose != TrialPurpose::search || trial.state != TrialState::paused) continue;
      const bool counts = !any_complete && trial.fidelity >= furthest;
      if (counts != (state == TrialState::complete)) continue;
      trial.state = state;
      trial.reason = counts ? "" : "schedule";
      trial.finished = runner_.elapsed();
      context_.storage.update_trial(state_.record.name, trial);
    }
  }
  if (!any_complete && furthest > 0) {
    context_.observer.note("no trial had its full fidelity within the budget; those that got furthest, to " +
                           number_text(furthest) + ", are the search's result");
  }
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
