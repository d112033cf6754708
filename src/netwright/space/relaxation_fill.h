// Makes a Relaxation of a template: the walk of space_template_fill.cpp with every value of a choice at once. Internal
// to SearchSpace.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "netwright/space/relaxation.h"
#include "netwright/space/relaxation_values.h"
#include "netwright/space/space_template.h"

namespace netwright {

class Relaxer {
 public:
  Relaxer(const SpaceTemplate& space, const std::vector<Choice>& choices, const RelaxationOptions& options);

  // Throws an invalid Error that names a choice which a supernet cannot hold. To be called once.
  Relaxation relax();

 private:
  // A graph being made. Masks are those of its values: an index of Relaxation::masks, or -1.
  struct Scope {
    explicit Scope(const GraphTemplate& pattern) : slots(static_cast<std::size_t>(pattern.slots), -1) {}
    Graph* graph = nullptr;
    std::vector<int> slots;  // value number of each element's latest copy; -1: none
    std::vector<int> own_chain;
    std::vector<int>* chain = nullptr;  // values of the elements so far, in a network; null in a cell
    std::vector<OpenValue> parameters;  // of the cell instance
    std::vector<int> masks;
    std::string prefix;  // names of the blocks around
    bool in_cell = false;
  };

  struct CellInstance {
    std::vector<OpenValue> parameters;
    std::vector<int> masks;  // of its inputs
    std::shared_ptr<const Graph> graph;
    int output_mask = -1;
  };

  // What the arguments of an operation depend on: choices that make options of it, and its width.
  struct Dependence {
    std::vector<int> choices;
    OpenValue width;  // without choices: not open
  };

  // relaxation_fill.cpp
  void fill(const Element& element, Scope& scope);
  void select_depth(const Element& element, const OpenValue& counts, const std::vector<int>& after, Scope& scope);
  int fill(const Form& form, const std::string& name, const Element& element, bool follow, Scope& scope);
  int block(const Form& form, const std::string& name, const Element& element, Scope& scope);
  int merge(const Form& form, const std::string& name, const Element& element, Scope& scope);
  int resolve(const Source& source, const Location& where, const Scope& scope) const;
  int resolve(const Edge& edge, const std::string& name, Scope& scope);
  int select(const std::vector<int>& sources, int choice, const std::string& name, const Location& where, Scope& scope);
  int row_of(int choice);
  std::vector<Factor> factors_of(const std::vector<int>& choices);
  int add_mixed(MixedNode mixed, const std::string& name, const Location& where, Scope& scope);
  int add_mask(int value, int mask, const std::string& name, const Location& where, Scope& scope);
  void make_groups();
  static Graph begin(const GraphTemplate& pattern, Scope& scope);
  static int add(Node node, int mask, Scope& scope);

  // relaxation_operations.cpp
  Dependence dependence(const Operation& row, const std::vector<Argument>& arguments, const Scope& scope);
  Node concrete(const std::string& operation_name, const std::vector<Argument>& arguments, const Location& where,
                const Scope& scope);
  int operation(const Form& form, const std::string& name, const std::vector<int>& inputs, const Location& where,
                Scope& scope);
  int masked(int value, const OpenValue& width, const Node& node, const std::string& name, Scope& scope);
  RelaxedSum describe(const ChosenSum& chosen, const std::string& name, const Scope& scope) const;
  int chosen_sum(const ChosenSum& chosen, const std::string& name, const Location& where, Scope& scope);
  int chosen_edge(const ChosenSum& chosen, int sum, std::size_t candidate, const Pick& pick, const Location& where,
                  Scope& scope);
  int cell(const Form& form, const std::string& name, const std::vector<int>& inputs, const Location& where,
           Scope& scope);
  const CellInstance& instance(const CellTemplate& cell, const Form& form, const std::vector<int>& inputs,
                               const Scope& scope);
  std::string known_operation(const Value& value, const Location& where) const;
  std::string option_name(const std::string& operation_name, const std::vector<int>& choices) const;

  const SpaceTemplate& space_;
  const RelaxationOptions& options_;
  OpenValues values_;
  Relaxation result_;
  std::map<int, int> choice_rows_;
  std::map<std::string, int> sums_;     // by name
  std::vector<std::string> row_cells_;  // the graph that each row was first met in
  std::map<const CellTemplate*, std::vector<CellInstance>> cells_;
  std::vector<std::string> graphs_;  // being made, innermost last
};

}  // namespace netwright
