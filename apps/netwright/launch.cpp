#include "apps/netwright/launch.h"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <iostream>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/machine.h"
#include "apps/netwright/progress.h"
#include "apps/netwright/torch_program.h"
#include "netwright/base/file.h"
#include "netwright/base/version.h"
#include "netwright/fleet/child_process.h"
#include "netwright/fleet/threads.h"
#include "netwright/schedule/schedule.h"
#include "netwright/storage/study_lock.h"
#include "netwright/strategy/strategy.h"
#include "netwright/study/one_shot.h"
#include "netwright/study/search.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

std::atomic<int> interrupts{0};

extern "C" void on_signal(int) {
  interrupts.fetch_add(1);
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

// Workers and threads that together fit the machine; what the user states is kept.
Threads shared_threads(const Experiment& experiment) {
  const ExecutionOptions& execution = experiment.execution;
  const int cores = available_cores();
  const int most = execution.device == "cpu" ? cores : 1;  // one worker a device unless the user says otherwise
  const int workers = is_one_shot(experiment.strategy) ? 1 : most;  // one supernet has all the threads
  return share_threads(execution.workers > 0 ? execution.workers : workers, execution.threads, cores);
}

std::unique_ptr<Fleet> start_fleet(const Experiment& experiment, const std::string& folder, StudyObserver& observer) {
  const Threads threads = shared_threads(experiment);
  if (!threads.warning.empty()) observer.note(threads.warning);
  ProcessFleetOptions options;
  options.command = experiment.execution.trainer;
  if (options.command.empty()) options.command = {torch_program(), "trainer"};
  options.workers = threads.workers;
  options.hello.study = experiment.name;
  options.hello.folder = folder;
  options.hello.data = experiment.data;
  options.hello.threads = threads.threads;
  options.hello.device = experiment.execution.device;
  options.silence_seconds = experiment.execution.timeout_seconds;
  options.log_folder = folder + "/logs";
  make_folders(options.log_folder);
  return make_process_fleet(std::move(options));
}

int exit_code_of(StudyEnd end) {
  switch (end) {
    case StudyEnd::complete:
      return static_cast<int>(ExitCode::done);
    case StudyEnd::interrupted:
      return static_cast<int>(ExitCode::interrupted);
    case StudyEnd::too_many_failures:
      return static_cast<int>(ExitCode::too_many_failures);
    case StudyEnd::no_valid_trial:
      return static_cast<int>(ExitCode::no_valid_trial);
  }
  return static_cast<int>(ExitCode::failure);
}

void explain_end(StudyEnd end, const Experiment& experiment, const StudyState& state) {
  if (end == StudyEnd::complete) return;
  std::string why;
  for (const Trial& trial : state.trials) {
    if (trial.state == TrialState::failed)
      why = "trial " + std::to_string(trial.id) + ": " + trial.reason + ": " + trial.message;
  }
  if (end == StudyEnd::interrupted) {
    std::fprintf(stderr, "interrupted; everything so far is stored. Continue with:\n  netwright resume %s%s\n",
                 experiment.name.c_str(), storage_argument(experiment.storage).c_str());
  } else if (end == StudyEnd::too_many_failures) {
    std::fprintf(stderr,
                 "netwright: more than %lld trials failed (search.budget.failed_trials); the last: %s\n"
                 "  remedy: see %s, mend the cause, and continue with 'netwright resume %s%s', which may fail as often "
                 "again\n",
                 static_cast<long long>(experiment.budget.failed_trials), why.c_str(),
                 (fs::path(experiment.runs) / experiment.name / "logs").c_str(), experiment.name.c_str(),
                 storage_argument(experiment.storage).c_str());
  } else {
    std::fprintf(stderr,
                 "netwright: the budget is used up and no trial is valid%s%s\n  remedy: loosen the constraints or "
                 "raise the budget, and run the experiment under another name\n",
                 why.empty() ? "" : "; the last failure: ", why.c_str());
  }
}

int run_stored(const Experiment& experiment, const SearchSpace& space, Storage& storage, const LaunchOptions& options) {
  const std::string folder = (fs::path(experiment.runs) / experiment.name).string();
  install_signal_handlers();
  StudyEnd end = StudyEnd::complete;
  if (!file_exists(folder + "/experiment.yaml")) {  // a kill came before it was written
    make_folders(folder);
    write_file_atomically(folder + "/experiment.yaml", experiment.full_text);
  }
  if (storage.find_study(experiment.name)->state != "complete") {
    Progress progress(experiment.objectives, options.quiet);
    const auto fleet = start_fleet(experiment, folder, progress);
    end = run_study({experiment, space, storage, *fleet, progress, folder, interrupts});
  }
  const StudyState state = load_study(storage, experiment.name);
  std::exception_ptr failure;  // thrown once the outcome is told: hours of search are in it
  try {
    if (end == StudyEnd::complete) write_artefacts(experiment, space, state, folder);
  } catch (...) {
    failure = std::current_exception();
  }
  explain_end(end, experiment, state);
  if (end != StudyEnd::interrupted) print_outcome(experiment, space, state, folder, options.json);
  if (failure) std::rethrow_exception(failure);
  return exit_code_of(end);
}

Json shape_json(const Shape& shape) {
  return shape.is_image() ? Json{shape.channels, shape.height, shape.width} : Json{shape.channels};
}

// Found out now rather than when the study is stored already, with that program in it.
void check_trainer(const ExecutionOptions& execution) {
  if (execution.trainer.empty() || execution.fleet == "external") return;
  try {
    check_program(execution.trainer.front());
  } catch (const Error& error) {
    throw invalid(execution.trainer_where, error.problem(), error.remedy());
  }
}

// Before anything is made: a name that is taken must leave no trace.
void refuse_taken_name(const Experiment& experiment, const std::string& folder) {
  const std::string other_name = "choose another name: --set name=" + experiment.name + "-2";
  if (file_exists(experiment.storage) && open_storage(experiment.storage)->find_study(experiment.name)) {
    throw invalid({folder, 0, 0}, "a study named '" + experiment.name + "' exists",
                  "continue it with 'netwright resume " + experiment.name + storage_argument(experiment.storage) +
                      "', or " + other_name);
  }
  if (file_exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw invalid({folder, 0, 0}, "the place of the study's folder is taken, by no study of " + experiment.storage,
                  "move it away, or " + other_name);
  }
}

}  // namespace

