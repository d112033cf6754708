#include "netwright/study/experiment.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <thread>

#include "netwright/base/bytes.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/strategy/strategy.h"
#include "netwright/study/one_shot.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t many = 1'000'000'000;

std::string absolute_path(const std::string& path) {
  return path.empty() ? path : fs::absolute(path).lexically_normal().string();
}

// `strategy: evolution` is short for `strategy: {name: evolution}`.
Yaml named_mapping(const Yaml* node, const std::string& fallback, const Location& where) {
  if (node != nullptr && node->is_mapping()) return *node;
  Yaml name;
  name.kind = Yaml::Kind::scalar;
  name.text = fallback;
  name.where = where;
  if (node != nullptr) {
    name.text = node->as_text("name");
    name.where = node->where;
  }
  Yaml mapping;
  mapping.kind = Yaml::Kind::mapping;
  mapping.where = name.where;
  mapping.set("name", name);
  return mapping;
}

void check_name(const std::string& name, const Location& where) {
  const bool fits = !name.empty() && name.size() <= 100 && name[0] != '.' && name[0] != '-' &&
                    std::all_of(name.begin(), name.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                    });
  if (!fits) {
    throw invalid(where, "the study's name '" + name + "' cannot be a folder's name",
                  "use letters, digits, '-', '_' and '.', at most 100, not starting with '.' or '-'");
  }
}

std::string find_space_file(const std::string& file, const Location& where) {
  const fs::path beside = fs::path(where.file).parent_path() / file;
  for (const auto& candidate : {beside.string(), file, shipped_file(file), shipped_file("spaces/" + file)}) {
    if (!candidate.empty() && file_exists(candidate)) return candidate;
  }
  throw invalid(
      where, "no space file '" + file + "'",
      "give a path relative to the experiment file, or one of the shipped spaces: nas-bench-201.yaml, darts.yaml, "
      "mobilenet.yaml, resnet-stage.yaml, mlp.yaml, fashion-demo.yaml");
}

void override_parameters(Yaml& space, const Yaml& parameters) {
  if (!parameters.is_mapping())
    throw invalid(parameters.where, "'parameters' must be a mapping", "write parameters: {name: value}");
  std::vector<std::string> known;
  if (const Yaml* own = space.find("parameters")) {
    for (const auto& entry : own->entries) known.push_back(entry.key);
  }
  for (const auto& entry : parameters.entries) {
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      throw invalid(entry.where, "the space has no parameter '" + entry.key + "'", suggest(entry.key, known));
    }
    const_cast<Yaml*>(space.find("parameters"))->set(entry.key, entry.value);
  }
}

// The `space:` key becomes the space's own content and the choices fixed.
void read_space(const Yaml& node, Experiment& experiment) {
  if (node.is_scalar()) {
    experiment.space = load_yaml(find_space_file(node.text, node.where));
    return;
  }
  if (!node.is_mapping())
    throw invalid(node.where, "'space' must be a file's name or a mapping", "write space: nas-bench-201.yaml");
  if (node.find("file") != nullptr) {
    MappingReader reader(node, "space");
    const Yaml& file = reader.required("file");
    experiment.space = load_yaml(find_space_file(file.as_text("file"), file.where));
    if (const Yaml* parameters = reader.optional("parameters")) override_parameters(experiment.space, *parameters);
    for (const char* key : {"fix", "narrow"}) {
      if (const Yaml* value = reader.optional(key)) experiment.space.set(key, *value);
    }
    reader.finish();
  } else {
    experiment.space = node;
  }
  const auto take = [&entries = experiment.space.entries](const std::string& key) {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const YamlEntry& entry) { return entry.key == key; });
    if (found == entries.end()) return Yaml{};
    Yaml value = std::move(found->value);
    entries.erase(found);
    return value;
  };
  experiment.narrow = take("narrow");
  const Yaml fix = take("fix");
  if (!fix.is_mapping() && !fix.is_null()) {
    throw invalid(fix.where, "'fix' must be a mapping", "write fix: {choice: value}");
  }
  for (const auto& entry : fix.entries) {
    experiment.fix.set(entry.key, value_from_yaml(entry.value));
    experiment.fix_where[entry.key] = entry.where;
  }
}

