// netwright show STUDY [TRIAL], netwright show space FILE

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>

#include "apps/netwright/artefacts.h"
#include "apps/netwright/verb.h"
#include "netwright/base/file.h"
#include "netwright/base/statistics.h"
#include "netwright/base/text.h"
#include "netwright/report/format.h"
#include "netwright/report/table.h"

namespace netwright {
namespace {

struct Options {
  std::string subject;
  std::string detail;
  std::string storage = default_storage();
  bool json = false;
};

std::string condition_text(const Choice& choice) {
  std::vector<std::string> parts;
  for (const auto& condition : choice.conditions) {
    std::vector<std::string> values;
    for (const auto& value : condition.values) values.push_back(to_string(value));
    parts.push_back(condition.parent + " = " + join(values, " | "));
  }
  return join(parts, " and ");
}

// Costs of up to 100 random members; fillings that are no network are counted apart.
struct Members {
  std::vector<double> parameters;
  std::vector<double> macs;
  int refused = 0;
};

Members sample_members(const SearchSpace& space, int count) {
  Members members;
  Random random(0);
  for (int i = 0; i < count; ++i) {
    try {
      const Design design = space.fill(space.sample(random));
      if (design.network.graph.nodes.empty()) continue;
      const Cost cost = network_cost(design.network, space.table());
      members.parameters.push_back(static_cast<double>(cost.parameters));
      members.macs.push_back(static_cast<double>(cost.macs));
    } catch (const Error&) {
      if (++members.refused == count) throw;
    }
  }
  return members;
}

Json range_json(const std::vector<double>& values) {
  if (values.empty()) return {};
  return {{"min", quantile(values, 0)}, {"median", median(values)}, {"max", quantile(values, 1)}};
}

std::string range_text(const std::vector<double>& values) {
  return human_count(quantile(values, 0)) + " … " + human_count(median(values)) + " … " +
         human_count(quantile(values, 1));
}

std::string size_text(const SearchSpace& space) {
  if (const auto size = space.size()) return std::to_string(*size) + " configurations";
  if (std::isinf(space.log10_size())) return "unbounded (it has real-valued choices)";
  return "about 10^" + fixed_text(space.log10_size(), 1) + " configurations";
}

std::string space_path(const std::string& file) {
  for (const auto& candidate : {file, shipped_file("spaces/" + file), shipped_file(file)}) {
    if (!candidate.empty() && file_exists(candidate)) return candidate;
  }
  return file;  // whose absence the reader reports
}

int show_space(const Options& options) {
  const SearchSpace space = SearchSpace::load(space_path(options.detail));
  const Members members = sample_members(space, 100);
  if (options.json) {
    Json document = {{"schema", 1}, {"space", space.name()}};
    document["log10_size"] = std::isinf(space.log10_size()) ? Json() : Json(space.log10_size());
    document["size"] = space.size() ? Json(*space.size()) : Json();
    for (const Choice& choice : space.choices()) {
      document["choices"].push_back(
          {{"name", choice.name}, {"domain", domain_text(choice)}, {"when", condition_text(choice)}});
    }
    document["random_members"] = {{"count", members.parameters.size()},
                                  {"refused", members.refused},
                                  {"parameters", range_json(members.parameters)},
                                  {"macs", range_json(members.macs)}};
    std::cout << json_text(document);
    return 0;
  }
  std::cout << "space " << space.name() << ": " << size_text(space) << ", " << space.choices().size() << " choices\n";
  if (!members.parameters.empty()) {
    std::cout << "100 random members, least … median … most:\n";
    std::cout << "  parameters  " << range_text(members.parameters) << "\n  MACs        " << range_text(members.macs)
              << '\n';
  }
  if (members.refused > 0) std::cout << "  " << members.refused << " of them are no valid network\n";
  Table table({{"choice"}, {"values", false, true}, {"when", false, true}});
  for (const Choice& choice : space.choices()) table.add({choice.name, domain_text(choice), condition_text(choice)});
  const Terminal out = terminal();
  std::cout << '\n' << table.text(out.width, out.colour);
  return 0;
}

int show_trial(const StoredStudy& stored, const Options& options) {
  const auto id = Yaml{Yaml::Kind::scalar, options.detail, false, {}, {}, {}};
  std::int64_t number = 0;
  if (!id.reads_as_integer(&number) || number < 1 || number > static_cast<std::int64_t>(stored.state.trials.size())) {
    throw Error(ExitCode::invalid, "study '" + options.subject + "' has no trial '" + options.detail + "'",
                "its trials are 1 to " + std::to_string(stored.state.trials.size()));
  }
  const Trial& trial = stored.state.trials[static_cast<std::size_t>(number) - 1];
  if (options.json) {
    std::cout << json_text(Json{{"schema", 1}, {"study", options.subject}, {"trial", to_json(trial)}});
    return 0;
  }
  std::cout << "trial " << trial.id << " (" << to_string(trial.purpose) << "): " << to_string(trial.state);
  if (!trial.reason.empty()) std::cout << ", " << trial.reason;
  std::cout << '\n';
  if (!trial.message.empty()) std::cout << "  " << trial.message << '\n';
  if (trial.copied_from != 0) std::cout << "  the same network as trial " << trial.copied_from << '\n';
  for (const auto& [choice, value] : trial.configuration.values())
    std::cout << "  " << choice << ": " << to_string(value) << '\n';
  for (const Measurement& measurement : trial.measurements) {
    std::cout << "  at " << number_text(measurement.fidelity) << ":";
    for (const auto& [metric, value] : measurement.metrics)
      std::cout << "  " << metric_title(metric) << ' ' << format_metric(metric, value);
    std::cout << '\n';
  }
  return 0;
}

int show_study(const Options& options) {
  const StoredStudy stored = open_study(options.subject, options.storage);
  if (!options.detail.empty()) return show_trial(stored, options);
  if (options.json) {
    std::cout << json_text(summary_document(stored.experiment, stored.space, stored.state, stored.folder));
    return 0;
  }
  print_outcome(stored.experiment, stored.space, stored.state, stored.folder, false);
  std::vector<const Trial*> trials;
  for (const Trial& trial : stored.state.trials) trials.push_back(&trial);
  const Terminal out = terminal();
  std::cout << '\n' << trial_table(trials, stored.experiment.objectives).text(out.width, out.colour);
  return 0;
}

}  // namespace

std::function<int()> add_show(CLI::App& application) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = application.add_subcommand("show", "A study with its trials, one trial, or a search space");
  verb->add_option("SUBJECT", options->subject, "Name of a study, or the word 'space'")->required();
  verb->add_option("DETAIL", options->detail, "Number of a trial; after 'space' the space's file");
  verb->add_option("--storage", options->storage, "SQLite file of the study")->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON document");
  verb->footer(
      "Examples:\n"
      "  netwright show space spaces/darts.yaml     size, choices, cost range of 100 random members\n"
      "  netwright show demo                        every trial of the study\n"
      "  netwright show demo 7                      one trial with its measurements");
  return [options] {
    if (options->subject != "space") return show_study(*options);
    if (options->detail.empty()) {
      throw Error(ExitCode::usage, "'show space' needs the space's file", "netwright show space spaces/darts.yaml");
    }
    return show_space(*options);
  };
}

}  // namespace netwright
