// SGD, Adam and AdamW with exactly the formulas of torch.optim, each one pass over every parameter: in place, without
// temporaries, in vector instructions on the processor.
//
// SGD: g += decay*w; m = momentum*m + g; w -= rate*(g + momentum*m with Nesterov, else m).
// Adam (Kingma & Ba 2015, epsilon 1e-8): g += decay*w; the usual moments with bias correction. AdamW (Loshchilov &
// Hutter 2019): w *= 1 - rate*decay instead of adding to the gradient.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netwright/nn/torch_compat.h"
#include "netwright/space/recipe.h"
#include "netwright/train/tensors.h"

namespace netwright {

class Optimizer {
 public:
  // `parameters` share memory with the module's and must stay on their device. Throws an invalid Error for a name that
  // is not sgd, adam or adamw. With decay_norm_and_bias off, parameters of fewer than two dimensions are not decayed.
  Optimizer(NamedTensors parameters, const OptimizerOptions& options);

  // One step along the gradients, each taken times `gradient_scale`. A parameter without gradient is left alone, its
  // moments and its count of steps too.
  void step(double learning_rate, double gradient_scale = 1);

  // Gradients become undefined, so that backward hands its results over instead of adding to zeros.
  void clear_gradients();

  // L2 norm of all gradients together, summed in double.
  double gradient_norm() const;

  // One a parameter, undefined until its first gradient.
  std::vector<torch::Tensor> first_moments() const;

  // Moments and counts of steps, made on first use; restore() expects what state() gave.
  NamedTensors state() const;
  void restore(const NamedTensors& state, const std::string& file);

 private:
  enum class Kind { sgd, adam, adamw };

  struct Slot {
    std::string name;
    torch::Tensor parameter;
    torch::Tensor first;   // momentum, or first moment; undefined until the first gradient
    torch::Tensor second;  // second moment of adam and adamw
    std::int64_t steps = 0;
    bool decayed = true;
  };

  bool has_first() const { return kind_ != Kind::sgd || options_.momentum != 0; }
  void make_moments(Slot& slot) const;
  void update_in_one_pass(const Slot& slot, const torch::Tensor& gradient, double rate, double scale) const;
  void update_by_operators(const Slot& slot, const torch::Tensor& gradient, double rate, double scale) const;

  Kind kind_;
  OptimizerOptions options_;
  std::vector<Slot> slots_;
};

// What to multiply the gradients by so that their norm is at most `limit`, as torch's clip_grad_norm_; limit 0 means
// none.
double clipping_scale(double gradient_norm, double limit);

}  // namespace netwright
