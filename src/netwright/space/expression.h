// A scalar of a space file that may have to be worked out: `3`, `relu`, `$width`, `2 * $channels / 3`.
//
//   sum    := product (('+' | '-') product)*
//   product := atom (('*' | '/' | '%') atom)*
//   atom   := number | '$' name | '(' sum ')' | '-' atom
//
// Two integers give an integer (division rounds towards zero), otherwise a real. Text and booleans stand alone only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/space/value.h"

namespace netwright {

// What `$name` stands for.
struct Binding {
  enum class Kind { constant, choice, parameter };
  Kind kind = Kind::constant;
  Value value;    // of a constant
  int index = 0;  // of a choice in the space, or of a parameter in its cell
};

// Throws an invalid Error for an unknown name.
using Binder = std::function<Binding(const std::string& name, const Location& where)>;

// The values that an expression is worked out with.
struct Environment {
  const std::vector<const Value*>* choices = nullptr;  // by index; null for a choice that is not active
  const std::vector<Value>* parameters = nullptr;      // of the cell instance
};

class Expression {
 public:
  Expression() = default;
  explicit Expression(Value constant, Location where = {});
  static Expression of_choice(int index, Location where);
  // Reads a scalar; what is constant is worked out now. Throws an invalid Error at the scalar's place.
  static Expression parse(const Yaml& scalar, const Binder& bind);

  // nullopt when a choice that it needs is not active. Throws an invalid Error for arithmetic that cannot be done.
  std::optional<Value> evaluate(const Environment& environment) const;

  const Value* constant() const;        // null unless constant
  int choice() const;                   // the index where it is just a choice, else -1
  std::vector<int> choices() const;     // every choice it depends on, each once
  bool uses_parameters() const;         // of the cell
  std::vector<int> parameters() const;  // of the cell: every one it depends on, each once
  const Location& where() const { return where_; }

 private:
  friend class ExpressionParser;
  struct Step {  // of a program for a stack machine
    enum class Kind { constant, choice, parameter, negate, add, subtract, multiply, divide, remainder };
    Kind kind = Kind::constant;
    int index = 0;
    Value value;
  };

  std::vector<Step> steps_;
  Location where_;
};

// Whether the scalar is an expression: it holds a '$', or is unquoted arithmetic on numbers.
bool is_expression(const Yaml& scalar);

}  // namespace netwright
