#include "netwright/space/choice.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr std::int64_t largest_integer = std::int64_t{1} << 53;  // exact as a real too

template <class... Rules>
struct Overloaded : Rules... {
  using Rules::operator()...;
};
template <class... Rules>
Overloaded(Rules...) -> Overloaded<Rules...>;  // clang needs to be told before version 17

std::uint64_t count(const Integer& domain) {
  return static_cast<std::uint64_t>((domain.high - domain.low) / domain.step) + 1;
}

std::int64_t value_at(const Integer& domain, std::uint64_t index) {
  return domain.low + static_cast<std::int64_t>(index) * domain.step;
}

// Rounding down to a multiple of the step after a uniform draw over [low, high + step) in the logarithm gives every
// value the share of the log axis that it covers.
std::int64_t sample_log(const Integer& domain, Random& random) {
  const double low = std::log(static_cast<double>(domain.low));
  const double high = std::log(static_cast<double>(domain.high + domain.step));
  const double drawn = std::exp(low + random.uniform() * (high - low));
  const auto steps = static_cast<std::int64_t>((drawn - static_cast<double>(domain.low)) / domain.step);
  return value_at(
      domain, std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(steps, 0)), count(domain) - 1));
}

double sample_real(const Real& domain, Random& random) {
  if (domain.low == domain.high) return domain.low;
  const double share = random.uniform();
  const double drawn = domain.log
                           ? std::exp(std::log(domain.low) + share * (std::log(domain.high) - std::log(domain.low)))
                           : domain.low + share * (domain.high - domain.low);
  return std::clamp(drawn, domain.low, domain.high);
}

// ---- reading ----

std::string choice_words(const std::string& name) {
  return "choice '" + name + "'";
}

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

Categorical read_options(const std::string& name, const Yaml& node) {
  if (!node.is_sequence()) {
    throw invalid(node.where, "the options of " + choice_words(name) + " must be a list", "write [a, b, c]");
  }
  if (node.items.empty()) {
    throw invalid(node.where, choice_words(name) + " has no options: the space is empty", "list at least one option");
  }
  Categorical domain;
  for (const auto& item : node.items) domain.options.push_back(value_from_yaml(item));
  // [0.5, 1] are two reals: a strategy, a file and a comparison must not see a mixture.
  const auto is_real = [](const Value& value) { return std::holds_alternative<double>(value); };
  if (std::all_of(domain.options.begin(), domain.options.end(), is_number) &&
      std::any_of(domain.options.begin(), domain.options.end(), is_real)) {
    for (auto& option : domain.options) {
      if (const auto* integer = std::get_if<std::int64_t>(&option)) option = static_cast<double>(*integer);
    }
  }
  for (std::size_t i = 0; i < domain.options.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (domain.options[i] == domain.options[j]) {
        throw invalid(node.items[i].where,
                      choice_words(name) + " has the option " + to_string(domain.options[i]) + " twice",
                      "keep one of the two");
      }
    }
  }
  return domain;
}

void check_interval(const std::string& name, const Yaml& node) {
  if (!node.is_sequence() || node.items.size() != 2) {
    throw invalid(node.where, "the range of " + choice_words(name) + " must be [low, high]", "write [1, 8]");
  }
}

Error reversed(const std::string& name, const Yaml& node) {
  return invalid(node.where,
                 choice_words(name) + " is empty: " + node.items[0].text + " is above " + node.items[1].text,
                 "write the lower end first: [" + node.items[1].text + ", " + node.items[0].text + "]");
}

Integer read_integer(const std::string& name, const Yaml& node, MappingReader& reader) {
  check_interval(name, node);
  Integer domain;
  domain.low = node.items[0].as_integer(name, -largest_integer, largest_integer);
  domain.high = node.items[1].as_integer(name, -largest_integer, largest_integer);
  if (domain.low > domain.high) throw reversed(name, node);
  domain.step = reader.integer("step", 1, 1, largest_integer);
  domain.log = reader.boolean("log", false);
  if (domain.log && domain.low < 1) {
    throw invalid(node.where, choice_words(name) + " is logarithmic and begins at " + node.items[0].text,
                  "begin at 1 or above, or leave out log");
  }
  domain.high = value_at(domain, count(domain) - 1);  // the last value that the steps reach
  return domain;
}

Real read_real(const std::string& name, const Yaml& node, MappingReader& reader) {
  check_interval(name, node);
  Real domain;
  domain.low = node.items[0].as_number(name, -1e300, 1e300);
  domain.high = node.items[1].as_number(name, -1e300, 1e300);
  if (domain.low > domain.high) throw reversed(name, node);
  domain.log = reader.boolean("log", false);
  if (domain.log && domain.low <= 0) {
    throw invalid(node.where, choice_words(name) + " is logarithmic and begins at " + node.items[0].text,
                  "begin above 0, or leave out log");
  }
  return domain;
}

