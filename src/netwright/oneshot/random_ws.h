// Random search with weight sharing (Li and Talwalkar 2019, "Random Search and Reproducibility for Neural Architecture
// Search").
#pragma once

#include <memory>

#include "netwright/oneshot/method.h"

namespace netwright {

// Each step trains one network drawn uniformly from the space. There is nothing to learn about the architecture: the
// best of many drawn networks by validation with the shared weights is the result.
std::unique_ptr<Method> make_random_ws(const MethodContext& context);

// A seed for a random stream, drawn from the generator.
std::uint64_t drawn_seed(at::Generator& generator);

}  // namespace netwright
