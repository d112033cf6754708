// Search guided by an ensemble of predictors (White et al. 2021, "BANANAS: Bayesian Optimization with Neural
// Architectures for Neural Architecture Search"; Wei et al. 2022, "NPENAS: Neural Predictor Guided Evolution for Neural
// Architecture Search").
#pragma once

#include "netwright/strategy/boosted_trees.h"
#include "netwright/strategy/surrogate.h"

namespace netwright {

struct BananasOptions {
  SurrogateOptions search;
  BoostingOptions predictor;
  // Independent Thompson sampling: each candidate's value is drawn from a normal distribution with the mean and the
  // spread of what the members say of it, and the largest is proposed. Or: mean plus half the spread (ucb), expected
  // improvement (ei), the mean alone.
  std::string acquisition = "its";
  int refit = 5;  // trials told before the predictors are learned anew
};

// Trials and candidates as surrogate.h says. Where the paper trains small neural networks on the path encoding, members
// are boosted trees on all columns of encoding.h: as good on a few hundred points, and learned in milliseconds. Pending
// trials are only kept from being proposed again: the draws of independent Thompson sampling tell workers apart.
std::unique_ptr<Strategy> make_bananas_strategy(const StrategyContext& context);

}  // namespace netwright
