#include "netwright/study/one_shot_options.h"

#include <algorithm>
#include <map>
#include <vector>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

using Keys = std::vector<std::string>;

// What oneshot/ reads of each method, said here so that a wrong key is found without LibTorch, before a study is made.
const std::map<std::string, Keys>& method_keys() {
  static const Keys bilevel = {"order",         "solver",       "iterations",   "damping",
                               "learning_rate", "weight_decay", "warmup_epochs"};
  static const Keys relaxed = {"first_temperature", "last_temperature", "learning_rate", "weight_decay",
                               "warmup_epochs"};
  static const std::map<std::string, Keys> keys = {
      {"darts", bilevel},
      {"pc_darts", bilevel},
      {"gaea", {"base", "order", "solver", "iterations", "damping", "learning_rate", "entropy", "warmup_epochs"}},
      {"snas", relaxed},
      {"gdas", relaxed},
      {"drnas", {"regularisation", "learning_rate", "weight_decay", "warmup_epochs"}},
      {"rebar", {"temperature", "learning_rate", "weight_decay", "warmup_epochs"}},
      {"relax", {"temperature", "hidden", "surrogate_learning_rate", "learning_rate", "weight_decay", "warmup_epochs"}},
      {"enas", {"hidden", "learning_rate", "entropy", "baseline", "networks", "warmup_epochs"}},
      {"random_ws", {}},
  };
  return keys;
}

}  // namespace

DecodingOptions parse_decoding(const Yaml& node, const Yaml& strategy) {
  DecodingOptions options;
  Yaml mapping = node;
  if (!node.is_mapping()) {
    mapping = Yaml();
    mapping.kind = Yaml::Kind::mapping;
    mapping.where = node.where;
    mapping.set("name", node);
  }
  MappingReader reader(mapping, "search.decoding");
  options.rule = reader.one_of("name", options.rule, {"top_edges", "best_path", "perturbation", "best_of_samples"});
  options.samples = reader.integer("samples", options.samples, 1, 1'000'000);
  options.examples = reader.integer("examples", options.examples, 1, 1'000'000'000);
  options.tune_steps = reader.integer("tune_steps", options.tune_steps, 0, 1'000'000);
  reader.finish();
  const std::string& method = strategy.find("name")->text;
  if (options.rule == "best_of_samples" && method != "enas" && method != "random_ws") {
    throw invalid(node.where, "best_of_samples needs a method that draws single networks",
                  "use decoding: top_edges, best_path or perturbation, or the strategy enas or random_ws");
  }
  return options;
}

void check_method_keys(const Yaml& strategy) {
  const std::string& method = strategy.find("name")->text;
  const Keys& known = method_keys().at(method);
  for (const YamlEntry& entry : strategy.entries) {
    if (entry.key == "name" || std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    throw invalid(entry.where, "unknown key '" + entry.key + "' in the strategy " + method,
                  known.empty() ? "it has none but its name" : suggest(entry.key, known));
  }
}

}  // namespace netwright
