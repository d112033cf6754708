// GAEA (Li et al. 2021, "Geometry-Aware Gradient Algorithms for Neural Architecture Search"): the weights themselves
// are the parameters; they live on the simplex and are updated by exponentiated gradients.
#pragma once

#include <memory>
#include <string>

#include "netwright/oneshot/darts.h"
#include "netwright/oneshot/method.h"

namespace netwright {

struct GaeaOptions {
  std::string base = "darts";  // darts, or pc_darts: partial channels and weighted edges
  BilevelOptions bilevel;      // first order, as published
  double learning_rate = 0.1;
  double entropy = 0;        // times sum a log(a |O|), added to the loss
  double warmup_epochs = 0;  // 15 on pc_darts
};

// Weights begin uniform and are not put through a softmax. Any order's gradient is taken by the weights themselves, as
// if they were free: what that adds to all weights of a row cancels when the row is normalised.
std::unique_ptr<Method> make_gaea(const MethodContext& context);

// a <- a exp(-rate g), at least 1e-5, normalised to sum 1 over the last dimension. In place.
void exponentiated_step(torch::Tensor& weights, const torch::Tensor& gradient, double rate);

}  // namespace netwright
