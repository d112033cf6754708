// Equality of networks: two graphs that compute the same get the same hash, whatever their nodes are called, in
// whatever order they were written, whether nodes stand in a cell or beside it, whichever isomorphic cell they were
// drawn as.
//
// At every level aliases are their base operation, `channels: 0` is the number it stands for, a sum or concatenation of
// one input is that input, and nodes that the output does not depend on are left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/space/graph.h"
#include "netwright/space/operation.h"

namespace netwright {

// What is looked through before comparing. NAS-Bench-201 has 15,625 / 12,751 / 6,466 / 5,875 classes at these levels.
//
// The first three are that paper's: the output as a nested expression of the inputs, with the terms of sums sorted. A
// node used twice and two equal nodes read the same, so networks of different weights may fall together; `skips` and
// `zeros` look through each a little more, within each cell by itself. They are there for comparison with the
// literature.
//
// `function` is the sound one, for not training a network twice. Networks with the same hash compute the same function
// with the same weights: identities are passed through, sums flattened (addition is associative), zero terms dropped,
// zeros followed through operations that keep zero (not through a convolution with an affine norm: its shift is left),
// and a node used twice is told from two nodes unless they have no weights. Cells count as the nodes within them. What
// differs is told apart by three passes of colour refinement over the graph.
enum class Equivalence {
  isomorphism,  // order of commutative inputs ignored
  skips,        // and identities passed through; a sum so reached joins the sum around it as one block
  zeros,        // and what is computed from zero alone is zero; a zero term of a sum still counts as a term
  function,
};

// A 128-bit mix, not cryptographic: chance collisions are as good as impossible, forged ones are not.
struct GraphHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const GraphHash&) const = default;
};

// 32 hexadecimal digits; the same on every machine.
std::string to_string(const GraphHash& hash);

// Hash of a graph's outputs in terms of inputs of these shapes. Throws as infer_shapes does.
GraphHash graph_hash(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table,
                     Equivalence level = Equivalence::function);

std::string canonical_hash(const Network& network, const OperationTable& table,
                           Equivalence level = Equivalence::function);

// Nested text of a graph's output in terms of its inputs 0, 1, …; for tests and people. At the first three levels as
// NAS-Bench-201 writes it, e.g. "((0)@nor_conv_1x1+0)@avg_pool_3x3+#" with # for zero; at `function` a node with
// weights that is used more than once is written out at its first use as n1:… and n1 after. Parameters stand in
// brackets where they differ from their operation's defaults. Throws an invalid Error when the text is longer than 1
// MB.
std::string canonical_text(const Graph& graph, const std::vector<Shape>& inputs, const OperationTable& table,
                           Equivalence level);

}  // namespace netwright
