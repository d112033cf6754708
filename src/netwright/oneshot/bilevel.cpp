#include "netwright/oneshot/bilevel.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <cstring>

namespace netwright {
namespace {

using Tensors = std::vector<torch::Tensor>;

Tensors gradients(const torch::Tensor& of, const Tensors& by, bool keep_graph = false) {
  Tensors found = torch::autograd::grad({of}, by, {}, keep_graph, keep_graph, /*allow_unused=*/true);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].defined()) found[i] = torch::zeros_like(by[i]);
  }
  return found;
}

Tensors joined(const Tensors& a, const Tensors& b) {
  Tensors all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

torch::Tensor dot(const Tensors& a, const Tensors& b) {
  torch::Tensor sum;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const torch::Tensor term = (a[i] * b[i]).sum();
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

// Weights are a thousand small tensors, for which a call costs more than its arithmetic: where tensors lie alike in
// memory, their numbers are gone through in one pass.
bool lie_alike(const torch::Tensor& a, const torch::Tensor& b) {
  return a.device().is_cpu() && b.device().is_cpu() && a.scalar_type() == b.scalar_type() &&
         a.is_non_overlapping_and_dense() && a.sizes() == b.sizes() && a.strides() == b.strides();
}

// to = base + factor * direction; any two may be the same tensor.
template <class T>
void add_scaled(const torch::Tensor& to, const torch::Tensor& base, double factor, const torch::Tensor& direction) {
  T* sum = to.data_ptr<T>();
  const T *first = base.data_ptr<T>(), *second = direction.data_ptr<T>();
  for (std::int64_t i = 0; i < to.numel(); ++i) sum[i] = first[i] + static_cast<T>(factor) * second[i];
}

void add_scaled(const torch::Tensor& to, const torch::Tensor& base, double factor, const torch::Tensor& direction) {
  const bool one_pass = lie_alike(to, base) && lie_alike(to, direction);
  if (one_pass && to.scalar_type() == torch::kFloat) return add_scaled<float>(to, base, factor, direction);
  if (one_pass && to.scalar_type() == torch::kDouble) return add_scaled<double>(to, base, factor, direction);
  const torch::NoGradGuard no_grad;
  to.copy_(base + factor * direction);
}

void assign(const torch::Tensor& to, const torch::Tensor& from) {
  if (lie_alike(to, from)) {
    std::memcpy(to.data_ptr(), from.data_ptr(), to.nbytes());
  } else {
    const torch::NoGradGuard no_grad;
    to.copy_(from);
  }
}

// Calls visit(number of a tensor) for all of them, on several threads on the processor.
template <class Visit>
void for_each(const Tensors& tensors, Visit visit) {
  const auto count = static_cast<std::int64_t>(tensors.size());
  if (tensors.empty() || !tensors.front().device().is_cpu()) {
    for (std::int64_t i = 0; i < count; ++i) visit(static_cast<std::size_t>(i));
    return;
  }
  constexpr std::int64_t least = 32;  // a share that is worth another thread
  at::parallel_for(0, count, least, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) visit(static_cast<std::size_t>(i));
  });
}

template <class T>
double sum_of_squares(const torch::Tensor& tensor) {
  const T* values = tensor.data_ptr<T>();
  double sums[4] = {};
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const auto value = static_cast<double>(values[i]);
    sums[i % 4] += value * value;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double norm(const Tensors& tensors) {
  double sum = 0;
  for (const torch::Tensor& tensor : tensors) {
    if (lie_alike(tensor, tensor) && tensor.scalar_type() == torch::kFloat) {
      sum += sum_of_squares<float>(tensor);
    } else if (lie_alike(tensor, tensor) && tensor.scalar_type() == torch::kDouble) {
      sum += sum_of_squares<double>(tensor);
    } else {
      sum += tensor.detach().to(torch::kDouble).square().sum().item<double>();
    }
  }
  return std::sqrt(sum);
}

// The same in double, for numbers that others are divided by.
double inner(const Tensors& a, const Tensors& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += (a[i].detach().to(torch::kDouble) * b[i].detach().to(torch::kDouble)).sum().item<double>();
  }
  return sum;
}

