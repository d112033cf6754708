// PC-DARTS (Xu et al. 2020, "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search").
#pragma once

#include <memory>

#include "netwright/oneshot/method.h"

namespace netwright {

// A quarter of an edge's channels pass its options; the edges of a chosen sum have weights of their own, a softmax over
// them, and networks are decoded from the product. Architecture parameters rest for the first 15 epochs. Takes the
// options of darts; learning rate 6e-4. For the weights the paper has a batch of 256 and a learning rate of 0.1.
std::unique_ptr<Method> make_pc_darts(const MethodContext& context);

}  // namespace netwright
