#include "netwright/oneshot/bilevel.h"

#include <cmath>

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

double norm(const Tensors& tensors) {
  double sum = 0;
  for (const torch::Tensor& tensor : tensors) sum += tensor.detach().to(torch::kDouble).square().sum().item<double>();
  return std::sqrt(sum);
}

// Keeps the values of some tensors and puts them back, bit for bit.
class Restored {
 public:
  explicit Restored(const Tensors& tensors) : tensors_(tensors) {
    for (const torch::Tensor& tensor : tensors) kept_.push_back(tensor.detach().clone());
  }
  ~Restored() { reset(); }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

  void reset() {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].copy_(kept_[i]);
  }
  // The kept values plus `factor` times `direction`.
  void shift(double factor, const Tensors& direction) {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      tensors_[i].copy_(kept_[i] + factor * direction[i]);
    }
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
  for (std::size_t i = 0; i < direction.size(); ++i) {
    direction[i] = direction[i] + unrolling.weight_decay * problem.weights[i];
    if (i < unrolling.buffers.size() && unrolling.buffers[i].defined()) {
      direction[i] += unrolling.momentum * unrolling.buffers[i];
    }
  }
  return direction;
}

// At w': the validation loss, its gradient in the architecture, and v. The weights are w again afterwards.
struct Unrolled {
  ArchitectureGradient direct;
  Tensors v;
};

Unrolled unroll(const Bilevel& problem, const Unrolling& unrolling) {
  const Tensors direction = descent(problem, unrolling);
  Restored weights(problem.weights);
  weights.shift(-unrolling.learning_rate, direction);
  const torch::Tensor loss = problem.valid_loss();
  const Tensors all = gradients(loss, joined(problem.architecture, problem.weights));
  const auto split = all.begin() + static_cast<std::ptrdiff_t>(problem.architecture.size());
  return {{loss.item<double>(), Tensors(all.begin(), split)}, Tensors(split, all.end())};
}

// The mixed derivative of the training loss times v: of the gradient in w along v, by the architecture.
Tensors mixed_product(const Bilevel& problem, const Tensors& v) {
  const Tensors by_weights = gradients(problem.train_loss(), problem.weights, /*keep_graph=*/true);
  return gradients(dot(by_weights, v), problem.architecture);
}

void subtract(ArchitectureGradient& from, double factor, const Tensors& what) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < what.size(); ++i) from.gradients[i] = from.gradients[i] - factor * what[i];
}

}  // namespace

ArchitectureGradient first_order_gradient(const Bilevel& problem) {
  const torch::Tensor loss = problem.valid_loss();
  return {loss.item<double>(), gradients(loss, problem.architecture)};
}

ArchitectureGradient second_order_gradient(const Bilevel& problem, const Unrolling& unrolling) {
  Unrolled unrolled = unroll(problem, unrolling);
  const double length = norm(unrolled.v);
  if (length == 0) return unrolled.direct;
  const double radius = unrolling.radius / length;
  Restored weights(problem.weights);
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
  Unrolled unrolled = unroll(problem, unrolling);
  subtract(unrolled.direct, unrolling.learning_rate, mixed_product(problem, unrolled.v));
  return unrolled.direct;
}

ArchitectureGradient implicit_gradient(const Bilevel& problem, const NeumannSeries& series) {
  const torch::Tensor loss = problem.valid_loss();
  const Tensors all = gradients(loss, joined(problem.architecture, problem.weights));
  const auto split = all.begin() + static_cast<std::ptrdiff_t>(problem.architecture.size());
  ArchitectureGradient result{loss.item<double>(), Tensors(all.begin(), split)};
  Tensors term(split, all.end());
  Tensors sum = term;

  const Tensors by_weights = gradients(problem.train_loss(), problem.weights, /*keep_graph=*/true);
  for (int j = 0; j < series.terms; ++j) {
    const Tensors product = torch::autograd::grad({dot(by_weights, term)}, problem.weights, {}, /*retain_graph=*/true,
                                                  /*create_graph=*/false, /*allow_unused=*/true);
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < term.size(); ++i) {
      const torch::Tensor curved = product[i].defined() ? product[i] : torch::zeros_like(term[i]);
      term[i] = term[i] - series.step * (curved + series.weight_decay * term[i]);
      sum[i] = sum[i] + term[i];
    }
  }
  subtract(result, series.step, gradients(dot(by_weights, sum), problem.architecture));
  return result;
}

std::vector<torch::Tensor> hessian_product(const torch::Tensor& loss, const std::vector<torch::Tensor>& of,
                                           const std::vector<torch::Tensor>& v) {
  return gradients(dot(gradients(loss, of, /*keep_graph=*/true), v), of);
}

double dominant_eigenvalue(const std::function<torch::Tensor()>& loss, const std::vector<torch::Tensor>& of,
                           int iterations, at::Generator& generator) {
  Tensors v;
  for (const torch::Tensor& tensor : of) v.push_back(torch::empty_like(tensor.detach()).normal_(0, 1, generator));
  const Tensors gradient = gradients(loss(), of, /*keep_graph=*/true);
  double eigenvalue = 0;
  for (int i = 0; i < iterations; ++i) {
    const double length = norm(v);
    if (length == 0) return 0;
    for (torch::Tensor& part : v) part = part / length;
    Tensors product = torch::autograd::grad({dot(gradient, v)}, of, {}, /*retain_graph=*/true, /*create_graph=*/false,
                                            /*allow_unused=*/true);
    for (std::size_t j = 0; j < product.size(); ++j) {
      if (!product[j].defined()) product[j] = torch::zeros_like(of[j]);
    }
    eigenvalue = dot(product, v).item<double>();
    v = std::move(product);
  }
  return eigenvalue;
}

}  // namespace netwright
