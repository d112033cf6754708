// netwright import FILE|STUDY TRIALS.csv

#include <algorithm>
#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/launch.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/bench/configuration_columns.h"
#include "netwright/study/ask_tell.h"

namespace netwright {
namespace {

struct Options {
  std::string subject;
  std::string table;
  std::vector<std::string> settings;
  std::string architecture = "configuration";
  double fidelity = 0;
  std::string storage = default_storage();
  bool json = false;
};

struct Row {
  Configuration configuration;
  Measurement measurement;
};

// The whole table is read before anything is stored.
std::vector<Row> read_rows(const CsvTable& table, const SearchSpace& space, const Experiment& experiment,
                           const Options& options) {
  const ConfigurationColumns configurations(space, table, options.architecture);
  std::vector<std::size_t> metrics;
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    const std::string& name = table.columns()[i];
    if (name != options.architecture && name != "fidelity" && name != "seconds" && space.find(name) == nullptr)
      metrics.push_back(i);
  }
  for (const Objective& objective : experiment.objectives) table.column(objective.metric);
  std::vector<Row> rows(table.rows());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].configuration = configurations.read(i);
    Measurement& measurement = rows[i].measurement;
    measurement.fidelity = table.has("fidelity") ? table.number(i, table.column("fidelity")) : options.fidelity;
    if (table.has("seconds")) measurement.seconds = table.number(i, table.column("seconds"));
    for (const std::size_t column : metrics) {
      if (!table.text(i, column).empty()) measurement.metrics[table.columns()[column]] = table.number(i, column);
    }
    for (const Objective& objective : experiment.objectives) {
      if (!measurement.metrics.contains(objective.metric)) {
        throw invalid(table.where(i), "no value of the objective '" + objective.metric + "'", "leave the row out");
      }
    }
  }
  return rows;
}

int import_trials(Options options) {
  std::string name = options.subject;
  if (name.ends_with(".yaml") || name.ends_with(".yml")) {
    const Experiment experiment = load_experiment(options.subject, options.settings);
    name = experiment.name;
    options.storage = experiment.storage;
    CsvTable::load(options.table);  // what cannot be read leaves no study behind
    const bool known = file_exists(experiment.storage) && open_storage(experiment.storage)->find_study(name);
    if (!known) create_study(experiment);
  }
  const auto lock = lock_study(name, options.storage);
  const StoredStudy stored = open_study(name, options.storage);
  const CsvTable table = CsvTable::load(options.table);
  if (options.fidelity == 0) options.fidelity = std::max(1.0, common_fidelity(stored.space, stored.experiment.seed));
  const auto rows = read_rows(table, stored.space, stored.experiment, options);
  AskTell study(stored.experiment, stored.space, *stored.storage, stored.folder);
  for (const Row& row : rows) study.import(row.configuration, row.measurement);
  if (options.json) {
    std::cout << json_text(Json{{"schema", 1}, {"study", name}, {"imported", rows.size()}});
    return 0;
  }
  const bool external = stored.experiment.execution.fleet == "external";
  std::cout << rows.size() << " trials imported into study " << name << "; go on with: netwright "
            << (external ? "ask " : "resume ") << name << storage_argument(options.storage) << '\n';
  return 0;
}

}  // namespace

std::function<int()> add_import(CLI::App& application) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("import", "Earlier trials from a CSV file, as a warm start of a search");
  verb->add_option("FILE|STUDY", options->subject,
                   "Experiment file (its study is made if there is none yet), or a study's name")
      ->required();
  verb->add_option("TRIALS", options->table, "CSV or .csv.gz with one header line")->required();
  verb->add_option("--set", options->settings, "Override a key of the file, as for run")->type_name("KEY=VALUE");
  verb->add_option("--fidelity", options->fidelity,
                   "Of the rows, where there is no column fidelity; default: the whole recipe")
      ->check(CLI::PositiveNumber);
  verb->add_option("--architecture", options->architecture,
                   "Column with the whole configuration; without it each choice has a column of its name")
      ->capture_default_str();
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document");
  verb->footer(
      "Columns: each choice by its name (empty where it is not active), every objective's metric (accuracy as a share\n"
      "between 0 and 1), and, if you like, fidelity, seconds and further metrics. The strategy learns from them; they\n"
      "neither use the budget nor take part in the result.");
  return [options] { return import_trials(*options); };
}

}  // namespace netwright
