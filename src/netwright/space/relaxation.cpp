#include "netwright/space/relaxation.h"

#include <algorithm>
#include <stdexcept>

#include "netwright/base/text.h"

namespace netwright {
namespace {

int index_of(const std::vector<Value>& options, const Value& value) {
  const auto found = std::find(options.begin(), options.end(), value);
  if (found == options.end()) throw std::logic_error("relaxation: no option " + to_string(value));
  return static_cast<int>(found - options.begin());
}

std::string edge_names(const RelaxedSum& sum, const std::vector<int>& edges) {
  std::vector<std::string> words;
  for (const int edge : edges) words.push_back(sum.edges[static_cast<std::size_t>(edge)]);
  return join(words, ",");
}

}  // namespace

std::size_t Relaxation::chosen_edges(std::size_t sum) const {
  return sums[sum].operations.size();
}

Configuration Relaxation::configuration(const SearchSpace& space, const Picks& picks) const {
  std::map<std::string, Value> values;
  const auto picked = [&](int row) {
    const auto at = static_cast<std::size_t>(row);
    return rows[at].options[static_cast<std::size_t>(picks.options[at])];
  };
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].is_choice) values[rows[row].name] = picked(static_cast<int>(row));
  }
  for (std::size_t s = 0; s < sums.size(); ++s) {
    const RelaxedSum& sum = sums[s];
    const std::vector<int>& edges = picks.edges[s];
    if (!sum.inputs.empty()) values[sum.inputs] = edge_names(sum, edges);
    for (std::size_t i = 0; i < sum.operations.size(); ++i) {
      const int row = sum.rows[static_cast<std::size_t>(edges[i])];
      if (!sum.operations[i].empty() && row >= 0) values[sum.operations[i]] = picked(row);
    }
  }
  Configuration configuration;
  for (const Choice& choice : space.choices()) {
    if (!space.is_active(choice, configuration)) continue;
    const auto found = values.find(choice.name);
    configuration.set(choice.name, found != values.end() ? found->second : grid_values(choice, 1).front());
  }
  return configuration;
}

Picks Relaxation::picks(const Configuration& configuration) const {
  Picks picks;
  picks.options.assign(rows.size(), 0);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row].is_choice) continue;
    const Value* value = configuration.find(rows[row].name);
    if (value != nullptr) picks.options[row] = index_of(rows[row].options, *value);
  }
  for (const RelaxedSum& sum : sums) {
    std::vector<int> edges;
    const Value* inputs = sum.inputs.empty() ? nullptr : configuration.find(sum.inputs);
    const std::vector<std::string> words =
        inputs != nullptr ? split(std::get<std::string>(*inputs), ',') : std::vector<std::string>();
    for (std::size_t edge = 0; edge < sum.edges.size(); ++edge) {
      const bool chosen = inputs == nullptr || std::find(words.begin(), words.end(), sum.edges[edge]) != words.end();
      if (chosen) edges.push_back(static_cast<int>(edge));
    }
    for (std::size_t i = 0; i < edges.size() && i < sum.operations.size(); ++i) {
      const int row = sum.rows[static_cast<std::size_t>(edges[i])];
      const Value* value = configuration.find(sum.operations[i]);
      if (row < 0) continue;
      const std::vector<Value>& options = rows[static_cast<std::size_t>(row)].options;
      picks.options[static_cast<std::size_t>(row)] =
          value != nullptr ? index_of(options, *value) : static_cast<int>(options.size()) - 1;
    }
    picks.edges.push_back(std::move(edges));
  }
  return picks;
}

}  // namespace netwright
