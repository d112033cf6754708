// A search space with every hole filled by all its options at once, weighted: what a supernet is made from
// (oneshot/supernet.h). Plain data, without LibTorch.
//
// - An operation left open becomes a mixed node: all its options side by side, each with a weight; its output is their
//   weighted sum. Parameters of an operation (kernel, expansion) are options of it too: an option's weight is the
//   product of the weights of the choices that give it. So is an open source, and an open number of copies, whose
//   options are the values after each number.
// - A sum over chosen edges (`sum: {choose: k, of: […]}`) has all its edges, each a mixed node with a row of its own.
// - An open width becomes the largest one, and the output is masked: channel c has the weight of the widths above c.
// - The auxiliary classifier is left out.
//
// Liu, Simonyan and Yang 2019, "DARTS: Differentiable Architecture Search"; for widths Wan et al. 2020, "FBNetV2".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/space/configuration.h"
#include "netwright/space/graph.h"
#include "netwright/space/search_space.h"

namespace netwright {

struct RelaxationOptions {
  bool none = true;       // every edge of a sum over chosen edges may also be `none` in the search
  bool affine = false;    // whether batch norms within cells have weights while searching
  bool pool_norm = true;  // pools on edges of a sum over chosen edges are followed by a batch norm without weights
};

// One open decision, a weight for each option: a choice of the space, or the operation on an edge of a chosen sum.
struct RelaxedRow {
  std::string name;            // of the choice, or SUM.SOURCE, e.g. "normal.n1.p0"
  std::vector<Value> options;  // of an edge: `none` first where it was added
  bool is_choice = true;       // decides the choice `name`
  int sum = -1;                // of an edge: of Relaxation::sums
  int edge = -1;               // its number there
  int group = 0;               // of Relaxation::groups
  int index = 0;               // in its group
};

// Rows of one cell with the same options: their weights are the rows of one matrix.
struct RowGroup {
  std::string name;  // of the cell; numbered where one has several
  std::vector<Value> options;
  std::vector<int> rows;
};

// A sum over chosen edges.
struct RelaxedSum {
  std::string name;                     // e.g. "normal.n1"
  std::string cell;                     // the graph it is in
  std::string inputs;                   // the choice of its edges; empty: there is but one way
  std::vector<std::string> operations;  // the choice of each chosen edge's operation; empty: fixed
  std::vector<std::string> edges;       // names of the sources
  std::vector<int> rows;                // of each edge; -1: nothing is open there
};

struct Factor {
  int row = 0;
  int option = 0;
};

struct RelaxedOption {
  Node node;                    // its inputs are those of the mixed node's graph
  std::vector<Factor> factors;  // its weight is their product
};

struct MixedNode {
  std::vector<RelaxedOption> options;
  int sum = -1, edge = -1;  // where it is an edge of a chosen sum
};

// Channel c of the value has the weight of those options of the row whose width is above c.
struct WidthMask {
  int row = 0;
  std::vector<std::int64_t> widths;
};

// What has been decided: an option of each row, and of each chosen sum the edges, ascending. Rows of edges that were
// not chosen do not count.
struct Picks {
  std::vector<int> options;
  std::vector<std::vector<int>> edges;
};

struct Relaxation {
  // Two operations stand for relaxed ones here: "mixed" and "mask", whose parameter "number" is an index of `mixed` and
  // `masks`. Instances of a cell share its graph, and so its rows, but not its weights.
  Network network;
  std::vector<MixedNode> mixed;
  std::vector<WidthMask> masks;
  std::vector<RelaxedRow> rows;
  std::vector<RowGroup> groups;
  std::vector<RelaxedSum> sums;

  std::size_t chosen_edges(std::size_t sum) const;  // how many edges a network has of that sum

  // A choice that stands nowhere in this network (of a cell that a small depth leaves out) gets its first value.
  // Precondition: edges of chosen sums are not `none`, unless the space itself lists it.
  Configuration configuration(const SearchSpace& space, const Picks& picks) const;
  // The inverse. Edges not chosen get option 0.
  Picks picks(const Configuration& configuration) const;
};

constexpr const char* mixed_operation = "mixed";
constexpr const char* mask_operation = "mask";

}  // namespace netwright
