#include "netwright/trial/collapse_options.h"

#include <algorithm>

#include "netwright/base/text.h"

namespace netwright {
namespace {

const std::vector<std::string> actions = {"warn", "stop", "off"};

}  // namespace

CollapseOptions parse_collapse(const Yaml& node) {
  CollapseOptions options;
  if (node.is_scalar()) {
    // YAML 1.1 reads a bare `off` as false; it is the word that counts here.
    options.action = node.text;
    if (std::find(actions.begin(), actions.end(), options.action) == actions.end()) {
      throw invalid(node.where, "'collapse' is '" + node.text + "'", suggest(node.text, actions));
    }
    return options;
  }
  constexpr std::int64_t many = 1'000'000;
  MappingReader reader(node, "search.collapse");
  options.action = reader.one_of("action", options.action, actions);
  options.from_epoch = reader.integer("from_epoch", options.from_epoch, 1, many);
  options.skips = reader.integer("skip_connections", options.skips, 0, many);
  if (const Yaml* eigenvalue = reader.optional("eigenvalue")) {
    MappingReader inner(*eigenvalue, "search.collapse.eigenvalue");
    options.ratio = inner.number("ratio", options.ratio, 0, 1);
    options.window = inner.integer("window", options.window, 1, 1000);
    options.every = inner.integer("every", options.every, 1, many);
    options.iterations = inner.integer("iterations", options.iterations, 1, 1000);
    options.examples = inner.integer("examples", options.examples, 2, many);
    inner.finish();
  }
  reader.finish();
  return options;
}

}  // namespace netwright