void read_search(const Yaml& node, Experiment& experiment) {
  MappingReader reader(node, "search");
  experiment.strategy = named_mapping(reader.optional("strategy"), "random", node.where);
  experiment.schedule = named_mapping(reader.optional("schedule"), "full", node.where);
  if (const Yaml* budget_node = reader.optional("budget")) {
    MappingReader budget(*budget_node, "search.budget");
    experiment.budget.trials = budget.integer("trials", 0, 1, many);
    experiment.budget.seconds = budget.number("seconds", 0, 1e-3, 1e12);
    experiment.budget.failed_trials = budget.integer("failed_trials", experiment.budget.failed_trials, 0, many);
    budget.finish();
  }
  if (is_one_shot(experiment.strategy)) check_method_keys(experiment.strategy);
  if (const Yaml* decoding = reader.optional("decoding")) {
    if (!is_one_shot(experiment.strategy)) {
      throw invalid(decoding->where, "'decoding' is for searches in a supernet",
                    "remove it, or choose a one-shot strategy: " + join(one_shot_methods(), ", "));
    }
    experiment.decoding = parse_decoding(*decoding, experiment.strategy);
  }
  if (const Yaml* collapse = reader.optional("collapse")) {
    if (!is_one_shot(experiment.strategy)) {
      throw invalid(collapse->where, "'collapse' is for searches in a supernet",
                    "remove it, or choose a one-shot strategy: " + join(one_shot_methods(), ", "));
    }
    experiment.collapse = parse_collapse(*collapse);
  }
  reader.finish();
  const Yaml* name = experiment.strategy.find("name");
  const bool finite = name != nullptr && (name->text == "grid" || is_one_shot(experiment.strategy));
  if (experiment.budget.trials == 0 && experiment.budget.seconds == 0 && !finite) {
    throw invalid(node.where, "the search has no end",
                  "add budget: {trials: 50} or budget: {seconds: 3600} under 'search'");
  }
}

void read_retrain(const Yaml* node, Experiment& experiment) {
  RetrainOptions& retrain = experiment.retrain;
  if (node == nullptr) return;
  if (node->reads_as_boolean() && !node->as_boolean("retrain")) {  // retrain: false
    retrain.top = 0;
    return;
  }
  MappingReader reader(*node, "retrain");
  retrain.top = reader.integer("top", retrain.top, 0, 1000);
  retrain.seeds = reader.integer("seeds", retrain.seeds, 1, 1000);
  retrain.baseline = reader.one_of("baseline", retrain.baseline, {"random", "none"});
  retrain.random_networks = reader.integer("random_networks", retrain.random_networks, 1, 1000);
  if (const Yaml* count = node->find("random_networks"); count != nullptr && retrain.baseline == "none") {
    throw invalid(count->where, "'random_networks' without a baseline", "remove it, or write baseline: random");
  }
  if (const Yaml* recipe = reader.optional("recipe")) {
    parse_recipe(*recipe);  // refused now rather than after the search
    retrain.recipe = *recipe;
  }
  reader.finish();
}

void read_execution(const Yaml* node, Experiment& experiment) {
  ExecutionOptions& execution = experiment.execution;
  if (node == nullptr) return;
  MappingReader reader(*node, "execution");
  execution.fleet = reader.one_of("fleet", execution.fleet, {"process", "external"});
  execution.workers = static_cast<int>(reader.integer("workers", execution.workers, 1, 4096));
  execution.threads = static_cast<int>(reader.integer("threads", execution.threads, 1, 4096));
  execution.device = reader.text("device", execution.device);
  execution.retries = static_cast<int>(reader.integer("retries", execution.retries, 0, 1000));
  execution.timeout_seconds = reader.number("timeout_seconds", execution.timeout_seconds, 1, 1e9);
  const auto for_supernet = [&](const char* key) {
    const Yaml* value = reader.optional(key);
    if (value != nullptr && !is_one_shot(experiment.strategy)) {
      throw invalid(value->where, "'" + std::string(key) + "' is for searches in a supernet",
                    "remove it, or choose a one-shot strategy: " + join(one_shot_methods(), ", "));
    }
    return value;
  };
  if (const Yaml* passes = for_supernet("passes")) execution.passes = parse_passes(*passes);
  if (const Yaml* memory = for_supernet("memory")) {
    const auto bytes = parse_bytes(memory->as_text("memory"));
    if (!bytes) {
      throw invalid(memory->where, "'" + memory->text + "' is no amount of memory",
                    "write a number and a unit: 4 GiB, 800 MiB, 4GB");
    }
    execution.memory = *bytes;
  }
  if (const Yaml* trainer = reader.optional("trainer")) {
    execution.trainer_where = trainer->where;
    if (trainer->is_sequence()) {
      for (const auto& item : trainer->items) execution.trainer.push_back(item.as_text("trainer"));
    } else {
      for (const auto& word : split(trainer->as_text("trainer"), ' ')) {
        if (!word.empty()) execution.trainer.push_back(word);
      }
    }
    if (execution.trainer.empty())
      throw invalid(trainer->where, "'trainer' is empty", "give a program and its arguments");
  }
  reader.finish();
  if (execution.device != "cpu" && execution.device != "cuda" && execution.device.rfind("cuda:", 0) != 0) {
    throw invalid(node->find("device")->where, "unknown device '" + execution.device + "'", "use cpu, cuda or cuda:N");
  }
}

