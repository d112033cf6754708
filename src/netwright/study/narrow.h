// Searching again in a smaller space: the choices of the best trials.
#pragma once

#include <cstdint>
#include <deque>

#include "netwright/study/experiment.h"

namespace netwright {

struct NarrowOptions {
  std::int64_t top = 0;  // of how many of the best trials; 0: a fifth of the complete ones, five at least
  std::string name;      // of the new study; empty: the old one's with "-narrow"
};

struct Narrowed {
  Yaml experiment;           // what `netwright run` accepts
  std::int64_t top = 0;      // trials looked at
  std::int64_t choices = 0;  // that have fewer values now
  double log10_before = 0;   // sizes of the spaces; infinity with real choices
  double log10_after = 0;
};

// A categorical choice keeps the options that the best trials use, in their order; an integer or real one the range
// from their least to their greatest value. A choice that none of them has active stays as it is. Throws an Error
// (no_valid_trial) when no trial is complete.
Narrowed narrow(const Experiment& experiment, const SearchSpace& space, const std::deque<Trial>& trials,
                const NarrowOptions& options);

}  // namespace netwright
