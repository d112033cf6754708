// Batch norms of a trained network folded into the convolutions before them: the same function with fewer operations.
#pragma once

#include "netwright/nn/builder.h"

namespace netwright {

// Gives every convolution block that ends in a batch norm the weights and the bias that do both at once, by the running
// statistics, and removes the norm. Norms that stand elsewhere stay. The module can be evaluated afterwards, not
// trained.
void fold_batch_norms(NetworkModule& module);

}  // namespace netwright
