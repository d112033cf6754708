#include "netwright/space/canonical_terms.h"

#include <algorithm>

#include "netwright/base/error.h"

namespace netwright {

namespace {

// A sum of skips of sums of skips … doubles with each; from here on the sum inside counts as a single term.
constexpr std::size_t longest_sum = 4096;

GraphHash mixed_shape(const GraphHash& hash, const Shape& shape) {
  return mixed(mixed(mixed(hash, static_cast<std::uint64_t>(shape.channels)), static_cast<std::uint64_t>(shape.height)),
               static_cast<std::uint64_t>(shape.width));
}

}  // namespace

std::vector<int> Terms::inputs(const std::vector<Shape>& shapes) {
  std::vector<int> values;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    Term term;
    term.input = static_cast<int>(i);
    term.hash = mixed_shape(mixed(GraphHash{1, 0}, i), shapes[i]);
    values.push_back(value_of(std::move(term)));
  }
  return values;
}

int Terms::value_of(Term term) {
  const auto [found, is_new] = term_numbers_.try_emplace(term.hash, static_cast<int>(terms_.size()));
  if (is_new) terms_.push_back(std::move(term));
  return value_of(std::vector<int>{found->second});
}

int Terms::value_of(std::vector<int> terms) {
  GraphHash hash{2, 0};
  for (const int term : terms) hash = mixed(hash, terms_[static_cast<std::size_t>(term)].hash);
  const auto [found, is_new] = value_numbers_.try_emplace(hash, static_cast<int>(values_.size()));
  if (is_new) values_.push_back({std::move(terms), hash});
  return found->second;
}

bool Terms::is_zero(int value) const {
  const std::vector<int>& terms = values_[static_cast<std::size_t>(value)].terms;
  return terms.size() == 1 && terms_[static_cast<std::size_t>(terms[0])].kind == Kind::zero;
}

int Terms::apply(const NodeLabel& label, std::span<const int> arguments) {
  const bool zeros = level_ == Equivalence::zeros;
  if (arguments.size() == 1 && (label.kind == NodeLabel::Kind::sum || label.kind == NodeLabel::Kind::concat)) {
    return arguments[0];
  }
  if (label.kind == NodeLabel::Kind::sum) return sum(arguments);
  if (label.kind == NodeLabel::Kind::pass && level_ != Equivalence::isomorphism) return arguments[0];
  const bool from_zero = std::all_of(arguments.begin(), arguments.end(), [this](int value) { return is_zero(value); });
  if (zeros && (label.kind == NodeLabel::Kind::zero || from_zero)) {
    Term zero;
    zero.kind = Kind::zero;
    zero.hash = mixed_shape(GraphHash{3, 0}, label.shape);
    return value_of(std::move(zero));
  }
  return operation(label, arguments);
}

int Terms::operation(const NodeLabel& label, std::span<const int> arguments) {
  Term term;
  term.kind = Kind::operation;
  term.label = label;
  term.sources.assign(arguments.begin(), arguments.end());
  if (label.row->commutative) {
    std::sort(term.sources.begin(), term.sources.end(), [this](int a, int b) { return compare_values(a, b) < 0; });
  }
  term.hash = mixed(GraphHash{4, 0}, label.hash);
  for (const int source : term.sources) term.hash = mixed(term.hash, hash(source));
  return value_of(std::move(term));
}

