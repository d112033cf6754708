// Proximal policy optimisation (Schulman et al., "Proximal Policy Optimization Algorithms", 2017) over a sequential
// policy.
#pragma once

#include <memory>

#include "netwright/strategy/policy_search.h"

namespace netwright {

struct PpoOptions {
  PolicySearchOptions search;
  int batch = 10;     // episodes gathered before each update
  int epochs = 4;     // steps over them an update
  double clip = 0.2;  // how far the ratio of probabilities may gain before its gradient stops
};

// The derivative by log p of min(ratio · advantage, clamp(ratio, 1 − clip, 1 + clip) · advantage): 0 where the ratio
// has gone further than the clip in the advantage's own direction.
double ppo_weight(double ratio, double advantage, double clip);

// An episode is one configuration, choice by choice; the only reward comes at its end and is not discounted, so every
// choice has the same advantage, and a choice's ratio is clipped on its own. Choices that are not active are masked.
std::unique_ptr<Strategy> make_ppo_strategy(const StrategyContext& context);

}  // namespace netwright
