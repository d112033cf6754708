// The nested expressions of NAS-Bench-201: levels isomorphism, skips and zeros.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "netwright/space/canonical_walk.h"

namespace netwright {

// A value is a sequence of terms (of a sum); a term an input, zero, or an operation on values. Equal terms and equal
// values have equal numbers.
//
// Dong & Yang sort the texts of a sum's terms, where a sum reached through a skip is one text, and join them by plus
// signs. Which texts come out equal depends on their order, so terms are ordered here as those texts are.
class Terms {
 public:
  explicit Terms(Equivalence level) : level_(level) {}

  std::vector<int> inputs(const std::vector<Shape>& shapes);
  int apply(const NodeLabel& label, std::span<const int> arguments);
  // The rules of `skips` and `zeros` are about a cell as an expression of its own inputs, so there a cell is an
  // operation labelled by that expression.
  int cell(const Node& node, const Inferred& inferred, std::span<const int> arguments, Labels& labels);
  const GraphHash& hash(int value) const { return values_[static_cast<std::size_t>(value)].hash; }
  std::string text(int value, std::size_t limit) const;

 private:
  // In the order of the first characters of their texts: # ( ( ( 0
  enum class Kind { zero, operation, cell, group, input };
  struct Term {
    Kind kind = Kind::input;
    int input = 0;
    NodeLabel label;           // operation
    int expression = 0;        // cell: its output in terms of its inputs
    std::vector<int> sources;  // values; of a group: the sum it closes
    GraphHash hash;
  };
  struct Sequence {
    std::vector<int> terms;
    GraphHash hash;
  };

  int value_of(Term term);
  int value_of(std::vector<int> terms);
  int operation(const NodeLabel& label, std::span<const int> arguments);
  int sum(std::span<const int> arguments);
  bool is_zero(int value) const;
  int compare_terms(int a, int b) const;
  int compare_values(int a, int b) const;
  void write(int value, std::string& text, std::size_t limit) const;

  Equivalence level_;
  std::vector<Term> terms_;
  std::vector<Sequence> values_;
  std::map<GraphHash, int> term_numbers_, value_numbers_;
  std::map<const Inferred*, int> cells_;  // expressions
};

}  // namespace netwright
