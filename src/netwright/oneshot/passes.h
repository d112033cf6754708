// Named ways in which a supernet runs faster than one operation at a time, each of which can be switched off. They
// leave the arithmetic as it is, to rounding; docs/benchmarks.md says what each gains.
#pragma once

#include <string>
#include <vector>

#include "netwright/oneshot/supernet.h"

namespace netwright {

// As the options' `passes` say, in this order; before the steps' slots are scheduled.
//
// share: an operation without weights that several edges have out of one value is computed once.
// sums: a node's edges, their options, weights and batch norms become one step (nn/weighted_sum.h).
//
// `shared_slots` becomes, for each number of SupernetUnit::shared, the slot it reads. Layouts, blocks and separable
// convolutions are no rewriting: the supernet follows them as it runs.
void apply_passes(const SupernetPasses& passes, const OperationTable& table, std::vector<SupernetStep>& steps,
                  std::vector<int>& shared_slots);

}  // namespace netwright
