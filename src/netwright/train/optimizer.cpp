#include "netwright/train/optimizer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "netwright/base/error.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr double adam_epsilon = 1e-8;
constexpr std::int64_t elements_per_task = 1 << 16;

// The numbers of one update; T is the parameters' type.
template <class T>
struct SgdNumbers {
  T rate, momentum, decay, scale;
  bool nesterov;
};

template <class T>
struct AdamNumbers {
  T beta1, beta2, decay, scale, shrink, step_size, root_correction;
};

template <class T>
void sgd_plain(T* __restrict w, const T* __restrict g, std::int64_t n, const SgdNumbers<T>& with) {
  for (std::int64_t i = 0; i < n; ++i) w[i] -= with.rate * (g[i] * with.scale + with.decay * w[i]);
}

template <class T>
void sgd_momentum(T* __restrict w, const T* __restrict g, T* __restrict m, std::int64_t n, const SgdNumbers<T>& with) {
  if (with.nesterov) {
    for (std::int64_t i = 0; i < n; ++i) {
      const T gradient = g[i] * with.scale + with.decay * w[i];
      m[i] = with.momentum * m[i] + gradient;
      w[i] -= with.rate * (gradient + with.momentum * m[i]);
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      m[i] = with.momentum * m[i] + (g[i] * with.scale + with.decay * w[i]);
      w[i] -= with.rate * m[i];
    }
  }
}

template <class T>
void adam(T* __restrict w, const T* __restrict g, T* __restrict m, T* __restrict v, std::int64_t n,
          const AdamNumbers<T>& with) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T shrunk = w[i] * with.shrink;
    const T gradient = g[i] * with.scale + with.decay * w[i];
    m[i] = with.beta1 * m[i] + (1 - with.beta1) * gradient;
    v[i] = with.beta2 * v[i] + (1 - with.beta2) * gradient * gradient;
    w[i] = shrunk - with.step_size * m[i] / (std::sqrt(v[i]) / with.root_correction + static_cast<T>(adam_epsilon));
  }
}

// Independent partial sums, so that the compiler may use vector instructions without reordering anybody's additions.
template <class T>
double sum_of_squares(const T* values, std::int64_t n) {
  constexpr std::int64_t lanes = 8;
  double sums[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < n; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

double sum_of_squares(const torch::Tensor& tensor) {
  const bool dense = tensor.device().is_cpu() && tensor.is_non_overlapping_and_dense();
  if (dense && tensor.scalar_type() == torch::kFloat) return sum_of_squares(tensor.data_ptr<float>(), tensor.numel());
  if (dense && tensor.scalar_type() == torch::kDouble) return sum_of_squares(tensor.data_ptr<double>(), tensor.numel());
  return tensor.to(torch::kDouble).square().sum().item<double>();
}

bool has_one_pass_kernel(const torch::Tensor& parameter) {
  return parameter.device().is_cpu() && parameter.is_non_overlapping_and_dense() &&
         (parameter.scalar_type() == torch::kFloat || parameter.scalar_type() == torch::kDouble);
}

}  // namespace

Optimizer::Optimizer(NamedTensors parameters, const OptimizerOptions& options) : options_(options) {
  const std::vector<std::string> names = {"sgd", "adam", "adamw"};
  const auto found = std::find(names.begin(), names.end(), options.name);
  if (found == names.end()) {
    throw invalid({}, "there is no optimizer '" + options.name + "'", suggest(options.name, names));
  }
  kind_ = static_cast<Kind>(found - names.begin());
  for (auto& [name, parameter] : parameters) {
    Slot slot;
    slot.decayed = options.decay_norm_and_bias || parameter.dim() > 1;
    slot.name = name;
    slot.parameter = parameter;
    slots_.push_back(std::move(slot));
  }
}

void Optimizer::make_moments(Slot& slot) const {
  const torch::Tensor values = slot.parameter.detach();
  if (has_first() && !slot.first.defined()) slot.first = torch::zeros_like(values);
  if (kind_ != Kind::sgd && !slot.second.defined()) slot.second = torch::zeros_like(values);
}

void Optimizer::step(double learning_rate, double gradient_scale) {
  const torch::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    torch::Tensor gradient = slot.parameter.grad();
    if (!gradient.defined()) continue;
    make_moments(slot);
    ++slot.steps;
    if (!has_one_pass_kernel(slot.parameter)) {
      update_by_operators(slot, gradient, learning_rate, gradient_scale);
      continue;
    }
    if (!same_layout(gradient, slot.parameter)) gradient = torch::empty_like(slot.parameter).copy_(gradient);
    update_in_one_pass(slot, gradient, learning_rate, gradient_scale);
  }
}

