// A choice as a finite number of actions, for policies over them: a categorical choice has one for each option, an
// integer one for each value while these are few, and what is left is cut into bins of equal width (in the logarithm
// where the choice says so) in which a value is drawn as the choice itself would draw it.
#pragma once

#include <vector>

#include "netwright/space/choice.h"

namespace netwright {

class ChoiceBins {
 public:
  // `most`: actions at most, at least 2; for categorical choices there is no limit.
  ChoiceBins(const Choice& choice, int most);

  int size() const { return static_cast<int>(shares_.size()); }
  // The probability of each action when the choice is sampled at random; they sum to 1.
  const std::vector<double>& shares() const { return shares_; }
  Value draw(int action, Random& random) const;
  // Precondition: the choice contains the value.
  int action_of(const Value& value) const;

 private:
  double place(std::int64_t number) const;

  const Choice* choice_;  // outlives this
  std::vector<double> shares_;
  std::vector<double> edges_;        // of the bins, size() + 1; on the log scale where the choice is logarithmic
  std::vector<std::int64_t> first_;  // integer bins: the number of the first value of each, and the end
};

}  // namespace netwright
