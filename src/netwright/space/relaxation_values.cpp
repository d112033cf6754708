#include "netwright/space/relaxation_values.h"

#include <algorithm>

#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr std::uint64_t most_options = 64;  // of a choice that a supernet holds

void add_once(std::vector<int>& to, int choice) {
  if (std::find(to.begin(), to.end(), choice) == to.end()) to.push_back(choice);
}

}  // namespace

OpenValues::OpenValues(const std::vector<Choice>& choices)
    : choices_(choices), options_(choices.size()), set_(choices.size(), -1), values_(choices.size(), nullptr) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto count = count_values(choices[i]);
    if (!count || *count > std::max<std::uint64_t>(most_options, 1)) {
      if (!std::holds_alternative<Categorical>(choices[i].domain)) continue;
    }
    options_[i] = grid_values(choices[i], 1);
    if (options_[i].size() == 1) {
      set_[i] = 0;
      values_[i] = &options_[i].front();
    }
  }
}

Error OpenValues::refused(int at, const std::string& why) const {
  const Choice& refused_choice = choice(at);
  return invalid(refused_choice.where, "a supernet cannot hold the choice '" + refused_choice.name + "': " + why,
                 "decide it: fix: {" + refused_choice.name + ": VALUE}; it is " + domain_text(refused_choice));
}

const std::vector<Value>& OpenValues::options(int choice) const {
  const auto& found = options_[static_cast<std::size_t>(choice)];
  if (found.empty()) throw refused(choice, "it has more values than can stand side by side");
  return found;
}

bool OpenValues::is_open(int choice) const {
  return options_[static_cast<std::size_t>(choice)].size() != 1;
}

void OpenValues::for_each(const std::vector<int>& choices, const std::function<void()>& body) {
  const std::function<void(std::size_t)> descend = [&](std::size_t depth) {
    if (depth == choices.size()) return body();
    const auto at = static_cast<std::size_t>(choices[depth]);
    const std::vector<Value>& all = options(choices[depth]);
    for (std::size_t i = 0; i < all.size(); ++i) {
      set_[at] = static_cast<int>(i);
      values_[at] = &all[i];
      descend(depth + 1);
    }
    set_[at] = -1;
    values_[at] = nullptr;
  };
  descend(0);
}

bool OpenValues::is_active(int at) const {
  const auto& conditions = choice(at).conditions;
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      if (choices_[i].name != condition.parent) continue;
      if (values_[i] == nullptr) return true;  // every value at once, so also one that it waits for
      return is_active(static_cast<int>(i)) &&
             std::find(condition.values.begin(), condition.values.end(), *values_[i]) != condition.values.end();
    }
    return true;
  });
}

OpenValue OpenValues::evaluate(const Expression& expression, const std::vector<OpenValue>& parameters) {
  OpenValue result;
  for (const int needed : expression.choices()) {
    if (!is_active(needed)) return result;
    if (is_open(needed) && option(needed) < 0) add_once(result.choices, needed);
  }
  for (const int parameter : expression.parameters()) {
    for (const int needed : parameters[static_cast<std::size_t>(parameter)].choices) {
      if (!is_active(needed)) return result;
      if (option(needed) < 0) add_once(result.choices, needed);
    }
  }
  for_each(result.choices, [&] {
    std::vector<Value> arguments;
    for (const OpenValue& parameter : parameters) arguments.push_back(at(parameter));
    result.values.push_back(*expression.evaluate({&values_, &arguments}));
  });
  return result;
}

const Value& OpenValues::at(const OpenValue& value) const {
  std::size_t index = 0;
  for (const int needed : value.choices) {
    index = index * options(needed).size() + static_cast<std::size_t>(std::max(option(needed), 0));
  }
  return value.values[index];
}

}  // namespace netwright