void Optimizer::update_in_one_pass(const Slot& slot, const torch::Tensor& gradient, double rate, double scale) const {
  const double decay = slot.decayed ? options_.weight_decay : 0;
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    T* w = slot.parameter.data_ptr<T>();
    const T* g = gradient.data_ptr<T>();
    T* first = slot.first.defined() ? slot.first.data_ptr<T>() : nullptr;
    T* second = slot.second.defined() ? slot.second.data_ptr<T>() : nullptr;
    const auto cast = [](double value) { return static_cast<T>(value); };
    const SgdNumbers<T> sgd{cast(rate), cast(options_.momentum), cast(decay), cast(scale), options_.nesterov};
    const double steps = static_cast<double>(slot.steps);
    const bool decoupled = kind_ == Kind::adamw;
    const AdamNumbers<T> adam_numbers{cast(options_.beta1),
                                      cast(options_.beta2),
                                      cast(decoupled ? 0 : decay),
                                      cast(scale),
                                      cast(decoupled ? 1 - rate * decay : 1),
                                      cast(rate / (1 - std::pow(options_.beta1, steps))),
                                      cast(std::sqrt(1 - std::pow(options_.beta2, steps)))};
    at::parallel_for(0, slot.parameter.numel(), elements_per_task, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t n = end - begin;
      if (kind_ != Kind::sgd) {
        adam(w + begin, g + begin, first + begin, second + begin, n, adam_numbers);
      } else if (first != nullptr) {
        sgd_momentum(w + begin, g + begin, first + begin, n, sgd);
      } else {
        sgd_plain(w + begin, g + begin, n, sgd);
      }
    });
  };
  if (slot.parameter.scalar_type() == torch::kFloat) {
    run(float{});
  } else {
    run(double{});
  }
}

// The same arithmetic on other devices and types.
void Optimizer::update_by_operators(const Slot& slot, const torch::Tensor& gradient, double rate, double scale) const {
  const double decay = slot.decayed ? options_.weight_decay : 0;
  torch::Tensor w = slot.parameter.detach();
  torch::Tensor g = scale == 1 ? gradient : gradient * scale;
  const bool coupled = kind_ != Kind::adamw;
  if (decay != 0 && coupled) g = g.add(w, decay);
  if (kind_ == Kind::sgd) {
    if (slot.first.defined()) {
      slot.first.mul_(options_.momentum).add_(g);
      g = options_.nesterov ? g.add(slot.first, options_.momentum) : slot.first;
    }
    w.add_(g, -rate);
    return;
  }
  if (decay != 0 && !coupled) w.mul_(1 - rate * decay);
  const double steps = static_cast<double>(slot.steps);
  slot.first.lerp_(g, 1 - options_.beta1);
  slot.second.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
  const double root_correction = std::sqrt(1 - std::pow(options_.beta2, steps));
  const torch::Tensor denominator = slot.second.sqrt().div_(root_correction).add_(adam_epsilon);
  w.addcdiv_(slot.first, denominator, -rate / (1 - std::pow(options_.beta1, steps)));
}

void Optimizer::clear_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad().reset();
}

double Optimizer::gradient_norm() const {
  double sum = 0;
  for (const Slot& slot : slots_) {
    if (slot.parameter.grad().defined()) sum += sum_of_squares(slot.parameter.grad());
  }
  return std::sqrt(sum);
}

std::vector<torch::Tensor> Optimizer::first_moments() const {
  std::vector<torch::Tensor> moments;
  for (const Slot& slot : slots_) moments.push_back(slot.first);
  return moments;
}

NamedTensors Optimizer::state() const {
  NamedTensors state;
  torch::Tensor steps = torch::zeros({static_cast<std::int64_t>(slots_.size())}, torch::kLong);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.first.defined()) state.emplace_back(slot.name + ".first", slot.first);
    if (slot.second.defined()) state.emplace_back(slot.name + ".second", slot.second);
    steps[static_cast<std::int64_t>(i)] = slot.steps;
  }
  state.emplace_back("steps", steps);
  return state;
}

void Optimizer::restore(const NamedTensors& state, const std::string& file) {
  const torch::Tensor* steps = find_tensor(state, "steps");
  if (steps == nullptr || steps->scalar_type() != torch::kLong ||
      steps->sizes() != torch::IntArrayRef{static_cast<std::int64_t>(slots_.size())}) {
    throw invalid({file, 0, 0}, "the optimizer's state is of another network", "start from scratch");
  }
  NamedTensors wanted = {{"steps", torch::empty_like(*steps)}};
  std::vector<Slot> restored = slots_;
  for (std::size_t i = 0; i < restored.size(); ++i) {
    Slot& slot = restored[i];
    slot.first = slot.second = torch::Tensor();
    slot.steps = steps->data_ptr<std::int64_t>()[i];
    if (slot.steps == 0) continue;
    make_moments(slot);
    if (slot.first.defined()) wanted.emplace_back(slot.name + ".first", slot.first);
    if (slot.second.defined()) wanted.emplace_back(slot.name + ".second", slot.second);
  }
  copy_tensors(state, wanted, file);
  slots_ = std::move(restored);
}

double clipping_scale(double gradient_norm, double limit) {
  if (limit <= 0) return 1;
  return std::min(1.0, limit / (gradient_norm + 1e-6));
}

}  // namespace netwright
