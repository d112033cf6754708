// Gradients that are added up in the kernels that make them.
//
// Where several functions read a tensor, autograd has a tensor of memory filled with each function's gradient and adds
// them one after the other: three passes over main memory more for each reader. Here the kernels add to one tensor, and
// a pool between a value and the sums that read it is told each sum's gradient and weight instead of their product.
#pragma once

#include <vector>

#include "netwright/nn/torch_compat.h"

namespace netwright {

// `x` itself, for several readers: fused_pool and weighted_sum add their gradients of it to one tensor, any other
// reader's gradient is added to that. Without a gradient, x. Gradients are to be taken of x or of what x is made from,
// not of the result; a backward pass that ended in an exception cannot be repeated on the same graph.
torch::Tensor accumulated(const torch::Tensor& x);

// Of accumulated(): the function that the gradient arrives at.
class GradientSum : public torch::autograd::Node {
 public:
  // The tensor to add to, like `x`, made where there is none yet.
  struct Place {
    torch::Tensor tensor;
    bool add;  // otherwise its numbers are to be overwritten
  };
  Place place(const torch::Tensor& x);

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override;
  void release_variables() override { sum_.reset(); }
  std::string name() const override { return "GradientSum"; }

 private:
  torch::Tensor sum_;
};

// What a weighted sum tells of a value that it adds weight times.
struct ValueGradient {
  torch::Tensor gradient;  // of the sum
  double weight;
  // By channel, over samples and positions: of gradient, and of gradient * value. Empty: unknown.
  std::vector<double> totals, products;
};

// The function of a value that takes them.
class ValueGradients : public torch::autograd::Node {
 public:
  void take(ValueGradient gradient) { taken_.push_back(std::move(gradient)); }

 protected:
  std::vector<ValueGradient> taken_;
};

}  // namespace netwright
