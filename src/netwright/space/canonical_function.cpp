#include "netwright/space/canonical_function.h"

#include <algorithm>

#include "netwright/base/error.h"

namespace netwright {

namespace {

constexpr GraphHash input_seed{11, 0}, sum_seed{12, 0}, operation_seed{13, 0}, use_seed{14, 0}, result_seed{15, 0};

GraphHash mixed_shape(const GraphHash& hash, const Shape& shape) {
  return mixed(mixed(mixed(hash, static_cast<std::uint64_t>(shape.channels)), static_cast<std::uint64_t>(shape.height)),
               static_cast<std::uint64_t>(shape.width));
}

}  // namespace

std::span<const Function::Term> Function::terms(int value) const {
  const Sum& sum = values_[static_cast<std::size_t>(value)];
  return {terms_.data() + sum.begin, terms_.data() + sum.end};
}

std::vector<int> Function::inputs() {
  std::vector<int> values;
  for (std::size_t i = 0; i < input_shapes_.size(); ++i) {
    Atom input;
    input.label.kind = NodeLabel::Kind::zero;
    input.label.shape = input_shapes_[i];
    input.label.hash = mixed_shape(mixed(input_seed, i), input_shapes_[i]);
    input.forward = input.label.hash;
    std::vector<Term> itself = {{static_cast<int>(atoms_.size()), 1}};
    atoms_.push_back(std::move(input));
    values.push_back(new_value(itself, input_shapes_[i]));
  }
  return values;
}

int Function::new_value(std::vector<Term>& terms, const Shape& shape) {
  Sum sum{static_cast<std::uint32_t>(terms_.size()), 0, shape};
  terms_.insert(terms_.end(), terms.begin(), terms.end());
  sum.end = static_cast<std::uint32_t>(terms_.size());
  values_.push_back(sum);
  return static_cast<int>(values_.size()) - 1;
}

int Function::apply(const NodeLabel& label, std::span<const int> arguments) {
  switch (label.kind) {
    case NodeLabel::Kind::pass:
      return arguments[0];
    case NodeLabel::Kind::sum:
      return arguments.size() == 1 ? arguments[0] : sum(arguments, label.shape);
    case NodeLabel::Kind::zero:
      return sum({}, label.shape);
    default:
      break;
  }
  if (label.keeps_zero && std::all_of(arguments.begin(), arguments.end(), [this](int v) { return is_zero(v); })) {
    return sum({}, label.shape);
  }
  return label.kind == NodeLabel::Kind::concat ? concat(label, arguments) : atom(label, arguments);
}

int Function::sum(std::span<const int> arguments, const Shape& shape) {
  std::vector<Term> all;
  for (const int argument : arguments) {
    const auto more = terms(argument);
    all.insert(all.end(), more.begin(), more.end());
  }
  std::sort(all.begin(), all.end());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (kept > 0 && all[kept - 1].atom == all[i].atom) {
      all[kept - 1].times += all[i].times;
    } else {
      all[kept++] = all[i];
    }
  }
  all.resize(kept);
  return new_value(all, shape);
}

// A concatenation within a concatenation is laid open.
int Function::concat(const NodeLabel& label, std::span<const int> arguments) {
  if (arguments.size() == 1) return arguments[0];
  std::vector<int> parts;
  for (const int argument : arguments) {
    const auto only = terms(argument);
    if (only.size() == 1 && only[0].times == 1) {
      const Atom& inner = atoms_[static_cast<std::size_t>(only[0].atom)];
      if (inner.label.kind == NodeLabel::Kind::concat) {
        parts.insert(parts.end(), arguments_.begin() + inner.begin, arguments_.begin() + inner.end);
        continue;
      }
    }
    parts.push_back(argument);
  }
  return atom(label, parts);
}

int Function::atom(const NodeLabel& label, std::span<const int> arguments) {
  Atom atom;
  atom.label = label;
  atom.begin = static_cast<std::uint32_t>(arguments_.size());
  arguments_.insert(arguments_.end(), arguments.begin(), arguments.end());
  atom.end = static_cast<std::uint32_t>(arguments_.size());

  std::vector<int>* alike = nullptr;
  if (!label.weights) {
    // Equal arguments are equal sums of the same atoms, whatever their numbers.
    GraphHash identity = label.hash;
    for (const int argument : arguments) {
      GraphHash members = sum_seed;
      for (const Term& term : terms(argument)) {
        members = mixed(mixed(members, static_cast<std::uint64_t>(term.atom)), term.times);
      }
      if (is_zero(argument)) members = mixed_shape(members, values_[static_cast<std::size_t>(argument)].shape);
      label.row->commutative ? join(identity, members) : void(identity = mixed(identity, members));
    }
    atom.full = identity;
    alike = &weightless_[identity.low];
    for (const int value : *alike) {
      if (atoms_[static_cast<std::size_t>(terms(value)[0].atom)].full == identity) return value;
    }
  }
  atom.forward = atom_hash(atom, &Atom::forward);
  std::vector<Term> itself = {{static_cast<int>(atoms_.size()), 1}};
  atoms_.push_back(std::move(atom));
  const int value = new_value(itself, label.shape);
  if (alike) alike->push_back(value);
  return value;
}