int Terms::cell(const Node& node, const Inferred& inferred, std::span<const int> arguments, Labels& labels) {
  if (level_ == Equivalence::isomorphism) return walk_into(node, inferred, arguments, labels, *this);
  auto found = cells_.find(&inferred);
  if (found == cells_.end()) {
    found = cells_.emplace(&inferred, walk_into(node, inferred, inputs(inferred.inputs), labels, *this)).first;
  }
  const Sequence& expression = values_[static_cast<std::size_t>(found->second)];
  if (expression.terms.size() == 1) {
    const Term& only = terms_[static_cast<std::size_t>(expression.terms[0])];
    if (only.kind == Kind::input) return arguments[static_cast<std::size_t>(only.input)];
    if (only.kind == Kind::zero) return found->second;
  }
  Term term;
  term.kind = Kind::cell;
  term.expression = found->second;
  term.sources.assign(arguments.begin(), arguments.end());
  term.hash = mixed(GraphHash{6, 0}, expression.hash);
  for (const int source : term.sources) term.hash = mixed(term.hash, hash(source));
  return value_of(std::move(term));
}

int Terms::sum(std::span<const int> arguments) {
  std::vector<int> parts(arguments.begin(), arguments.end());
  std::sort(parts.begin(), parts.end(), [this](int a, int b) { return compare_values(a, b) < 0; });
  std::vector<int> terms;
  for (int part : parts) {
    const std::size_t length = values_[static_cast<std::size_t>(part)].terms.size();
    if (length > 1 && (level_ == Equivalence::isomorphism || length > longest_sum)) {
      Term group;
      group.kind = Kind::group;
      group.sources = {part};
      group.hash = mixed(GraphHash{5, 0}, hash(part));
      part = value_of(std::move(group));
    }
    const std::vector<int>& more = values_[static_cast<std::size_t>(part)].terms;
    terms.insert(terms.end(), more.begin(), more.end());
  }
  return value_of(std::move(terms));
}

int Terms::compare_terms(int a, int b) const {
  if (a == b) return 0;
  const Term &x = terms_[static_cast<std::size_t>(a)], &y = terms_[static_cast<std::size_t>(b)];
  if (x.kind != y.kind) return x.kind < y.kind ? -1 : 1;
  if (x.kind == Kind::input) return x.input - y.input;
  for (std::size_t i = 0; i < x.sources.size() && i < y.sources.size(); ++i) {
    if (const int order = compare_values(x.sources[i], y.sources[i]); order != 0) return order;
  }
  if (x.sources.size() != y.sources.size()) return x.sources.size() < y.sources.size() ? -1 : 1;
  if (x.kind == Kind::operation) {
    if (const int order = compare(x.label, y.label); order != 0) return order;
  }
  if (x.kind == Kind::cell) {
    if (const int order = compare_values(x.expression, y.expression); order != 0) return order;
  }
  return x.hash < y.hash ? -1 : 1;  // zeros of different shapes
}

int Terms::compare_values(int a, int b) const {
  if (a == b) return 0;
  const std::vector<int>&x = values_[static_cast<std::size_t>(a)].terms,
        &y = values_[static_cast<std::size_t>(b)].terms;
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (const int order = compare_terms(x[i], y[i]); order != 0) return order;
  }
  return x.size() < y.size() ? -1 : 1;
}

std::string Terms::text(int value, std::size_t limit) const {
  std::string text;
  write(value, text, limit);
  return text;
}

void Terms::write(int value, std::string& text, std::size_t limit) const {
  if (text.size() > limit) {
    throw invalid({}, "the canonical text of this graph is too long to write", "compare canonical hashes instead");
  }
  bool first = true;
  for (const int number : values_[static_cast<std::size_t>(value)].terms) {
    const Term& term = terms_[static_cast<std::size_t>(number)];
    if (!first) text += '+';
    first = false;
    if (term.kind == Kind::zero) text += '#';
    if (term.kind == Kind::input) text += std::to_string(term.input);
    if (term.sources.empty()) continue;
    text += '(';
    for (std::size_t i = 0; i < term.sources.size(); ++i) {
      if (i > 0) text += ',';
      write(term.sources[i], text, limit);
    }
    text += ')';
    if (term.kind == Kind::operation) text += "@" + text_of(term.label);
    if (term.kind != Kind::cell) continue;
    text += "@{";
    write(term.expression, text, limit);
    text += '}';
  }
}

}  // namespace netwright
