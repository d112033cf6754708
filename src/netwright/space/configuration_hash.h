// A configuration's identity in 16 bytes, for sets of millions of them.
#pragma once

#include <cstddef>

#include "netwright/space/canonical.h"
#include "netwright/space/configuration.h"

namespace netwright {

// Equal configurations have equal hashes, here and on every other machine; among a billion different ones the chance
// that any two share one is below 1e-20. Configurations that differ but fill to equal networks have different hashes:
// canonical_hash tells networks apart, at ten times the cost.
GraphHash hash_of(const Configuration& configuration);

struct ConfigurationHasher {  // for std::unordered_set<GraphHash, ConfigurationHasher>
  std::size_t operator()(const GraphHash& hash) const { return hash.low; }
};

}  // namespace netwright