GraphHash Function::sum_hash(int value, GraphHash Atom::*member) const {
  GraphHash hash = sum_seed;
  const auto all = terms(value);
  if (all.empty()) return mixed_shape(hash, values_[static_cast<std::size_t>(value)].shape);
  for (const Term& term : all) join(hash, atoms_[static_cast<std::size_t>(term.atom)].*member, term.times);
  return hash;
}

GraphHash Function::atom_hash(const Atom& atom, GraphHash Atom::*member) const {
  GraphHash hash = mixed(operation_seed, atom.label.hash);
  const bool commutative = atom.label.row && atom.label.row->commutative;
  for (std::uint32_t i = atom.begin; i < atom.end; ++i) {
    const GraphHash argument = sum_hash(arguments_[i], member);
    commutative ? join(hash, argument) : void(hash = mixed(hash, argument));
  }
  return hash;
}

// Marks what the results depend on and gives each such atom its backward and full hash.
void Function::refine(std::span<const int> results) {
  for (Atom& atom : atoms_) atom.live = false, atom.uses = 0, atom.backward = {}, atom.number = 0;
  const auto use = [this](int value, const GraphHash& how) {
    for (const Term& term : terms(value)) {
      Atom& used = atoms_[static_cast<std::size_t>(term.atom)];
      used.live = true;
      used.uses += 1;
      join(used.backward, how, term.times);
    }
  };
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i] >= 0) use(results[i], mixed(result_seed, i));
  }
  for (std::size_t a = atoms_.size(); a-- > 0;) {
    const Atom& atom = atoms_[a];
    if (!atom.live) continue;
    const bool commutative = atom.label.row && atom.label.row->commutative;
    const GraphHash whole = mixed(mixed(use_seed, atom.forward), atom.backward);
    for (std::uint32_t i = atom.begin; i < atom.end; ++i) {
      use(arguments_[i], mixed(whole, commutative ? 0 : i - atom.begin));
    }
  }
  for (Atom& atom : atoms_) {
    if (atom.live) atom.full = mixed(atom_hash(atom, &Atom::full), atom.backward);
  }
}

GraphHash Function::hash(std::span<const int> results) {
  refine(results);
  GraphHash hash = result_seed;
  for (const Atom& atom : atoms_) {
    if (atom.live) join(hash, atom.full);
  }
  for (const int result : results) hash = result < 0 ? mixed(hash, 0) : mixed(hash, sum_hash(result, &Atom::full));
  return hash;
}

struct Function::Writer {
  Function& function;
  std::size_t limit;
  int last_number = 0;
  std::string text;

  void sum(int value) {
    if (text.size() > limit) {
      throw invalid({}, "the canonical text of this graph is too long to write", "compare canonical hashes instead");
    }
    const auto terms = function.terms(value);
    if (terms.empty()) text += '#';
    std::vector<Term> order(terms.begin(), terms.end());
    std::sort(order.begin(), order.end(), [this](const Term& a, const Term& b) {
      return function.atoms_[static_cast<std::size_t>(a.atom)].full <
             function.atoms_[static_cast<std::size_t>(b.atom)].full;
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0) text += '+';
      if (order[i].times != 1) text += std::to_string(order[i].times) + "*";
      atom(order[i].atom);
    }
  }

  void atom(int number) {
    Atom& atom = function.atoms_[static_cast<std::size_t>(number)];
    if (!atom.label.row) {
      text += std::to_string(number);  // inputs are the first atoms
      return;
    }
    if (atom.number > 0) {
      text += "n" + std::to_string(atom.number);
      return;
    }
    if (atom.label.weights && atom.uses > 1) {
      atom.number = ++last_number;
      text += "n" + std::to_string(atom.number) + ":";
    }
    text += '(';
    for (std::uint32_t i = atom.begin; i < atom.end; ++i) {
      if (i > atom.begin) text += ',';
      sum(function.arguments_[i]);
    }
    text += ")@" + text_of(atom.label);
  }
};

std::string Function::text(int value, std::size_t limit) {
  const int results[] = {value};
  refine(results);
  Writer writer{*this, limit, 0, {}};
  writer.sum(value);
  return writer.text;
}

}  // namespace netwright
