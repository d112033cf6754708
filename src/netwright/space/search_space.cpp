#include "netwright/space/search_space.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "netwright/base/error.h"
#include "netwright/base/text.h"
#include "netwright/space/operation_inference.h"
#include "netwright/space/search_space_size.h"
#include "netwright/space/space_template.h"
#include "netwright/space/space_template_reader.h"

namespace netwright {
namespace {

bool holds(const Value& value, const std::vector<Value>& allowed) {
  return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

std::vector<std::string> names_of(const std::vector<Choice>& choices) {
  std::vector<std::string> names;
  for (const auto& choice : choices) names.push_back(choice.name);
  return names;
}

Error unknown_choice(const std::string& name, const std::vector<Choice>& choices, const Location& where = {}) {
  return invalid(where, "the space has no choice '" + name + "'", suggest(name, names_of(choices)));
}

Error outside(const Choice& choice, const Value& value) {
  return invalid({}, "choice '" + choice.name + "' cannot be " + to_string(value), "it is " + domain_text(choice));
}

// The grid's value number `number`, without making the whole grid.
Value value_number(const Choice& choice, std::uint64_t number) {
  if (const auto* domain = std::get_if<Categorical>(&choice.domain))
    return domain->options[number % domain->options.size()];
  if (const auto* domain = std::get_if<Integer>(&choice.domain)) {
    return domain->low + static_cast<std::int64_t>(number % *count_values(choice)) * domain->step;
  }
  const auto& domain = std::get<Real>(choice.domain);
  return number % 2 == 0 ? domain.low : domain.high;
}

// The cost of a network. A space is refused where one of its members is no network, so its output must be one number a
// class.
Cost checked_cost(const Network& network, const OperationTable& table) {
  Inference inference(table);
  const Inferred& inferred = inference.infer(network.graph, {network.input});
  const std::vector<Shape>& shapes = inferred.shapes;
  const auto check = [&](int value, const char* what) {
    const Shape& shape = shapes[static_cast<std::size_t>(value)];
    if (!shape.is_image() && shape.channels == network.classes) return;
    const Node* node = network.graph.producer(value);
    throw invalid(node != nullptr ? node->where : Location{},
                  std::string(what) + " ends in " + to_string(shape) + " at '" +
                      (node != nullptr ? node->name : "input") + "', not in " + std::to_string(network.classes) +
                      " numbers, one a class",
                  "end it with {op: classifier}, or {op: linear, features: $classes}");
  };
  check(network.graph.output, "the network");
  if (network.graph.auxiliary_output >= 0) check(network.graph.auxiliary_output, "the auxiliary classifier");
  return inferred.cost;
}

}  // namespace

SearchSpace SearchSpace::parse(const Yaml& space, const Yaml& recipe, std::optional<Shape> input,
                               std::optional<std::int64_t> classes, const OperationTable& table) {
  TemplateReader reader(space, recipe, input, classes, table);
  reader.read();
  SearchSpace result;
  result.name_ = reader.name;
  result.choices_ = std::make_shared<const std::vector<Choice>>(std::move(reader.choices));
  result.template_ = std::make_shared<const SpaceTemplate>(std::move(reader.result));
  result.index();
  result.probe();
  return result;
}

SearchSpace SearchSpace::load(const std::string& path, const OperationTable& table) {
  return parse(load_yaml(path), Yaml{}, std::nullopt, std::nullopt, table);
}

void SearchSpace::index() {
  const auto& all = *choices_;
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < all.size(); ++i) numbers[all[i].name] = i;
  by_name_.clear();
  for (const auto& [name, number] : numbers) by_name_.push_back(number);
  parents_.assign(all.size(), {});
  conditional_ = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& condition : all[i].conditions) {
      parents_[i].push_back({numbers.at(condition.parent), &condition.values});
      conditional_ = true;
    }
  }
}

// Configurations that together hold every value of small choices, and a few random ones: a mistake in the graph shows
// before anything runs.
void SearchSpace::probe() const {
  constexpr std::uint64_t most = 16;
  std::uint64_t largest = 1;
  for (const auto& choice : *choices_) largest = std::max(largest, count_values(choice).value_or(2));
  Random random(1);
  const std::uint64_t covered = std::min(largest, most);
  for (std::uint64_t i = 0; i < covered + (choices_->empty() ? 0 : 4); ++i) {
    const Configuration configuration = i < covered ? covering(i) : sample(random);
    try {
      fill(configuration);
    } catch (const Error& error) {
      if (i == 0 || configuration.values().empty()) throw;
      std::string text = configuration.canonical_text();
      if (text.size() > 300) text = text.substr(0, 300) + " …";
      throw Error(error.code(), error.problem() + " (with " + text + ")", error.remedy(), error.where());
    }
  }
}

Configuration SearchSpace::covering(std::uint64_t number) const {
  Configuration configuration;
  for (const auto& choice : *choices_) {
    if (is_active(choice, configuration)) configuration.set(choice.name, value_number(choice, number));
  }
  return configuration;
}

const OperationTable& SearchSpace::table() const {
  return template_->table;
}

const Choice* SearchSpace::find(const std::string& choice) const {
  const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), choice,
                                      [&](std::size_t at, const auto& name) { return (*choices_)[at].name < name; });
  if (found == by_name_.end() || (*choices_)[*found].name != choice) return nullptr;
  return &(*choices_)[*found];
}

double SearchSpace::log10_size() const {
  return count_configurations(*choices_).log10;
}

std::optional<std::uint64_t> SearchSpace::size() const {
  return count_configurations(*choices_).exact;
}

