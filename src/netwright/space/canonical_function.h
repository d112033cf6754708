// The network as a function: level `function`.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "netwright/space/canonical_walk.h"

namespace netwright {

// A value is a sum of atoms, each so many times; the empty sum is zero. An atom is an input or an operation on values;
// atoms without weights are equal when their operation and arguments are, atoms with weights only to themselves.
class Function {
 public:
  explicit Function(const std::vector<Shape>& inputs) : input_shapes_(inputs) {}

  std::vector<int> inputs();
  int apply(const NodeLabel& label, std::span<const int> arguments);
  int cell(const Node& node, const Inferred& inferred, std::span<const int> arguments, Labels& labels) {
    return walk_into(node, inferred, arguments, labels, *this);
  }
  // Of several results together, by place (-1: absent).
  GraphHash hash(std::span<const int> results);
  std::string text(int value, std::size_t limit);

 private:
  struct Term {
    int atom = 0;
    std::uint64_t times = 1;
    auto operator<=>(const Term&) const = default;
  };
  struct Sum {
    std::uint32_t begin = 0, end = 0;  // in terms_, by atom
    Shape shape;
  };
  struct Atom {
    NodeLabel label;                   // kind `zero` with no row for an input
    std::uint32_t begin = 0, end = 0;  // arguments, in arguments_
    GraphHash forward;                 // of what it is computed from
    GraphHash backward;                // of what is computed from it
    GraphHash full;                    // of both
    bool live = false;
    int uses = 0;
    int number = 0;  // in text; 0: not yet written
  };
  struct Writer;

  std::span<const Term> terms(int value) const;
  bool is_zero(int value) const { return terms(value).empty(); }
  int new_value(std::vector<Term>& terms, const Shape& shape);
  int sum(std::span<const int> arguments, const Shape& shape);
  int concat(const NodeLabel& label, std::span<const int> arguments);
  int atom(const NodeLabel& label, std::span<const int> arguments);
  // The value's hash by its atoms' forward or full hashes.
  GraphHash sum_hash(int value, GraphHash Atom::*member) const;
  GraphHash atom_hash(const Atom& atom, GraphHash Atom::*member) const;
  void refine(std::span<const int> results);

  const std::vector<Shape>& input_shapes_;
  std::vector<Atom> atoms_;  // arguments before what they are used in
  std::vector<Sum> values_;
  std::vector<Term> terms_;
  std::vector<int> arguments_;                                      // values
  std::unordered_map<std::uint64_t, std::vector<int>> weightless_;  // values of atoms by a hash of their identity
};

}  // namespace netwright
