// Something that tells how good a configuration is without training it: a table of real measurements, recorded learning
// curves, a made-up function. Strategies and schedules are compared on these, thousands of searches a minute.
#pragma once

#include "netwright/space/search_space.h"
#include "netwright/trial/trial.h"

namespace netwright {

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual const SearchSpace& space() const = 0;
  // Epochs of a whole training.
  virtual double full_fidelity() const = 0;
  // What a trainer would report at the epoch `to` after training on from the epoch `from` (0: from scratch);
  // `seconds` is what that training would have taken. 0 <= from < to <= full_fidelity(). Throws an invalid Error for a
  // configuration that is not in the space or not in the table. Safe to call from several threads.
  virtual Measurement evaluate(const Configuration& configuration, double from, double to) const = 0;
};

}  // namespace netwright