bool SearchSpace::is_active(const Choice& choice, const Configuration& configuration) const {
  return std::all_of(choice.conditions.begin(), choice.conditions.end(), [&](const Condition& condition) {
    const Value* value = configuration.find(condition.parent);
    return value != nullptr && holds(*value, condition.values);
  });
}

void SearchSpace::validate(const Configuration& configuration) const {
  std::size_t active = 0;
  for (const auto& choice : *choices_) {
    const Value* value = configuration.find(choice.name);
    if (is_active(choice, configuration)) {
      if (value == nullptr) {
        throw invalid({}, "the configuration lacks choice '" + choice.name + "'", "it is " + domain_text(choice));
      }
      if (!contains(choice, *value)) throw outside(choice, *value);
      ++active;
    } else if (value != nullptr) {
      std::vector<std::string> parents;
      for (const auto& condition : choice.conditions) parents.push_back(condition.parent);
      throw invalid({}, "choice '" + choice.name + "' has a value but is not active",
                    "remove it, or change " + join(parents, ", ") + " that it depends on");
    }
  }
  if (configuration.values().size() == active) return;
  for (const auto& [name, value] : configuration.values()) {
    if (find(name) == nullptr) throw unknown_choice(name, *choices_);
  }
}

Configuration SearchSpace::sample(Random& random) const {
  const auto& all = *choices_;
  std::vector<Configuration::Entry> entries;
  entries.reserve(all.size());
  if (!conditional_) {
    for (const std::size_t i : by_name_) entries.emplace_back(all[i].name, netwright::sample(all[i], random));
    return Configuration::from_sorted(std::move(entries));
  }
  std::vector<Value> values(all.size());
  std::vector<char> active(all.size(), 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& parent : parents_[i]) {
      if (!active[parent.index] || !holds(values[parent.index], *parent.values)) active[i] = 0;
    }
    if (active[i]) values[i] = netwright::sample(all[i], random);
  }
  for (const std::size_t i : by_name_) {
    if (active[i]) entries.emplace_back(all[i].name, std::move(values[i]));
  }
  return Configuration::from_sorted(std::move(entries));
}

Configuration SearchSpace::mutate(const Configuration& parent, Random& random) const {
  std::vector<const Choice*> open;
  for (const auto& choice : *choices_) {
    if (parent.find(choice.name) != nullptr && count_values(choice).value_or(2) > 1) open.push_back(&choice);
  }
  if (open.empty()) throw std::logic_error("mutate: no active choice of the space has a second value");
  const Choice* mutated = open[random.below(open.size())];
  Configuration child;
  for (const auto& choice : *choices_) {
    if (!is_active(choice, child)) continue;
    const Value* present = parent.find(choice.name);
    if (&choice == mutated) {
      child.set(choice.name, netwright::mutate(choice, *present, random));
    } else {
      child.set(choice.name, present != nullptr ? *present : netwright::sample(choice, random));
    }
  }
  return child;
}

// Both sides are sorted by name.
std::vector<const Value*> SearchSpace::values_of(const Configuration& configuration) const {
  std::vector<const Value*> values(choices_->size(), nullptr);
  auto entry = configuration.values().begin();
  for (const std::size_t i : by_name_) {
    const std::string& name = (*choices_)[i].name;
    while (entry != configuration.values().end() && entry->first < name) ++entry;
    if (entry == configuration.values().end()) break;
    if (entry->first == name) values[i] = &entry->second;
  }
  return values;
}

Design SearchSpace::fill(const Configuration& configuration) const {
  const auto values = values_of(configuration);
  Design design{fill_network(*template_, *choices_, values), fill_recipe(*template_, values), {}};
  if (!design.network.graph.nodes.empty()) design.cost = checked_cost(design.network, template_->table);
  return design;
}

SearchSpace SearchSpace::fixed(const Configuration& values) const {
  auto narrowed = std::make_shared<std::vector<Choice>>(*choices_);
  for (const auto& [name, value] : values.values()) {
    const auto found = std::find_if(narrowed->begin(), narrowed->end(),
                                    [&wanted = name](const Choice& c) { return c.name == wanted; });
    if (found == narrowed->end()) throw unknown_choice(name, *choices_);
    const auto fitting = converted(*found, value);
    if (!fitting) throw outside(*found, value);
    if (auto* categorical = std::get_if<Categorical>(&found->domain)) categorical->options = {*fitting};
    if (auto* integer = std::get_if<Integer>(&found->domain))
      integer->low = integer->high = std::get<std::int64_t>(*fitting);
    if (auto* real = std::get_if<Real>(&found->domain)) real->low = real->high = std::get<double>(*fitting);
  }
  SearchSpace space = *this;
  space.choices_ = std::move(narrowed);
  space.index();
  return space;
}

SearchSpace SearchSpace::narrowed(const Yaml& domains) const {
  if (!domains.is_mapping()) {
    throw invalid(domains.where, "'narrow' must be a mapping", "write narrow: {choice: [option, option]}");
  }
  auto narrowed = std::make_shared<std::vector<Choice>>(*choices_);
  for (const auto& entry : domains.entries) {
    const auto found =
        std::find_if(narrowed->begin(), narrowed->end(), [&](const Choice& c) { return c.name == entry.key; });
    if (found == narrowed->end()) throw unknown_choice(entry.key, *choices_, entry.where);
    const Choice smaller = parse_choice(entry.key, entry.value);
    if (!smaller.conditions.empty() || !is_within(smaller, *found)) {
      throw invalid(
          entry.value.where,
          "'" + entry.key + "' would be " + domain_text(smaller) + ", but the space's is " + domain_text(*found),
          "keep within the space's own values, and leave 'when' to it");
    }
    found->domain = smaller.domain;
  }
  SearchSpace space = *this;
  space.choices_ = std::move(narrowed);
  space.index();
  return space;
}

}  // namespace netwright
