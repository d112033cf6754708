// Equality of networks: two graphs that compute the same function family get the same hash, whatever their nodes are
// called, in whatever order they were written, whichever isomorphic cell they were drawn as.
#pragma once

#include <string>

#include "netwright/space/graph.h"
#include "netwright/space/operation.h"

namespace netwright {

// How much is looked through before comparing. NAS-Bench-201 has 15,625 / 12,751 / 6,466 classes at the first three
// levels.
enum class Equivalence {
  isomorphism,  // order of commutative inputs and names ignored
  skips,        // and identities passed through
  zeros,        // and everything computed from zero alone is zero (NAS-Bench-201's own rule: a zero term of a sum still
                // counts)
  function,     // and zero terms of sums and unused nodes dropped
};

// BLAKE2b-128 in hexadecimal.
std::string canonical_hash(const Network& network, const OperationTable& table,
                           Equivalence level = Equivalence::function);

// Nested text of a graph's output in terms of its inputs, in the manner of NAS-Bench-201's "(0)@nor_conv_1x1+0"; for
// tests and people.
std::string canonical_text(const Graph& graph, const OperationTable& table, Equivalence level);

}  // namespace netwright
