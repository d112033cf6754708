// Expressions whose choices are all their values at once. Internal to relaxation_fill.h.
#pragma once

#include <functional>
#include <vector>

#include "netwright/base/error.h"
#include "netwright/space/choice.h"
#include "netwright/space/expression.h"

namespace netwright {

// A value for each combination of the choices' options, the last choice changing fastest. No choices: one value, or
// none where it depends on a choice that is not active.
struct OpenValue {
  std::vector<int> choices;
  std::vector<Value> values;
  bool operator==(const OpenValue&) const = default;
};

class OpenValues {
 public:
  explicit OpenValues(const std::vector<Choice>& choices);

  const Choice& choice(int choice) const { return choices_[static_cast<std::size_t>(choice)]; }
  // Throws where they are not few numbers or words.
  const std::vector<Value>& options(int choice) const;
  bool is_open(int choice) const;                                                  // has more than one value
  int option(int choice) const { return set_[static_cast<std::size_t>(choice)]; }  // it is set to; -1: not set

  // An invalid Error that names the choice.
  Error refused(int choice, const std::string& why) const;

  // Runs `body` once for each combination, with the choices set to it.
  void for_each(const std::vector<int>& choices, const std::function<void()>& body);

  // Over the choices that are open and not set. `parameters` are those of the cell.
  OpenValue evaluate(const Expression& expression, const std::vector<OpenValue>& parameters);

  // For the choices as they are set; of those that are not, the first option.
  const Value& at(const OpenValue& value) const;

 private:
  bool is_active(int choice) const;  // as far as its parents are set

  const std::vector<Choice>& choices_;
  std::vector<std::vector<Value>> options_;  // empty: real, or too many
  std::vector<int> set_;
  std::vector<const Value*> values_;
};

}  // namespace netwright
