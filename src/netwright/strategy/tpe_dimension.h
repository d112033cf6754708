// What the tree-structured Parzen estimator knows of one choice.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "netwright/space/choice.h"
#include "netwright/strategy/parzen.h"

namespace netwright {

// Memory that all choices share during a proposal, so that none is allocated.
struct TpeScratch {
  std::vector<double> means[2], weights[2];  // of good trials and of the others
  std::vector<double> own_weights;           // of a choice that some trials do not have
  std::vector<double> own_ranks;             // likewise, in order of time
  std::vector<double> counts[2];             // of a categorical choice's options
  std::vector<std::uint32_t> good_options;
  std::vector<double> points, densities[2];             // the candidates
  std::vector<std::pair<std::int64_t, double>> ratios;  // of the values already looked at
  ParzenMixture mixtures[2];
};

// The trials as they are at a proposal.
struct TpeSplit {
  const std::vector<std::uint32_t>& good;  // trials
  const std::vector<char>& is_good;        // of each trial
  const std::vector<double>& weights;      // of each trial, for a choice that every trial has; of a good one 0
};

class TpeDimension {
 public:
  explicit TpeDimension(const Choice& choice);

  // The trial with this number, greater than all before, has this value.
  void add(std::uint32_t trial, const Value& value);
  // The best of `candidates` draws from the good trials' density by its ratio to the others'.
  Value propose(const TpeSplit& split, int candidates, TpeScratch& scratch, Random& random) const;

 private:
  struct Entry {
    double coordinate;
    std::uint32_t trial;
  };

  std::span<const double> weights(const TpeSplit& split, TpeScratch& scratch, bool by_trial) const;
  std::size_t propose_option(const TpeSplit& split, int candidates, TpeScratch& scratch, Random& random) const;
  double propose_point(int candidates, TpeScratch& scratch, Random& random) const;
  std::int64_t propose_step(int candidates, TpeScratch& scratch, Random& random) const;
  void fit(const TpeSplit& split, TpeScratch& scratch) const;
  double coordinate(double value) const;
  Interval cell(std::int64_t step) const;

  const Choice* choice_;
  std::size_t options_ = 0;            // of a categorical choice; 0: a number
  bool log_ = false;                   // coordinates are logarithms
  double low_ = 0, high_ = 0;          // of the values
  double step_ = 0;                    // between values; 0: real
  std::int64_t steps_ = 0;             // the last value is low + steps·step
  Interval support_;                   // of the coordinates
  std::vector<Entry> sorted_;          // a number's, ascending, equal ones by trial
  std::vector<std::uint32_t> trials_;  // that have the choice, ascending
  std::vector<std::uint32_t> chosen_;  // their options, of a categorical choice
};

}  // namespace netwright
