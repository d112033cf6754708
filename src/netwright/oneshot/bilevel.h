// Gradients of the architecture in a search with two levels: weights w are trained on one half of the data,
// architecture parameters a on the other (Liu, Simonyan and Yang 2019, "DARTS").
//
// One-step unrolling: w' = w - eta (mu buf + grad_w L_train(w, a) + lambda w), and the gradient sought is that of
// L_valid(w'(a), a) with respect to a. Its second part is -eta times the mixed derivative of L_train times v, where
// v = grad_w' L_valid: by a finite difference as published, or exactly by double backward.
//
// The implicit gradient takes w at its optimum instead of one step away: the second part is - (mixed derivative) H^-1
// v, H the Hessian of L_train in w plus damping. H^-1 v comes from a Neumann series, step * sum over j of (I - step
// H)^j v (Lorraine, Vicol and Duvenaud 2020), or from conjugate gradients (Hestenes and Stiefel 1952; Pedregosa 2016,
// "Hyperparameter Optimization with Approximate Gradient").
#pragma once

#include <functional>
#include <vector>

#include "netwright/nn/torch_compat.h"

namespace netwright {

struct Bilevel {
  std::vector<torch::Tensor> weights;
  std::vector<torch::Tensor> architecture;
  // On the same batch each time, at the present values of both.
  std::function<torch::Tensor()> train_loss;
  std::function<torch::Tensor()> valid_loss;
};

// The optimizer's step that is unrolled.
struct Unrolling {
  double learning_rate = 0.025;
  double momentum = 0.9;
  double weight_decay = 3e-4;
  std::vector<torch::Tensor> buffers;  // momentum of each weight; undefined ones and an empty list: 0
  double radius = 0.01;                // of the finite difference, divided by the norm of v
};

struct ArchitectureGradient {
  double valid_loss = 0;                 // where the gradient was taken: at w', for the unrolled ones
  std::vector<torch::Tensor> gradients;  // of each architecture tensor; zeros where it has no part
};

// The weights and their gradients are as before on return; the gradients of the architecture are returned, not stored.
ArchitectureGradient first_order_gradient(const Bilevel& problem);
ArchitectureGradient second_order_gradient(const Bilevel& problem, const Unrolling& unrolling);
ArchitectureGradient exact_second_order_gradient(const Bilevel& problem, const Unrolling& unrolling);

// `damping` is added to the diagonal of H: the weights' own decay, which is part of what they minimise, and more where
// H is not positive.
struct NeumannSeries {
  int terms = 3;        // beyond the first; 0: the inverse Hessian is taken for step * I
  double step = 0.025;  // below 2 / the largest eigenvalue of H
  double damping = 0;
};
ArchitectureGradient implicit_gradient(const Bilevel& problem, const NeumannSeries& series);

// Exact after as many steps as H has different eigenvalues, where they are positive. It stops before a direction along
// which H is not, and what it has by then is used: nothing, the first order's gradient, if that was the first one.
struct ConjugateGradient {
  int iterations = 10;
  double damping = 0;
  double tolerance = 1e-10;  // of the residual's norm, as a share of v's
};
ArchitectureGradient implicit_gradient(const Bilevel& problem, const ConjugateGradient& solver);

}  // namespace netwright
