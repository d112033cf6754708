// The passes that rewrite a supernet's list of steps (trial/supernet_passes.h names all of them).
#pragma once

#include <vector>

#include "netwright/oneshot/supernet.h"

namespace netwright {

// As the options' `passes` say, in this order; before the steps' slots are scheduled.
//
// share: an operation without weights that several edges have out of one value is computed once.
// sums: a node's edges, their options, weights and batch norms become one step (nn/weighted_sum.h).
//
// recompute: cells_of() says which steps make a segment.
//
// `shared_slots` becomes, for each number of SupernetUnit::shared, the slot it reads. Layouts, blocks, separable
// convolutions, gradients and bf16 are no rewriting: the supernet follows them as it runs.
void apply_passes(const SupernetPasses& passes, const OperationTable& table, std::vector<SupernetStep>& steps,
                  std::vector<int>& shared_slots);

// The cells of a scheduled list, whose last_read is known. Adjacent steps of one cell make a segment.
std::vector<SupernetSegment> cells_of(const std::vector<SupernetStep>& steps);

}  // namespace netwright
