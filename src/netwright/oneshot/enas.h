// ENAS-style search (Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing"): a recurrent
// controller draws networks, REINFORCE trains it on their validation accuracy with shared weights.
#pragma once

#include <memory>
#include <vector>

#include "netwright/oneshot/method.h"

namespace netwright {

struct EnasOptions {
  std::int64_t hidden = 64;       // units of the controller's LSTM
  double learning_rate = 3.5e-4;  // of Adam
  double entropy = 1e-4;          // bonus for the entropy of the drawn decisions, summed
  double baseline = 0.9;          // decay of the moving average of rewards
  int networks = 1;               // drawn an update
};

std::unique_ptr<Method> make_enas(const MethodContext& context);

// A decision of the controller. A sum over chosen edges has one for the combination of its edges and one for each
// chosen edge's operation.
struct EnasDecision {
  int row = -1;                                // of a choice
  int sum = -1;                                // of a chosen sum
  int position = -1;                           // of its operations; -1: the combination
  std::vector<std::vector<int>> combinations;  // of edges
  std::vector<int> options;                    // of a row, by number: all but an added `none`
  std::int64_t count = 0;
};

// The policy: decisions one after another, each from an LSTM that has seen the ones before; logits squashed to
// 2.5 tanh(l / 5).
class EnasController {
 public:
  EnasController(const Relaxation& relaxation, std::int64_t hidden, std::uint64_t seed,
                 const torch::TensorOptions& tensors);

  struct Draw {
    std::vector<std::int64_t> decisions;
    torch::Tensor log_probability;
    torch::Tensor entropy;  // summed over decisions, each given those before
  };
  Draw draw(at::Generator& generator) const;
  Draw follow(const std::vector<std::int64_t>& decisions) const;  // what draw() would have said of these
  Draw greedy() const;

  Picks picks(const std::vector<std::int64_t>& decisions) const;
  const std::vector<EnasDecision>& decisions() const { return decisions_; }
  const NamedTensors& parameters() const { return parameters_; }

 private:
  template <class Choose>
  Draw run(const Choose& choose) const;
  torch::Tensor add(const std::string& name, at::IntArrayRef sizes, std::uint64_t seed,
                    const torch::TensorOptions& tensors);

  const Relaxation& relaxation_;
  std::vector<EnasDecision> decisions_;
  NamedTensors parameters_;
  torch::Tensor input_weight_, hidden_weight_, bias_, start_;
  std::vector<torch::Tensor> heads_, head_biases_, embeddings_;  // of each decision
  std::int64_t hidden_;
};

// Exponential moving average with bias correction.
class MovingAverage {
 public:
  explicit MovingAverage(double decay) : decay_(decay) {}
  void add(double value);
  double value() const { return weight_ > 0 ? sum_ / weight_ : 0; }
  torch::Tensor state() const { return torch::tensor({sum_, weight_}, torch::kDouble); }
  void restore(const torch::Tensor& state);

 private:
  double decay_;
  double sum_ = 0;
  double weight_ = 0;
};

}  // namespace netwright