std::vector<Condition> read_conditions(const std::string& name, const Yaml& node) {
  std::vector<Condition> conditions;
  if (!node.is_mapping() || node.entries.empty()) {
    throw invalid(node.where, "'when' of " + choice_words(name) + " must be a mapping",
                  "write when: {other_choice: [values]}");
  }
  for (const auto& entry : node.entries) {
    Condition condition;
    condition.parent = entry.key;
    if (entry.value.is_sequence()) {
      for (const auto& item : entry.value.items) condition.values.push_back(value_from_yaml(item));
    } else {
      condition.values.push_back(value_from_yaml(entry.value));
    }
    if (condition.values.empty()) {
      throw invalid(entry.value.where,
                    choice_words(name) + " is never active: no value of '" + entry.key + "' is listed",
                    "list at least one value");
    }
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

}  // namespace

std::optional<std::uint64_t> count_values(const Choice& choice) {
  return std::visit(
      Overloaded{[](const Categorical& domain) { return std::optional<std::uint64_t>(domain.options.size()); },
                 [](const Integer& domain) { return std::optional<std::uint64_t>(count(domain)); },
                 [](const Real& domain) {
                   return domain.low == domain.high ? std::optional<std::uint64_t>(1) : std::nullopt;
                 }},
      choice.domain);
}

bool contains(const Choice& choice, const Value& value) {
  return std::visit(Overloaded{[&](const Categorical& domain) {
                                 return std::find(domain.options.begin(), domain.options.end(), value) !=
                                        domain.options.end();
                               },
                               [&](const Integer& domain) {
                                 const auto* integer = std::get_if<std::int64_t>(&value);
                                 return integer != nullptr && *integer >= domain.low && *integer <= domain.high &&
                                        (*integer - domain.low) % domain.step == 0;
                               },
                               [&](const Real& domain) {
                                 const auto* real = std::get_if<double>(&value);
                                 return real != nullptr && *real >= domain.low && *real <= domain.high;
                               }},
                    choice.domain);
}

std::optional<Value> converted(const Choice& choice, const Value& value) {
  if (contains(choice, value)) return value;
  Value other;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    other = static_cast<double>(*integer);
  } else if (const auto* real = std::get_if<double>(&value);
             real != nullptr && std::nearbyint(*real) == *real && std::fabs(*real) <= largest_integer) {
    other = static_cast<std::int64_t>(*real);
  } else {
    return std::nullopt;
  }
  return contains(choice, other) ? std::optional<Value>(other) : std::nullopt;
}

std::string domain_text(const Choice& choice) {
  return std::visit(Overloaded{[](const Categorical& domain) {
                                 std::vector<std::string> options;
                                 for (const auto& option : domain.options) options.push_back(to_string(option));
                                 return "one of " + join(options, ", ");
                               },
                               [](const Integer& domain) {
                                 std::string text = "an integer from " + std::to_string(domain.low) + " to " +
                                                    std::to_string(domain.high);
                                 if (domain.step != 1) text += " in steps of " + std::to_string(domain.step);
                                 return text + (domain.log ? " (logarithmic)" : "");
                               },
                               [](const Real& domain) {
                                 return "a number from " + number_text(domain.low) + " to " + number_text(domain.high) +
                                        (domain.log ? " (logarithmic)" : "");
                               }},
                    choice.domain);
}

Value sample(const Choice& choice, Random& random) {
  return std::visit(
      Overloaded{[&](const Categorical& domain) { return domain.options[random.below(domain.options.size())]; },
                 [&](const Integer& domain) {
                   return Value(domain.log ? sample_log(domain, random)
                                           : value_at(domain, random.below(count(domain))));
                 },
                 [&](const Real& domain) { return Value(sample_real(domain, random)); }},
      choice.domain);
}

Value mutate(const Choice& choice, const Value& present, Random& random) {
  return std::visit(Overloaded{[&](const Categorical& domain) {
                                 const auto found = std::find(domain.options.begin(), domain.options.end(), present);
                                 const auto skipped = static_cast<std::uint64_t>(found - domain.options.begin());
                                 const std::uint64_t drawn =
                                     random.below(domain.options.size() - (skipped < domain.options.size() ? 1 : 0));
                                 return domain.options[drawn >= skipped ? drawn + 1 : drawn];
                               },
                               [&](const Integer& domain) {
                                 const auto skipped = static_cast<std::uint64_t>(
                                     (std::get<std::int64_t>(present) - domain.low) / domain.step);
                                 if (domain.log) {  // rejection keeps the distribution in the logarithm
                                   while (true) {
                                     const std::int64_t drawn = sample_log(domain, random);
                                     if (drawn != std::get<std::int64_t>(present)) return Value(drawn);
                                   }
                                 }
                                 const std::uint64_t drawn = random.below(count(domain) - 1);
                                 return Value(value_at(domain, drawn >= skipped ? drawn + 1 : drawn));
                               },
                               [&](const Real& domain) {
                                 while (true) {
                                   const Value drawn = sample_real(domain, random);
                                   if (drawn != present) return drawn;
                                 }
                               }},
                    choice.domain);
}