// Keeps the values of some tensors and puts them back, bit for bit.
class Restored {
 public:
  explicit Restored(const Tensors& tensors) : tensors_(tensors) {
    for (const torch::Tensor& tensor : tensors) kept_.push_back(torch::empty_like(tensor.detach()));
    for_each(tensors_, [&](std::size_t i) { assign(kept_[i], tensors_[i]); });
  }
  ~Restored() { reset(); }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

  void reset() {
    for_each(tensors_, [&](std::size_t i) { assign(tensors_[i], kept_[i]); });
  }
  // The kept values plus `factor` times `direction`.
  void shift(double factor, const Tensors& direction) {
    for_each(tensors_, [&](std::size_t i) { add_scaled(tensors_[i], kept_[i], factor, direction[i]); });
  }
  const Tensors& values() const { return kept_; }

 private:
  Tensors tensors_;
  Tensors kept_;
};

// The optimizer's direction at w: mu buf + gradient + lambda w.
Tensors descent(const Bilevel& problem, const Unrolling& unrolling) {
  Tensors direction = gradients(problem.train_loss(), problem.weights);
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& part : direction) {
    if (!part.is_non_overlapping_and_dense()) part = part.clone();  // a gradient may be one number seen many times
  }
  for_each(direction, [&](std::size_t i) {
    add_scaled(direction[i], direction[i], unrolling.weight_decay, problem.weights[i]);
    if (i < unrolling.buffers.size() && unrolling.buffers[i].defined()) {
      add_scaled(direction[i], direction[i], unrolling.momentum, unrolling.buffers[i]);
    }
  });
  return direction;
}

// At w': the validation loss, its gradient in the architecture, and v. `weights` stay w'.
struct Unrolled {
  ArchitectureGradient direct;
  Tensors v;
};

Unrolled unroll(const Bilevel& problem, const Unrolling& unrolling, Restored& weights) {
  const Tensors direction = descent(problem, unrolling);
  weights.shift(-unrolling.learning_rate, direction);
  const torch::Tensor loss = problem.valid_loss();
  const Tensors all = gradients(loss, joined(problem.architecture, problem.weights));
  const auto split = all.begin() + static_cast<std::ptrdiff_t>(problem.architecture.size());
  return {{loss.item<double>(), Tensors(all.begin(), split)}, Tensors(split, all.end())};
}

// Second derivatives of the training loss, from one graph of its gradient in the weights.
class Curvature {
 public:
  explicit Curvature(const Bilevel& problem)
      : problem_(problem), by_weights_(gradients(problem.train_loss(), problem.weights, /*keep_graph=*/true)) {}

  // (H + damping I) v
  Tensors product(const Tensors& v, double damping) const {
    Tensors product = along(v, problem_.weights);
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < v.size(); ++i) product[i] = product[i] + damping * v[i];
    return product;
  }
  // The mixed derivative times v: of the gradient in w along v, by the architecture.
  Tensors mixed(const Tensors& v) const { return along(v, problem_.architecture); }

 private:
  Tensors along(const Tensors& v, const Tensors& by) const {
    const torch::Tensor slope = dot(by_weights_, v);
    Tensors found(by.size());
    if (slope.requires_grad()) {  // a gradient that is constant does not
      found = torch::autograd::grad({slope}, by, {}, /*retain_graph=*/true, /*create_graph=*/false,
                                    /*allow_unused=*/true);
    }
    for (std::size_t i = 0; i < by.size(); ++i) {
      if (!found[i].defined()) found[i] = torch::zeros_like(by[i].detach());
    }
    return found;
  }

  const Bilevel& problem_;
  Tensors by_weights_;
};

// a + factor * b
Tensors sum_with(const Tensors& a, double factor, const Tensors& b) {
  const torch::NoGradGuard no_grad;
  Tensors sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum.push_back(a[i] + factor * b[i]);
  return sum;
}

