// A space file after reading: the graph and the recipe with their holes, every name resolved. Internal to SearchSpace.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netwright/space/choice.h"
#include "netwright/space/expression.h"
#include "netwright/space/graph.h"
#include "netwright/space/operation.h"
#include "netwright/space/recipe.h"

namespace netwright {

constexpr std::int64_t max_repeat = 10'000;
constexpr std::int64_t max_nodes = 100'000;  // of a network, a cell's as often as the cell occurs
constexpr std::size_t max_choices = 10'000;

// Something an element may take as input.
struct Source {
  enum class Kind {
    input,    // of the graph, by number
    element,  // by slot
    before,   // number 1 is the element before in the chain, 2 the one before that
  };
  Kind kind = Kind::input;
  int number = 0;
};

// One input of an element: a source, or a choice of sources.
struct Edge {
  std::vector<Source> sources;
  std::vector<Value> values;  // of the choice, one a source; empty when the source is fixed
  int choice = -1;
  Location where;
};

// A parameter that an element sets.
struct Argument {
  std::string name;
  Expression value;
};

// One of the edges of `sum: {choose: k, of: […], op: …}`.
struct Pick {
  Expression operation;
  std::vector<std::vector<Argument>> arguments;  // by candidate
};

struct ChosenSum {
  std::vector<Edge> candidates;
  std::vector<std::string> names;              // of the candidates
  std::vector<std::vector<int>> combinations;  // of candidates, in the order of the choice's options
  std::vector<Value> options;                  // of the choice
  int choice = -1;                             // -1: one combination only
  std::vector<Pick> picks;
};

struct Element;

// What one copy of an element is.
struct Form {
  enum class Kind { operation, cell, reference, sum, concat, chosen_sum, block };
  Kind kind = Kind::operation;
  std::vector<Edge> from;  // inputs; of a block, sum or concat: at most one, what its members take by default
  Expression target;       // name of the operation or cell
  std::vector<Argument> arguments;
  std::vector<Element> members;  // of a block, sum or concat
  Edge result;                   // of a block in a cell: the element written last
  ChosenSum chosen;
  bool own_chain = false;  // a block with a `from` of its own: "the element before" begins anew
};

struct Element {
  std::string name;  // without the names of the blocks around it
  Location where;
  int slot = 0;             // where the graph being filled keeps the value of the latest copy
  bool numbered = false;    // has `repeat`: copies are called name.0, name.1, …
  Expression repeat;        // meaningful when numbered
  bool follows = true;      // copies after the first take the copy before them as input
  bool aside = false;       // the auxiliary classifier: not part of the chain
  std::vector<Form> forms;  // one for all copies, or one a copy
};

struct GraphTemplate {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<Element> elements;  // sources before what takes them
  int slots = 0;
  Edge output;  // of a cell
};

struct CellTemplate {
  GraphTemplate graph;
  std::vector<std::string> parameters;
  std::vector<Expression> defaults;
};

// `optimizer.learning_rate` and what fills it.
struct RecipeHole {
  std::vector<std::string> path;
  Expression value;
  Location where;  // of the key
};

struct SpaceTemplate {
  OperationTable table;
  std::map<std::string, std::string> own_operations;  // rows of the file and the standard row under each
  std::map<std::string, CellTemplate> cells;
  GraphTemplate network;  // no elements: a space of hyperparameters alone
  int auxiliary_slot = -1;
  Shape input;
  std::int64_t classes = 0;
  Recipe recipe;  // without what the holes fill
  std::vector<RecipeHole> recipe_holes;
};

// The value in the kind of `fallback`. Throws an invalid Error at `where` for another kind, or for a number that no
// operation of ours takes (a kernel of 0).
Value checked_parameter(const std::string& owner, const std::string& name, const Value& fallback, const Value& given,
                        const Location& where);

// `values` has one entry a choice of the space; null for those not active.
Network fill_network(const SpaceTemplate& space, const std::vector<Choice>& choices,
                     const std::vector<const Value*>& values);
Recipe fill_recipe(const SpaceTemplate& space, const std::vector<const Value*>& values);

}  // namespace netwright
