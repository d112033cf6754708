#include "netwright/space/expression.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "netwright/base/error.h"

namespace netwright {
namespace {

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr int max_depth = 100;

}  // namespace

// Recursive descent over the text; appends to the expression's program.
class ExpressionParser {
 public:
  ExpressionParser(const Yaml& scalar, const Binder& bind) : text_(scalar.text), where_(scalar.where), bind_(bind) {}

  std::vector<Expression::Step> parse() {
    sum(0);
    skip_spaces();
    if (position_ < text_.size()) throw unexpected();
    return std::move(steps_);
  }

 private:
  using Step = Expression::Step;

  void skip_spaces() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
  }

  char peek() {
    skip_spaces();
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  Error unexpected() const {
    std::string found = "the end";
    if (position_ < text_.size()) found = text_.substr(position_, 10);
    return invalid(where_, "cannot read the expression '" + text_ + "': unexpected '" + found + "'",
                   "use numbers, $names, + - * / % and parentheses");
  }

  void emit(Step::Kind kind) { steps_.push_back({kind, 0, {}}); }

  void sum(int depth) {
    product(depth);
    while (true) {
      const char c = peek();
      if (c != '+' && c != '-') return;
      ++position_;
      product(depth);
      emit(c == '+' ? Step::Kind::add : Step::Kind::subtract);
    }
  }

  void product(int depth) {
    atom(depth);
    while (true) {
      const char c = peek();
      if (c != '*' && c != '/' && c != '%') return;
      ++position_;
      atom(depth);
      emit(c == '*' ? Step::Kind::multiply : c == '/' ? Step::Kind::divide : Step::Kind::remainder);
    }
  }

  void atom(int depth) {
    if (depth > max_depth) throw invalid(where_, "an expression nested too deeply", "simplify it");
    const char c = peek();
    if (c == '(') {
      ++position_;
      sum(depth + 1);
      if (peek() != ')') throw unexpected();
      ++position_;
    } else if (c == '-') {
      ++position_;
      atom(depth + 1);
      emit(Step::Kind::negate);
    } else if (c == '$') {
      name();
    } else if (is_digit(c) || c == '.') {
      number();
    } else {
      throw unexpected();
    }
  }

  // $name, and $element.key for an inline choice by its path.
  void name() {
    const std::size_t begin = ++position_;
    if (position_ >= text_.size() || !is_letter(text_[position_])) throw unexpected();
    const auto is_part = [&](std::size_t at) {
      return at < text_.size() && (is_letter(text_[at]) || is_digit(text_[at]));
    };
    while (is_part(position_) || (position_ < text_.size() && text_[position_] == '.' && is_part(position_ + 1))) {
      ++position_;
    }
    const Binding binding = bind_(text_.substr(begin, position_ - begin), where_);
    switch (binding.kind) {
      case Binding::Kind::constant:
        steps_.push_back({Step::Kind::constant, 0, binding.value});
        break;
      case Binding::Kind::choice:
        steps_.push_back({Step::Kind::choice, binding.index, {}});
        break;
      case Binding::Kind::parameter:
        steps_.push_back({Step::Kind::parameter, binding.index, {}});
        break;
    }
  }

  void number() {
    const char* begin = text_.data() + position_;
    const char* end = text_.data() + text_.size();
    std::int64_t integer = 0;
    double real = 0;
    const auto as_integer = std::from_chars(begin, end, integer);
    const auto as_real = std::from_chars(begin, end, real);
    if (as_real.ec != std::errc{}) throw unexpected();
    const bool whole = as_integer.ec == std::errc{} && as_integer.ptr == as_real.ptr;
    steps_.push_back({Step::Kind::constant, 0, whole ? Value(integer) : Value(real)});
    position_ += static_cast<std::size_t>(as_real.ptr - begin);
  }

  const std::string& text_;
  const Location& where_;
  const Binder& bind_;
  std::size_t position_ = 0;
  std::vector<Step> steps_;
};

namespace {

double real_of(const Value& value, const Location& where) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  throw invalid(where, "arithmetic with " + to_string(value) + ", which is no number",
                "text and booleans can only stand alone");
}

Error overflow(const Location& where) {
  return invalid(where, "the expression's value does not fit", "use smaller numbers");
}

Error division_by_zero(const Location& where) {
  return invalid(where, "a division by zero", "keep the divisor above zero");
}

std::int64_t whole(char sign, std::int64_t a, std::int64_t b, const Location& where) {
  std::int64_t result = 0;
  bool fits = true;
  switch (sign) {
    case '+':
      fits = !__builtin_add_overflow(a, b, &result);
      break;
    case '-':
      fits = !__builtin_sub_overflow(a, b, &result);
      break;
    case '*':
      fits = !__builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == 0) throw division_by_zero(where);
      if (b == -1 && a == std::numeric_limits<std::int64_t>::min()) throw overflow(where);
      result = sign == '/' ? a / b : a % b;
  }
  if (!fits) throw overflow(where);
  return result;
}