DataFacts data_facts(const Experiment& experiment) {
  DataFacts facts;
  if (experiment.data.format.empty()) return facts;
  facts.about = torch_json({"data", to_json(experiment.data).dump()});
  const auto& input = facts.about.at("input");
  facts.input = Shape{input.at(0), input.size() > 1 ? input.at(1).get<std::int64_t>() : 0,
                      input.size() > 2 ? input.at(2).get<std::int64_t>() : 0};
  facts.classes = facts.about.at("classes").get<std::int64_t>();
  return facts;
}

int check_search(const Experiment& experiment, const SearchSpace& space, int members) {
  if (is_one_shot(experiment.strategy)) {
    supernet_recipe(experiment.strategy, experiment.recipe);
  } else {
    make_strategy({space, experiment.objectives, experiment.strategy});
  }
  make_schedule({experiment.objectives, common_fidelity(space, experiment.seed), experiment.schedule});
  check_trainer(experiment.execution);
  Random random(derive_seed(experiment.seed, "check"));
  int refused = 0;
  for (int i = 0; i < members; ++i) {
    try {
      const Design design = space.fill(space.sample(random));
      if (!design.network.graph.nodes.empty()) network_cost(design.network, space.table());
    } catch (const Error&) {
      if (++refused == members) throw;
    }
  }
  return refused;
}

SearchSpace create_study(const Experiment& experiment) {
  const std::string folder = (fs::path(experiment.runs) / experiment.name).string();
  refuse_taken_name(experiment, folder);
  const DataFacts facts = data_facts(experiment);
  const SearchSpace space = make_space(experiment, facts.input, facts.classes);
  check_search(experiment, space, 20);
  make_folders(folder);
  make_folders(fs::path(experiment.storage).parent_path());
  const auto storage = open_storage(experiment.storage);
  StudyRecord record;
  record.name = experiment.name;
  record.state = "searching";
  record.seed = experiment.seed;
  record.experiment = experiment.full_text;
  record.created = static_cast<double>(std::time(nullptr));
  record.notes["version"] = version();
  record.notes["machine"] = machine_description();
  if (facts.input) record.notes["input"] = shape_json(*facts.input);
  if (facts.classes) record.notes["classes"] = *facts.classes;
  if (!facts.about.is_null()) record.notes["data"] = facts.about;
  storage->create_study(record);  // from here on `resume` has all it needs
  write_file_atomically(folder + "/experiment.yaml", experiment.full_text);
  return space;
}

int launch_new(const Experiment& experiment, const LaunchOptions& options) {
  if (experiment.execution.fleet == "external") {
    throw Error(ExitCode::invalid,
                "the trials of '" + experiment.name + "' are evaluated from outside (fleet: external)",
                "drive it with netwright ask and netwright tell, or remove execution.fleet");
  }
  const SearchSpace space = create_study(experiment);
  const auto storage = open_storage(experiment.storage);
  const StudyLock lock(experiment.storage, experiment.name);
  return run_stored(experiment, space, *storage, options);
}

int launch_stored(const std::string& name, const std::string& storage_path, const LaunchOptions& options) {
  const StoredStudy stored = open_study(name, storage_path);
  if (stored.experiment.execution.fleet == "external") {
    throw Error(ExitCode::invalid, "the trials of '" + name + "' are evaluated from outside (fleet: external)",
                "go on with: netwright ask " + name);
  }
  const StudyLock lock(storage_path, name);
  if (stored.state.record.state == "complete")
    std::fprintf(stderr, "the study is complete; writing its report again\n");
  return run_stored(stored.experiment, stored.space, *stored.storage, options);
}

}  // namespace netwright