// `batch: auto` and `accumulate`, which only a search in a supernet has; what is left is a recipe like any other.
SupernetBatch take_supernet_batch(Yaml& recipe, const Yaml& strategy) {
  SupernetBatch found;
  if (!recipe.is_mapping()) return found;
  const auto refuse = [&](const Yaml& node, const std::string& what, const std::string& remedy) {
    if (is_one_shot(strategy)) return;
    throw invalid(node.where, what + " is for searches in a supernet",
                  remedy + ", or choose a one-shot strategy: " + join(one_shot_methods(), ", "));
  };
  if (const Yaml* batch = recipe.find("batch"); batch != nullptr && batch->is_scalar() && batch->text == "auto") {
    refuse(*batch, "'batch: auto'", "give a number");
    found.automatic = true;
  }
  if (const Yaml* parts = recipe.find("accumulate")) {
    refuse(*parts, "'accumulate'", "remove it");
    const bool automatic = parts->is_scalar() && parts->text == "auto";
    if (!automatic) found.accumulate = parts->as_integer("accumulate", 1, 100'000);
    const Yaml* order = strategy.find("order");
    if (found.accumulate > 1 && order != nullptr && (order->text == "exact" || order->text == "implicit")) {
      throw invalid(parts->where, "'accumulate' with 'order: " + order->text + "'",
                    "second derivatives go through whole batches: choose order: first or second, or a smaller batch");
    }
  }
  std::erase_if(recipe.entries, [&](const YamlEntry& entry) {
    return entry.key == "accumulate" || (entry.key == "batch" && found.automatic);
  });
  return found;
}

// Relative paths are relative to where the command was typed; stored absolute, so that `resume` works from any folder.
void make_paths_absolute(Yaml& root) {
  if (const Yaml* data = root.find("data"); data != nullptr && data->is_mapping()) {
    for (auto& entry : const_cast<Yaml*>(data)->entries) {
      if ((entry.key == "path" || entry.key == "test_path") && entry.value.is_scalar()) {
        entry.value.text = absolute_path(entry.value.text);
      }
    }
  }
  for (const char* key : {"storage", "runs"}) {
    if (const Yaml* node = root.find(key); node != nullptr && node->is_scalar()) {
      const_cast<Yaml*>(node)->text = absolute_path(node->text);
    }
  }
}

}  // namespace

std::string shipped_file(const std::string& relative) {
  const fs::path program = fs::path(program_path()).parent_path();
  for (const auto& folder : {program / "..", program / "../share/netwright", program / "../..", program / "../../.."}) {
    const fs::path candidate = folder / relative;
    if (file_exists(candidate)) return fs::weakly_canonical(candidate);
  }
  return {};
}

