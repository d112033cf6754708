#include "apps/netwright/artefacts.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>

#include "apps/netwright/torch_program.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/report/format.h"
#include "netwright/report/report.h"
#include "netwright/report/summary.h"
#include "netwright/report/table.h"
#include "netwright/space/drawing.h"
#include "netwright/study/one_shot.h"
#include "netwright/study/retrain.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

std::optional<Shape> stored_input(const Json& notes) {
  if (!notes.is_object() || !notes.contains("input")) return std::nullopt;
  const Json& input = notes.at("input");
  if (input.size() == 1) return Shape{input.at(0).get<std::int64_t>(), 0, 0};
  return Shape{input.at(0).get<std::int64_t>(), input.at(1).get<std::int64_t>(), input.at(2).get<std::int64_t>()};
}

std::optional<std::int64_t> stored_classes(const Json& notes) {
  if (!notes.is_object() || !notes.contains("classes")) return std::nullopt;
  return notes.at("classes").get<std::int64_t>();
}

// The confusion matrix that the test of a trial left in its folder.
std::optional<ConfusionMatrix> stored_confusion(const fs::path& folder, const Trial& trial, const Json& notes) {
  const fs::path path = folder / trial_folder(trial.id) / "test.json";
  if (!file_exists(path)) return std::nullopt;
  const Json test = Json::parse(read_file(path), nullptr, false);
  if (!test.is_object() || !test.contains("confusion")) return std::nullopt;
  ConfusionMatrix matrix;
  matrix.counts = test.at("confusion").get<std::vector<std::vector<std::int64_t>>>();
  if (notes.contains("data") && notes.at("data").contains("class_names")) {
    matrix.classes = notes.at("data").at("class_names").get<std::vector<std::string>>();
  }
  return matrix;
}

std::string name_of(const Yaml& mapping) {
  const Yaml* name = mapping.find("name");
  return name != nullptr ? name->text : "";
}

std::string architecture(const SearchSpace& space, const Trial& trial) {
  const Design design = space.fill(trial.configuration);
  return design.network.graph.nodes.empty() ? std::string() : draw_svg(design.network, space.table());
}

std::vector<Artefact> present_artefacts(const fs::path& folder) {
  std::vector<Artefact> artefacts;
  const std::vector<Artefact> all = {{"model.ts", "the trained network as TorchScript"},
                                     {"model.ckpt", "the trained network as a checked checkpoint"},
                                     {"best.yaml", "the experiment that trains this configuration again"},
                                     {"architecture.svg", "the picture above"},
                                     {"experiment.yaml", "the experiment as it was run, self-contained"}};
  std::copy_if(all.begin(), all.end(), std::back_inserter(artefacts),
               [&](const Artefact& artefact) { return file_exists(folder / artefact.path); });
  return artefacts;
}

ReportInput report_input(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                         const std::string& folder) {
  ReportInput input;
  input.study = state.record;
  input.trials.assign(state.trials.begin(), state.trials.end());
  input.objectives = experiment.objectives;
  input.choices = space.choices();
  input.events = state.events;
  input.space = space.name();
  input.strategy = name_of(experiment.strategy);
  input.schedule = name_of(experiment.schedule);
  input.data = experiment.data.format;
  input.commands = {"netwright run experiment.yaml --set name=" + experiment.name + "-again",
                    "netwright run best.yaml"};
  input.artefacts = present_artefacts(folder);
  if (const Trial* final = final_trial(state.trials, experiment.objectives)) {
    input.final_trial = final->id;
    input.architecture_svg = architecture(space, *final);
    input.confusion = stored_confusion(folder, *final, state.record.notes);
  }
  const std::string metric = "test_accuracy";
  const auto searched = means_by_configuration(state.trials, TrialPurpose::retrain, metric);
  const auto random = means_by_configuration(state.trials, TrialPurpose::baseline, metric);
  if (!searched.empty() && !random.empty()) {
    input.comparison = compare(searched, random, derive_seed(experiment.seed, "comparison"));
    input.words.seeds = static_cast<int>(experiment.retrain.seeds);
  }
  return input;
}

// Copies the checkpoint and says whether it can be exported: one of the user's own trainer is handed over as it is.
bool write_checkpoint(const Experiment& experiment, const Trial& final, const std::string& folder) {
  if (final.checkpoint.empty()) return false;
  // A supernet that was not followed by retraining has found a configuration, but no trained network: best.yaml is it.
  if (final.purpose == TrialPurpose::search && is_one_shot(experiment.strategy)) return false;
  const fs::path source = fs::path(folder) / final.checkpoint;
  if (!file_exists(source)) return false;
  write_file_atomically(folder + "/model.ckpt", read_file(source));
  return experiment.execution.trainer.empty();
}