std::vector<Value> grid_values(const Choice& choice, int points) {
  return std::visit(
      Overloaded{[](const Categorical& domain) { return domain.options; },
                 [](const Integer& domain) {
                   std::vector<Value> values;
                   for (std::uint64_t i = 0; i < count(domain); ++i) values.emplace_back(value_at(domain, i));
                   return values;
                 },
                 [points](const Real& domain) {
                   if (domain.low == domain.high || points <= 1) return std::vector<Value>{domain.low};
                   std::vector<Value> values;
                   for (int i = 0; i < points; ++i) {
                     const double share = static_cast<double>(i) / (points - 1);
                     const double value = domain.log ? domain.low * std::pow(domain.high / domain.low, share)
                                                     : domain.low + share * (domain.high - domain.low);
                     values.emplace_back(i + 1 == points ? domain.high : std::clamp(value, domain.low, domain.high));
                   }
                   return values;
                 }},
      choice.domain);
}

Choice parse_choice(const std::string& name, const Yaml& node) {
  Choice choice;
  choice.name = name;
  choice.where = node.where;
  if (node.is_sequence()) {
    choice.domain = read_options(name, node);
    return choice;
  }
  if (!node.is_mapping()) {
    throw invalid(node.where, choice_words(name) + " must be a list of options or a mapping",
                  "write [a, b], {choice: [a, b]}, {integer: [1, 8]} or {real: [0.1, 1.0]}");
  }
  MappingReader reader(node, choice_words(name));
  const Yaml* options = reader.optional("choice");
  const Yaml* integer = reader.optional("integer");
  const Yaml* real = reader.optional("real");
  if ((options != nullptr) + (integer != nullptr) + (real != nullptr) != 1) {
    for (const char* key : {"step", "log", "when"}) reader.has(key);
    reader.finish();  // a misspelt 'choice' is better reported as such
    throw invalid(node.where, choice_words(name) + " needs exactly one of choice, integer and real",
                  "write {choice: [a, b]}, {integer: [1, 8]} or {real: [0.1, 1.0]}");
  }
  if (options != nullptr) choice.domain = read_options(name, *options);
  if (integer != nullptr) choice.domain = read_integer(name, *integer, reader);
  if (real != nullptr) choice.domain = read_real(name, *real, reader);
  if (const Yaml* when = reader.optional("when")) choice.conditions = read_conditions(name, *when);
  reader.finish();
  return choice;
}

Yaml domain_to_yaml(const Choice& choice) {
  Yaml node;
  node.kind = Yaml::Kind::mapping;
  const auto list = [](const std::vector<Value>& values) {
    Yaml items;
    items.kind = Yaml::Kind::sequence;
    for (const Value& value : values) items.items.push_back(to_yaml(value));
    return items;
  };
  std::visit(Overloaded{[&](const Categorical& domain) { node.set("choice", list(domain.options)); },
                        [&](const Integer& domain) {
                          node.set("integer", list({domain.low, domain.high}));
                          if (domain.step != 1) node.set("step", to_yaml(domain.step));
                          if (domain.log) node.set("log", to_yaml(true));
                        },
                        [&](const Real& domain) {
                          node.set("real", list({domain.low, domain.high}));
                          if (domain.log) node.set("log", to_yaml(true));
                        }},
             choice.domain);
  return node;
}

bool is_within(const Choice& inner, const Choice& outer) {
  if (inner.domain.index() != outer.domain.index()) return false;
  return std::visit(
      Overloaded{[&](const Categorical& domain) {
                   return std::all_of(domain.options.begin(), domain.options.end(),
                                      [&](const Value& option) { return contains(outer, option); });
                 },
                 [&](const Integer& domain) {
                   const auto& whole = std::get<Integer>(outer.domain);
                   return contains(outer, domain.low) && contains(outer, domain.high) &&
                          (domain.low == domain.high || domain.step % whole.step == 0);
                 },
                 [&](const Real& domain) { return contains(outer, domain.low) && contains(outer, domain.high); }},
      inner.domain);
}

}  // namespace netwright
