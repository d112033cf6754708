#include "netwright/study/narrow.h"

#include <algorithm>

namespace netwright {
namespace {

// The choice with the smallest domain that holds all the values. Precondition: at least one value.
Choice around(const Choice& choice, const std::vector<Value>& values) {
  Choice smaller = choice;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  if (auto* categorical = std::get_if<Categorical>(&smaller.domain)) {
    std::erase_if(categorical->options,
                  [&](const Value& option) { return std::find(values.begin(), values.end(), option) == values.end(); });
  } else if (auto* integer = std::get_if<Integer>(&smaller.domain)) {
    integer->low = std::get<std::int64_t>(*least);
    integer->high = std::get<std::int64_t>(*greatest);
  } else {
    auto& real = std::get<Real>(smaller.domain);
    real.low = std::get<double>(*least);
    real.high = std::get<double>(*greatest);
  }
  return smaller;
}

}  // namespace

Narrowed narrow(const Experiment& experiment, const SearchSpace& space, const std::deque<Trial>& trials,
                const NarrowOptions& options) {
  const std::vector<Trial> all(trials.begin(), trials.end());
  auto best = ranking(all, experiment.objectives);
  if (best.empty()) {
    throw Error(ExitCode::no_valid_trial, "study '" + experiment.name + "' has no complete trial to learn from",
                "continue it: netwright resume " + experiment.name);
  }
  const std::size_t usual = std::max<std::size_t>(5, (best.size() + 4) / 5);
  best.resize(std::min(best.size(), options.top > 0 ? static_cast<std::size_t>(options.top) : usual));

  Narrowed result;
  Yaml domains;
  domains.kind = Yaml::Kind::mapping;
  for (const Choice& choice : space.choices()) {
    std::vector<Value> values;
    for (const Trial* trial : best) {
      if (const Value* value = trial->configuration.find(choice.name)) values.push_back(*value);
    }
    if (values.empty()) continue;
    const Choice smaller = around(choice, values);
    if (is_within(choice, smaller)) continue;
    domains.set(choice.name, domain_to_yaml(smaller));
    ++result.choices;
  }
  result.top = static_cast<std::int64_t>(best.size());
  result.log10_before = space.log10_size();
  result.log10_after = space.narrowed(domains).log10_size();
  result.experiment = parse_yaml(experiment.full_text, experiment.name + ".yaml");
  const std::string name = options.name.empty() ? experiment.name + "-narrow" : options.name;
  result.experiment.set("name", to_yaml(Value(name)));
  const_cast<Yaml*>(result.experiment.find("space"))->set("narrow", domains);
  return result;
}

}  // namespace netwright