void export_model(const std::string& folder) {
  torch_json({"export", folder + "/model.ckpt", "--format", "torchscript", "--output", folder + "/model.ts", "--json"});
}

}  // namespace

std::string default_storage() {
  const char* named = std::getenv("NETWRIGHT_STORAGE");
  return named != nullptr && *named != '\0' ? named : "runs/netwright.db";
}

std::string storage_argument(const std::string& storage_path) {
  const bool usual = fs::weakly_canonical(storage_path) == fs::weakly_canonical(default_storage());
  return usual ? std::string() : " --storage " + storage_path;
}

StoredStudy open_study(const std::string& name, const std::string& storage_path) {
  if (!file_exists(storage_path)) {
    throw invalid({storage_path, 0, 0}, "there is no storage here, so no study '" + name + "'",
                  "go to the folder where the study was run, or give --storage");
  }
  auto storage = open_storage(storage_path);
  if (!storage->find_study(name)) {
    std::vector<std::string> names;
    for (const auto& study : storage->list_studies()) names.push_back(study.name);
    throw invalid({storage_path, 0, 0}, "there is no study '" + name + "'",
                  names.empty() ? "the storage is empty: start one with netwright run" : suggest(name, names));
  }
  StudyState state = load_study(*storage, name);
  Experiment experiment = parse_experiment(parse_yaml(state.record.experiment, name + " (stored experiment)"));
  SearchSpace space = make_space(experiment, stored_input(state.record.notes), stored_classes(state.record.notes));
  std::string folder = (fs::path(experiment.runs) / name).string();
  return {std::move(storage), std::move(state), std::move(experiment), std::move(space), std::move(folder)};
}

std::unique_ptr<StudyLock> lock_study(const std::string& name, const std::string& storage_path) {
  open_study(name, storage_path);  // a name that is not there leaves no lock file behind
  return std::make_unique<StudyLock>(storage_path, name);
}

std::string write_report(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                         const std::string& folder) {
  make_folders(folder);
  const std::string path = folder + "/report.html";
  write_file_atomically(path, html_report(report_input(experiment, space, state, folder)));
  return path;
}

void write_artefacts(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                     const std::string& folder) {
  std::exception_ptr failure;
  if (const Trial* final = final_trial(state.trials, experiment.objectives)) {
    if (write_checkpoint(experiment, *final, folder)) {
      try {
        export_model(folder);
      } catch (...) {
        failure = std::current_exception();
      }
    }
    const Yaml best = experiment_of_configuration(experiment, final->configuration);
    write_file_atomically(folder + "/best.yaml",
                          "# The configuration that study " + experiment.name + " found.\n" + dump_yaml(best));
    const std::string svg = architecture(space, *final);
    if (!svg.empty()) write_file_atomically(folder + "/architecture.svg", svg);
  }
  write_report(experiment, space, state, folder);
  if (failure) std::rethrow_exception(failure);
}

Json summary_document(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                      const std::string& folder) {
  Json document = summary(report_input(experiment, space, state, folder));
  document["folder"] = folder;
  return document;
}

void print_outcome(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                   const std::string& folder, bool json) {
  const ReportInput input = report_input(experiment, space, state, folder);
  if (json) {
    std::cout << json_text(summary_document(experiment, space, state, folder));
    return;
  }
  const Trial* final = final_trial_of(input);
  std::cout << "study " << experiment.name << ": " << state.record.state << " after "
            << human_seconds(state.record.elapsed) << '\n';
  if (final != nullptr) {
    std::cout << "final network: trial " << final->id;
    for (const auto& metric : {"accuracy", "parameters", "macs"}) {
      if (const auto value = last_metric(*final, metric)) {
        std::cout << ", " << (metric == std::string("accuracy") ? "validation accuracy" : metric_title(metric)) << ' '
                  << format_metric(metric, *value);
      }
    }
    std::cout << '\n';
  }
  if (const auto accuracy = final_test_accuracy(input)) {
    std::cout << "test accuracy: " << format_metric("test_accuracy", *accuracy) << '\n';
  }
  if (input.comparison) std::cout << in_words(*input.comparison, input.words) << '\n';
  for (const auto& artefact : input.artefacts) {
    if (artefact.path != "experiment.yaml") std::cout << "  " << (fs::path(folder) / artefact.path).string() << '\n';
  }
  if (file_exists(folder + "/report.html")) std::cout << "  " << folder << "/report.html\n";
}

}  // namespace netwright
