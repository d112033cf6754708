// Gradients of the expected loss of a random architecture: E over b of f(b), where each row draws one option from the
// softmax of its logits. One draw each; what they are worth is compared with the exact gradient, by enumeration.
//
// Biased: Gumbel-softmax (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017) and straight-through. Unbiased:
// REINFORCE (Williams 1992), REBAR (Tucker et al. 2017) and RELAX (Grathwohl et al. 2018).
#pragma once

#include <functional>
#include <vector>

#include "netwright/nn/torch_compat.h"
#include "netwright/oneshot/mixture.h"
#include "netwright/train/optimizer.h"

namespace netwright {

using RowWeights = std::vector<torch::Tensor>;  // by group: rows x options, rows summing to 1

// The loss under these weights. `hard`: they are zeros and ones and nobody differentiates, so only what is chosen need
// run.
using WeightedLoss = std::function<torch::Tensor(const RowWeights& weights, bool hard)>;

struct Estimate {
  double loss = 0;  // of the hard draw where there is one, else of the soft
  RowWeights gradients;
};

// By all combinations of options. Precondition: there are at most 2^20.
Estimate exact_gradient(const RowWeights& logits, const WeightedLoss& objective);

Estimate gumbel_softmax_gradient(const RowWeights& logits, const WeightedLoss& objective, double temperature,
                                 at::Generator& generator);
// Hard weights forward, backward as if they were the Gumbel-softmax ones of the same draw.
Estimate straight_through_gradient(const RowWeights& logits, const WeightedLoss& objective, double temperature,
                                   at::Generator& generator);
Estimate reinforce_gradient(const RowWeights& logits, const WeightedLoss& objective, double baseline,
                            at::Generator& generator);

// A draw of z = log a + Gumbel, of b = argmax z, and of z given b by fresh noise.
struct ConditionalDraw {
  RowWeights relaxed;             // z, differentiable in the logits
  RowWeights hard;                // b
  RowWeights conditional;         // z given b, differentiable in the logits
  torch::Tensor log_probability;  // of b
};
ConditionalDraw draw_conditionally(const RowWeights& logits, at::Generator& generator);

// REBAR: (f(b) - s f(soft(z|b))) d log p(b) + s d f(soft(z)) - s d f(soft(z|b)), soft = softmax(. / temperature). The
// scale s follows the draws seen so far (least variance by regression), so each estimate is unbiased.
class Rebar {
 public:
  explicit Rebar(double temperature = 0.5) : temperature_(temperature) {}
  Estimate operator()(const RowWeights& logits, const WeightedLoss& objective, at::Generator& generator);

  double scale() const { return scale_; }
  torch::Tensor state() const;  // three numbers
  void restore(const torch::Tensor& state);

 private:
  friend class Relax;
  void learn_scale(const RowWeights& plain, const RowWeights& control);

  double temperature_;
  double scale_ = 1;
  double product_ = 0;  // running means of plain . control and control . control
  double square_ = 0;
};

// RELAX: the same with s f(soft(z)) + r(z) for the control variate, r a small network that learns to lower the
// variance.
class Relax {
 public:
  Relax(const RowWeights& like, double temperature, std::int64_t hidden, double learning_rate, std::uint64_t seed);
  Estimate operator()(const RowWeights& logits, const WeightedLoss& objective, at::Generator& generator);

  NamedTensors state() const;
  void restore(const NamedTensors& state, const std::string& file);

 private:
  torch::Tensor surrogate(const RowWeights& z) const;
  NamedTensors parameters() const;

  Rebar rebar_;
  double learning_rate_;
  torch::Tensor first_weight_, first_bias_, second_weight_;
  Optimizer optimizer_;
};

}  // namespace netwright