Value combine(char sign, const Value& left, const Value& right, const Location& where) {
  const auto* a = std::get_if<std::int64_t>(&left);
  const auto* b = std::get_if<std::int64_t>(&right);
  if (a != nullptr && b != nullptr) return whole(sign, *a, *b, where);
  const double x = real_of(left, where);
  const double y = real_of(right, where);
  if ((sign == '/' || sign == '%') && y == 0) throw division_by_zero(where);
  const double result = sign == '+'   ? x + y
                        : sign == '-' ? x - y
                        : sign == '*' ? x * y
                        : sign == '/' ? x / y
                                      : std::fmod(x, y);
  if (!std::isfinite(result)) throw overflow(where);
  return result;
}

}  // namespace

Expression::Expression(Value constant, Location where) : where_(std::move(where)) {
  steps_.push_back({Step::Kind::constant, 0, std::move(constant)});
}

Expression Expression::of_choice(int index, Location where) {
  Expression expression;
  expression.where_ = std::move(where);
  expression.steps_.push_back({Step::Kind::choice, index, {}});
  return expression;
}

Expression Expression::parse(const Yaml& scalar, const Binder& bind) {
  if (!is_expression(scalar)) return Expression(value_from_yaml(scalar), scalar.where);
  Expression expression;
  expression.where_ = scalar.where;
  expression.steps_ = ExpressionParser(scalar, bind).parse();
  if (!expression.uses_parameters() && expression.choices().empty()) {
    return Expression(*expression.evaluate({}), scalar.where);
  }
  return expression;
}

std::optional<Value> Expression::evaluate(const Environment& environment) const {
  if (steps_.size() == 1 && steps_[0].kind == Step::Kind::constant) return steps_[0].value;
  std::vector<Value> stack;
  for (const auto& step : steps_) {
    switch (step.kind) {
      case Step::Kind::constant:
        stack.push_back(step.value);
        continue;
      case Step::Kind::parameter:
        stack.push_back((*environment.parameters)[static_cast<std::size_t>(step.index)]);
        continue;
      case Step::Kind::choice: {
        const Value* value = (*environment.choices)[static_cast<std::size_t>(step.index)];
        if (value == nullptr) return std::nullopt;
        stack.push_back(*value);
        continue;
      }
      case Step::Kind::negate:
        stack.back() = combine('-', Value(std::int64_t{0}), stack.back(), where_);
        continue;
      default:
        break;
    }
    const Value right = std::move(stack.back());
    stack.pop_back();
    const char sign = step.kind == Step::Kind::add        ? '+'
                      : step.kind == Step::Kind::subtract ? '-'
                      : step.kind == Step::Kind::multiply ? '*'
                      : step.kind == Step::Kind::divide   ? '/'
                                                          : '%';
    stack.back() = combine(sign, stack.back(), right, where_);
  }
  return std::move(stack.back());
}

const Value* Expression::constant() const {
  return steps_.size() == 1 && steps_[0].kind == Step::Kind::constant ? &steps_[0].value : nullptr;
}

int Expression::choice() const {
  return steps_.size() == 1 && steps_[0].kind == Step::Kind::choice ? steps_[0].index : -1;
}

std::vector<int> Expression::choices() const {
  std::vector<int> found;
  for (const auto& step : steps_) {
    if (step.kind == Step::Kind::choice && std::find(found.begin(), found.end(), step.index) == found.end()) {
      found.push_back(step.index);
    }
  }
  return found;
}

bool Expression::uses_parameters() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.kind == Step::Kind::parameter; });
}

std::vector<int> Expression::parameters() const {
  std::vector<int> found;
  for (const auto& step : steps_) {
    if (step.kind == Step::Kind::parameter && std::find(found.begin(), found.end(), step.index) == found.end()) {
      found.push_back(step.index);
    }
  }
  return found;
}

bool is_expression(const Yaml& scalar) {
  if (!scalar.is_scalar()) return false;
  if (scalar.text.find('$') != std::string::npos) return true;
  if (scalar.quoted || scalar.reads_as_number()) return false;
  const bool arithmetic = scalar.text.find_first_not_of("0123456789.+-*/%() \t") == std::string::npos;
  return arithmetic && std::any_of(scalar.text.begin(), scalar.text.end(), is_digit) &&
         scalar.text.find_first_of("+-*/%(") != std::string::npos;
}

}  // namespace netwright
