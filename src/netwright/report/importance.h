// How much each choice matters: functional analysis of variance on a random forest (Hutter, Hoos & Leyton-Brown, "An
// Efficient Approach for Assessing Hyperparameter Importance", 2014).
//
// A forest is fitted to what trials reached. Each tree is a function that is constant on boxes, so its mean over all
// choices but one or two can be had exactly, from the boxes; the variance of that mean, divided by the tree's whole
// variance, is the share of that choice, and what two choices explain together beyond each alone is the share of the
// pair. All values of a choice weigh alike (in the logarithm where the choice is logarithmic). Where a choice is not
// active its value has no effect, so its share is that of its effect where it is active.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/statistics.h"
#include "netwright/report/forest.h"
#include "netwright/space/choice.h"
#include "netwright/space/configuration.h"

namespace netwright {

// The variance of one tree, taken apart.
class TreeVariance {
 public:
  TreeVariance(const RegressionTree& tree, const std::vector<ForestInput>& inputs);

  double mean() const { return mean_; }
  double total() const { return total_; }
  // Of the tree's mean given that input alone.
  double of(std::size_t input) const { return single_[input]; }
  // Of the tree's mean given the two, less that of each. Precondition: first != second.
  double of(std::size_t first, std::size_t second) const;

 private:
  struct Leaf {
    double value = 0;
    double volume = 1;
    std::vector<double> widths;           // of the box, for each input
    std::vector<std::vector<int>> cells;  // of each input's cells, those in the box
  };
  struct Box {
    std::vector<double> low, high;
    std::vector<std::vector<char>> options;
  };

  void collect(const RegressionTree& tree, const std::vector<ForestInput>& inputs, int node, const Box& box);
  double single(std::size_t input) const;

  double mean_ = 0, total_ = 0;
  std::vector<std::vector<double>> cuts_;    // numbers: where the tree splits
  std::vector<std::vector<double>> widths_;  // of each input's cells, which together are 1
  std::vector<Leaf> leaves_;
  std::vector<double> single_;
};

struct ImportanceOptions {
  std::size_t fewest_trials = 20;  // with fewer nothing is claimed
  std::size_t interacting = 6;     // choices with the largest shares whose pairs are looked at
  std::size_t pairs = 3;           // told, at most
  ForestOptions forest = {};
};

struct Importance {
  struct Entry {
    std::vector<std::string> choices;  // one, or two for a pair
    double share = 0;                  // of the variance: the mean over the trees, in [0, 1]
    Interval interval;                 // that nine in ten trees lie in
  };
  std::size_t trials = 0;      // that the forest was fitted to
  double explained = 0;        // RegressionForest::explained
  std::vector<Entry> choices;  // every choice with more than one value, the most important first
  std::vector<Entry> pairs;    // likewise; those of at least one per cent
};

// Nullopt when there are fewer trials than options.fewest_trials, no choice is open, or all values are equal. Values
// further from the quartiles than three interquartile ranges count as if at that border, so that a few networks that
// learn nothing do not drown the rest. Preconditions: configurations and values equally many, values finite.
std::optional<Importance> importance_of(const std::vector<Choice>& choices,
                                        const std::vector<const Configuration*>& configurations,
                                        std::vector<double> values, std::uint64_t seed,
                                        const ImportanceOptions& options = {});

}  // namespace netwright
