#include "netwright/space/search_space_size.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace netwright {
namespace {

SpaceSize product(const SpaceSize& a, const SpaceSize& b) {
  SpaceSize result{a.log10 + b.log10, std::nullopt};
  std::uint64_t exact = 0;
  if (a.exact && b.exact && !__builtin_mul_overflow(*a.exact, *b.exact, &exact)) result.exact = exact;
  return result;
}

SpaceSize sum(const SpaceSize& a, const SpaceSize& b) {
  const double larger = std::max(a.log10, b.log10);
  const double smaller = std::min(a.log10, b.log10);
  SpaceSize result{std::isinf(larger) ? larger : larger + std::log10(1 + std::pow(10, smaller - larger)), std::nullopt};
  std::uint64_t exact = 0;
  if (a.exact && b.exact && !__builtin_add_overflow(*a.exact, *b.exact, &exact)) result.exact = exact;
  return result;
}

SpaceSize number(std::uint64_t count) {
  return {std::log10(static_cast<double>(count)), count};
}

SpaceSize values_of(const Choice& choice) {
  const auto count = count_values(choice);
  if (!count) return {std::numeric_limits<double>::infinity(), std::nullopt};
  return number(*count);
}

// A choice still open, with the conditions not known to hold yet.
struct Open {
  std::size_t choice;
  std::vector<const Condition*> conditions;
};

class Counter {
 public:
  explicit Counter(const std::vector<Choice>& choices) : choices_(choices) {
    for (std::size_t i = 0; i < choices.size(); ++i) numbers_[choices[i].name] = i;
  }

  SpaceSize all() const {
    std::vector<Open> open;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      Open entry{i, {}};
      for (const auto& condition : choices_[i].conditions) entry.conditions.push_back(&condition);
      open.push_back(std::move(entry));
    }
    return count(open);
  }

 private:
  std::size_t parent(const Condition& condition) const { return numbers_.at(condition.parent); }

  // The product over groups that no condition connects. `open` keeps parents before their dependants.
  SpaceSize count(const std::vector<Open>& open) const {
    std::map<std::size_t, std::size_t> at;  // of a choice in `open`
    for (std::size_t i = 0; i < open.size(); ++i) at[open[i].choice] = i;
    std::vector<std::size_t> group(open.size());
    for (std::size_t i = 0; i < open.size(); ++i) group[i] = i;
    const auto root = [&](std::size_t i) {
      while (group[i] != i) i = group[i] = group[group[i]];
      return i;
    };
    for (std::size_t i = 0; i < open.size(); ++i) {
      for (const Condition* condition : open[i].conditions) {
        const std::size_t a = root(i);
        const std::size_t b = root(at.at(parent(*condition)));
        group[std::max(a, b)] = std::min(a, b);  // the earliest, which has no conditions, leads
      }
    }
    std::map<std::size_t, std::vector<Open>> groups;
    for (std::size_t i = 0; i < open.size(); ++i) groups[root(i)].push_back(open[i]);
    SpaceSize result;
    for (const auto& [leader, members] : groups) result = product(result, connected(members));
    return result;
  }

  SpaceSize connected(const std::vector<Open>& group) const {
    const std::size_t leader = group.front().choice;
    if (group.size() == 1) return values_of(choices_[leader]);
    // Values of the leader that no condition mentions leave every dependant inactive alike.
    std::vector<Value> mentioned;
    for (const auto& open : group) {
      for (const Condition* condition : open.conditions) {
        if (parent(*condition) != leader) continue;
        for (const auto& value : condition->values) {
          const bool known = std::find(mentioned.begin(), mentioned.end(), value) != mentioned.end();
          if (!known && contains(choices_[leader], value)) mentioned.push_back(value);
        }
      }
    }
    // Values that the same conditions name have the same consequences.
    std::map<std::vector<bool>, std::pair<std::uint64_t, const Value*>> classes;
    for (const auto& value : mentioned) {
      auto& [members, example] = classes[consequences(group, leader, &value)];
      ++members;
      example = &value;
    }
    const auto total = count_values(choices_[leader]);
    SpaceSize result{-std::numeric_limits<double>::infinity(), 0};
    for (const auto& [key, entry] : classes) {
      result = sum(result, product(number(entry.first), count(after(group, leader, entry.second))));
    }
    if (total && *total > mentioned.size()) {
      result = sum(result, product(number(*total - mentioned.size()), count(after(group, leader, nullptr))));
    }
    return result;
  }

  static bool holds(const Condition& condition, const Value* value) {
    return value != nullptr &&
           std::find(condition.values.begin(), condition.values.end(), *value) != condition.values.end();
  }

  std::vector<bool> consequences(const std::vector<Open>& group, std::size_t leader, const Value* value) const {
    std::vector<bool> result;
    for (const auto& open : group) {
      for (const Condition* condition : open.conditions) {
        if (parent(*condition) == leader) result.push_back(holds(*condition, value));
      }
    }
    return result;
  }

  // What is open once the leader has a value; null: one that no condition mentions.
  std::vector<Open> after(const std::vector<Open>& group, std::size_t leader, const Value* value) const {
    std::vector<Open> rest;
    std::vector<std::size_t> inactive;
    for (const auto& open : group) {
      if (open.choice == leader) continue;
      Open next{open.choice, {}};
      bool active = true;
      for (const Condition* condition : open.conditions) {
        const std::size_t on = parent(*condition);
        if (on == leader ? !holds(*condition, value)
                         : std::find(inactive.begin(), inactive.end(), on) != inactive.end()) {
          active = false;
        } else if (on != leader) {
          next.conditions.push_back(condition);
        }
      }
      if (active) {
        rest.push_back(std::move(next));
      } else {
        inactive.push_back(open.choice);
      }
    }
    return rest;
  }

  const std::vector<Choice>& choices_;
  std::map<std::string, std::size_t> numbers_;
};

}  // namespace

SpaceSize count_configurations(const std::vector<Choice>& choices) {
  SpaceSize size = Counter(choices).all();
  if (size.exact) size.log10 = std::log10(static_cast<double>(*size.exact));
  return size;
}

}  // namespace netwright
