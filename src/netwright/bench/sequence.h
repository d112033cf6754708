// A sequence of letters to be designed: an NK landscape (Kauffman & Weinberger, "The NK Model of Rugged Fitness
// Landscapes", 1989) over an alphabet of any size. Each letter contributes a number in [0, 1) that is fixed by itself
// and the letters at the next `neighbours` positions, the last position's neighbours being the first; the value of a
// sequence is the mean. With 0 neighbours letters are independent; the more, the more rugged.
#pragma once

#include <cstdint>
#include <vector>

#include "netwright/bench/evaluator.h"

namespace netwright {

struct SequenceOptions {
  int length = 20;         // positions, 2 to 1,000
  int letters = 7;         // 2 to 26
  int neighbours = 2;      // at most 8 and below `length`; letters^(neighbours + 1) at most 2,000,000
  std::uint64_t seed = 0;  // which landscape; the same seed gives the same one on every machine
};

class SequenceProblem : public Evaluator {
 public:
  // Throws an invalid Error for options outside the ranges above.
  explicit SequenceProblem(const SequenceOptions& options);

  // Choices p000, p001, … of the letters A, B, …; no network.
  const SearchSpace& space() const override { return space_; }
  double full_fidelity() const override { return 1; }
  // accuracy: the value. One second each.
  Measurement evaluate(const Configuration& configuration, double from, double to) const override;

  // Of letters counted from 0, one a position.
  double value(const std::vector<int>& sequence) const;
  // The largest value of all sequences, exact, by dynamic programming around the ring; the work grows with
  // length · letters^(2 · neighbours + 1).
  double optimum() const;

 private:
  std::size_t window(const std::vector<int>& sequence, std::size_t position) const;

  SequenceOptions options_;
  SearchSpace space_;
  std::size_t windows_ = 1;            // letters^(neighbours + 1)
  std::vector<double> contributions_;  // by position, then by the window's letters, first letter most significant
};

}  // namespace netwright