Experiment parse_experiment(const Yaml& given) {
  Yaml root = given;
  make_paths_absolute(root);
  Experiment experiment;
  MappingReader reader(root, "the experiment");
  const std::string stem = fs::path(root.where.file).stem();
  experiment.name = reader.text("name", stem.empty() ? "study" : stem);
  check_name(experiment.name, root.find("name") != nullptr ? root.find("name")->where : root.where);
  experiment.seed = static_cast<std::uint64_t>(reader.integer("seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
  if (const Yaml* data = reader.optional("data")) experiment.data = parse_data_options(*data);
  read_space(reader.required("space"), experiment);
  if (const Yaml* recipe = reader.optional("recipe")) experiment.recipe = *recipe;
  const Yaml* objectives = reader.optional("objectives");
  experiment.objectives = parse_objectives(objectives != nullptr ? *objectives : Yaml{});
  read_search(reader.required("search"), experiment);
  experiment.batch = take_supernet_batch(experiment.recipe, experiment.strategy);
  read_retrain(reader.optional("retrain"), experiment);
  read_execution(reader.optional("execution"), experiment);
  experiment.runs = reader.text("runs", absolute_path("runs"));
  experiment.storage = reader.text("storage", (fs::path(experiment.runs) / "netwright.db").string());
  reader.finish();
  const bool external = experiment.execution.fleet == "external";
  if (experiment.data.format.empty() && experiment.execution.trainer.empty() && !external) {
    throw invalid(
        root.where, "the experiment names no data",
        "add data: {format: fashion-mnist}, an execution.trainer of your own, or execution: {fleet: external} to "
        "evaluate trials by netwright ask and tell");
  }

  Yaml space = experiment.space;
  if (!experiment.fix.values().empty()) {
    Yaml fix;
    for (const auto& [choice, value] : experiment.fix.values()) fix.set(choice, to_yaml(value));
    space.set("fix", fix);
  }
  if (!experiment.narrow.is_null()) space.set("narrow", experiment.narrow);
  root.set("name", to_yaml(Value(experiment.name)));
  root.set("space", space);
  root.set("runs", to_yaml(Value(experiment.runs)));
  root.set("storage", to_yaml(Value(experiment.storage)));
  experiment.full_text = dump_yaml(root);
  return experiment;
}

Experiment load_experiment(const std::string& path, const std::vector<std::string>& settings) {
  Yaml root = load_yaml(path);
  for (const auto& setting : settings) set_by_path(root, setting);
  if (root.where.file.empty()) root.where = {path, 1, 1};
  return parse_experiment(root);
}

Yaml experiment_of_configuration(const Experiment& experiment, const Configuration& configuration) {
  Yaml root = parse_yaml(experiment.full_text, experiment.name + ".yaml");
  root.set("name", to_yaml(Value(experiment.name + "-best")));
  Yaml fix;
  fix.kind = Yaml::Kind::mapping;
  for (const auto& [choice, value] : configuration.values()) fix.set(choice, to_yaml(value));
  const_cast<Yaml*>(root.find("space"))->set("fix", fix);
  if (const Yaml* recipe = root.find("recipe")) take_supernet_batch(*const_cast<Yaml*>(recipe), experiment.strategy);
  if (const Yaml* execution = root.find("execution"); execution && execution->is_mapping()) {
    std::erase_if(const_cast<Yaml*>(execution)->entries,
                  [](const YamlEntry& entry) { return entry.key == "memory" || entry.key == "passes"; });
  }
  root.set("search", parse_yaml("{strategy: random, budget: {trials: 1}}", "search"));
  Yaml retrain = parse_yaml("{top: 1, seeds: 1, baseline: none}", "retrain");
  if (!experiment.retrain.recipe.is_null()) retrain.set("recipe", experiment.retrain.recipe);
  root.set("retrain", retrain);
  return root;
}

SearchSpace make_space(const Experiment& experiment, std::optional<Shape> input, std::optional<std::int64_t> classes) {
  SearchSpace space = SearchSpace::parse(experiment.space, experiment.recipe, input, classes);
  if (!experiment.narrow.is_null()) space = space.narrowed(experiment.narrow);
  if (experiment.fix.values().empty()) return space;
  try {
    return space.fixed(experiment.fix);
  } catch (const Error&) {
    for (const auto& [choice, value] : experiment.fix.values()) {  // which one?
      Configuration one;
      one.set(choice, value);
      try {
        space.fixed(one);
      } catch (const Error& error) {
        throw invalid(experiment.fix_where.at(choice), error.problem(), error.remedy());
      }
    }
    throw;
  }
}

}  // namespace netwright