// The solutions x of (H + damping I) x = v.
Tensors neumann(const Curvature& curvature, const Tensors& v, const NeumannSeries& series) {
  Tensors term = v, sum = v;
  for (int j = 0; j < series.terms; ++j) {
    term = sum_with(term, -series.step, curvature.product(term, series.damping));
    sum = sum_with(sum, 1, term);
  }
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& part : sum) part = series.step * part;
  return sum;
}

Tensors conjugate_gradient(const Curvature& curvature, const Tensors& v, const ConjugateGradient& solver) {
  Tensors x, residual = v, direction = v;
  for (const torch::Tensor& part : v) x.push_back(torch::zeros_like(part));
  const double start = norm(v);
  double square = start * start;
  for (int i = 0; i < solver.iterations && square > 0; ++i) {
    const Tensors product = curvature.product(direction, solver.damping);
    const double bend = inner(direction, product);
    if (!(bend > 0)) break;
    x = sum_with(x, square / bend, direction);
    residual = sum_with(residual, -square / bend, product);
    const double next = inner(residual, residual);
    if (std::sqrt(next) <= solver.tolerance * start) break;
    direction = sum_with(residual, next / square, direction);
    square = next;
  }
  return x;
}

void subtract(ArchitectureGradient& from, double factor, const Tensors& what) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < what.size(); ++i) from.gradients[i] = from.gradients[i] - factor * what[i];
}

template <class Solve>
ArchitectureGradient implicit(const Bilevel& problem, const Solve& solve) {
  const torch::Tensor loss = problem.valid_loss();
  const Tensors all = gradients(loss, joined(problem.architecture, problem.weights));
  const auto split = all.begin() + static_cast<std::ptrdiff_t>(problem.architecture.size());
  ArchitectureGradient result{loss.item<double>(), Tensors(all.begin(), split)};
  const Curvature curvature(problem);
  subtract(result, 1, curvature.mixed(solve(curvature, Tensors(split, all.end()))));
  return result;
}

}  // namespace

ArchitectureGradient first_order_gradient(const Bilevel& problem) {
  const torch::Tensor loss = problem.valid_loss();
  return {loss.item<double>(), gradients(loss, problem.architecture)};
}

ArchitectureGradient second_order_gradient(const Bilevel& problem, const Unrolling& unrolling) {
  Restored weights(problem.weights);
  Unrolled unrolled = unroll(problem, unrolling, weights);
  const double length = norm(unrolled.v);
  if (length == 0) return unrolled.direct;
  const double radius = unrolling.radius / length;
  weights.shift(radius, unrolled.v);
  const Tensors above = gradients(problem.train_loss(), problem.architecture);
  weights.shift(-radius, unrolled.v);
  const Tensors below = gradients(problem.train_loss(), problem.architecture);
  Tensors difference;
  for (std::size_t i = 0; i < above.size(); ++i) difference.push_back((above[i] - below[i]) / (2 * radius));
  subtract(unrolled.direct, unrolling.learning_rate, difference);
  return unrolled.direct;
}

ArchitectureGradient exact_second_order_gradient(const Bilevel& problem, const Unrolling& unrolling) {
  Restored weights(problem.weights);
  Unrolled unrolled = unroll(problem, unrolling, weights);
  weights.reset();
  subtract(unrolled.direct, unrolling.learning_rate, Curvature(problem).mixed(unrolled.v));
  return unrolled.direct;
}

ArchitectureGradient implicit_gradient(const Bilevel& problem, const NeumannSeries& series) {
  return implicit(problem, [&](const Curvature& curvature, const Tensors& v) { return neumann(curvature, v, series); });
}

ArchitectureGradient implicit_gradient(const Bilevel& problem, const ConjugateGradient& solver) {
  return implicit(
      problem, [&](const Curvature& curvature, const Tensors& v) { return conjugate_gradient(curvature, v, solver); });
}

}  // namespace netwright
