// One open decision.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "netwright/base/random.h"
#include "netwright/base/yaml.h"
#include "netwright/space/value.h"

namespace netwright {

struct Categorical {
  std::vector<Value> options;  // at least one, all different
};

struct Integer {
  std::int64_t low = 0, high = 0;  // both included
  std::int64_t step = 1;           // values are low, low+step, …
  bool log = false;                // sampled uniformly in the logarithm; needs low >= 1
};

struct Real {
  double low = 0, high = 0;  // both included
  bool log = false;          // sampled uniformly in the logarithm; needs low > 0
};

// The choice is active only while the choice `parent` is active and holds one of `values`.
struct Condition {
  std::string parent;
  std::vector<Value> values;
};

struct Choice {
  std::string name;  // unique in its space, e.g. "cell.n1.op"
  std::variant<Categorical, Integer, Real> domain;
  std::vector<Condition> conditions;  // all must hold; parents come earlier in the space's list of choices
  Location where;
};

// The number of different values; nullopt for a real interval that is not a point.
std::optional<std::uint64_t> count_values(const Choice& choice);

bool contains(const Choice& choice, const Value& value);

// The value in the domain's own kind: 1 for a real choice is 1.0, 2.0 for an integer choice is 2. nullopt when it is
// not in the domain.
std::optional<Value> converted(const Choice& choice, const Value& value);

// For messages: "one of a, b", "an integer from 1 to 8", "a number from 0.1 to 1".
std::string domain_text(const Choice& choice);

Value sample(const Choice& choice, Random& random);

// A different value: for a categorical uniformly among the others; for numbers likewise uniformly over the domain
// without the present one. Precondition: more than one value.
Value mutate(const Choice& choice, const Value& present, Random& random);

// For a grid: every value, or for reals `points` of them, evenly spaced (in the logarithm where log), ends included.
std::vector<Value> grid_values(const Choice& choice, int points);

// Reads `[a, b, c]`, `{choice: [a, b]}`, `{integer: [low, high], step, log}`, `{real: [low, high], log}`, each with an
// optional `when: {parent: value or [values]}`. Throws an invalid Error for an empty, reversed or wrongly typed domain.
Choice parse_choice(const std::string& name, const Yaml& node);

// What parse_choice reads back to the same domain; conditions are left out.
Yaml domain_to_yaml(const Choice& choice);

// Whether every value of `inner` is one of `outer`, and both are of one kind.
bool is_within(const Choice& inner, const Choice& outer);

}  // namespace netwright
