// Bias and variance of gradient estimators on a made-up problem small enough to enumerate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/oneshot/estimators.h"

namespace netwright {

// Rows that draw one of some options each, from logits with deviation 0.7; and a loss in which options act alone and in
// pairs, also within their row: 2 + slope . w + w . bend w / 2 with standard normal slope and bend. At the corners it
// is the loss of a network, in between it is curved, as a supernet's is.
struct EstimatorProblem {
  RowWeights logits;  // one group
  WeightedLoss objective;
};
EstimatorProblem made_up_problem(std::int64_t rows, std::int64_t options, std::uint64_t seed);

struct ComparisonOptions {
  std::int64_t rows = 3;
  std::int64_t options = 4;
  std::int64_t draws = 10'000;
  std::int64_t warm_up = 2'000;  // draws before those that count, in which baselines and control variates learn
  std::vector<double> temperatures = {0.1, 0.5, 1, 2};  // of Gumbel-softmax and straight-through
  double control_temperature = 0.5;                     // of REBAR and RELAX
  std::uint64_t seed = 0;
};

struct EstimatorFigures {
  std::string name;           // reinforce, reinforce_without_baseline, gumbel_softmax, straight_through, rebar, relax
  double temperature = 0;     // 0: it has none
  double bias = 0;            // distance of the draws' mean from the exact gradient
  double standard_error = 0;  // root mean square of that distance for an estimator without bias
  double variance = 0;        // summed over components
  double variance_ratio = 0;  // to that of reinforce
  bool unbiased = false;      // bias within 3 standard errors
  double microseconds = 0;    // a draw, with all evaluations of the loss
};

struct EstimatorComparison {
  double loss = 0;           // expected
  double gradient_norm = 0;  // of the exact gradient
  std::vector<EstimatorFigures> estimators;
};

// Throws an invalid Error when there are more than 65,536 networks to enumerate. Each estimator draws from a generator
// of its own, so the figures of one do not depend on which others there are. reinforce's baseline is the mean of the
// losses drawn before.
EstimatorComparison compare_estimators(const ComparisonOptions& options);

}  // namespace netwright
