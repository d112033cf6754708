// REINFORCE (Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning",
// 1992) over a sequential policy, as Zoph & Le (ICLR 2017) design networks.
#pragma once

#include <memory>

#include "netwright/strategy/policy_search.h"

namespace netwright {

struct ReinforceOptions {
  PolicySearchOptions search;
  int batch = 1;  // episodes averaged for each step of the policy
};

// The loss of an episode is −advantage · log p, less the entropy bonus; the advantage is the reward's distance from the
// moving average that the reward has already entered, so the first episode's is 0.
std::unique_ptr<Strategy> make_reinforce_strategy(const StrategyContext& context);

}  // namespace netwright
