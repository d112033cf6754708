// A sequential policy over the configurations of a space: p(h) = Π p(h_i | h_1 … h_(i−1)), the choices in the space's
// order, so that each choice's logits depend on what was chosen before it.
//
// One hidden state is carried along the choices and each value chosen adds its own vector to it (the neural
// autoregressive distribution estimator of Larochelle & Murray, AISTATS 2011, for values of any number):
//   a_1 = c;  p(h_i = k | before) = softmax_k(b_ik + U_ik · tanh(a_i));  a_(i+1) = a_i + V_i,h_i
// Choices that are not active draw nothing, add nothing and get no gradient. Proposing and learning from one
// configuration take time proportional to (values of all choices) · (hidden units).
#pragma once

#include <vector>

#include "netwright/space/search_space.h"
#include "netwright/strategy/choice_bins.h"

namespace netwright {

struct PolicyOptions {
  int hidden = 32;  // units of the state
  int bins = 10;    // actions of a real choice, or of an integer one with more values than that
};

// One action for each choice of the space, in its order; `inactive` where the choice is not active.
using Actions = std::vector<int>;
inline constexpr int inactive = -1;

class Policy {
 public:
  // The untrained policy proposes as SearchSpace::sample does. `space` outlives the policy.
  Policy(const SearchSpace& space, const PolicyOptions& options);

  struct Proposal {
    Configuration configuration;
    Actions actions;
    std::vector<double> log_probabilities;  // of each action after those before it; 0 for inactive
  };
  Proposal propose(Random& random) const;

  // Of a valid configuration.
  Actions actions_of(const Configuration& configuration) const;
  // Of each action after those before it; 0 for inactive.
  std::vector<double> log_probabilities(const Actions& actions) const;
  // Of each action of a choice after the actions before it.
  std::vector<double> probabilities(const Actions& actions, std::size_t choice) const;

  // Adds to `gradient` (one number a parameter) the derivative of
  //   Σ_i weights[i] · log p(actions[i] | before) + entropy · H(p(· | before))
  // over the active choices, the actions held fixed. One weight a choice.
  void add_gradient(const Actions& actions, const std::vector<double>& weights, double entropy,
                    std::vector<double>& gradient) const;

  const std::vector<double>& parameters() const { return parameters_; }
  std::vector<double>& parameters() { return parameters_; }
  // Where a choice's own parameters lie in parameters(): [first, first + count), its biases and rows of U. For tests.
  std::pair<std::size_t, std::size_t> output_parameters(std::size_t choice) const;

 private:
  void softmax(std::size_t choice, const std::vector<double>& activation, std::vector<double>& result) const;
  void enter(std::size_t choice, int action, std::vector<double>& state) const;

  const SearchSpace& space_;
  std::size_t hidden_;
  std::vector<ChoiceBins> bins_;
  std::vector<char> conditional_;     // of each choice
  std::vector<std::size_t> outputs_;  // of each choice: where b and U begin
  std::vector<std::size_t> inputs_;   // of each choice: where V begins
  std::vector<double> parameters_;    // c, then for each choice b, U (a row an action), V (a row an action)
};

// Adam (Kingma & Ba, ICLR 2015), ascending.
class Adam {
 public:
  explicit Adam(double rate) : rate_(rate) {}
  void ascend(const std::vector<double>& gradient, std::vector<double>& parameters);

 private:
  double rate_;
  std::int64_t steps_ = 0;
  std::vector<double> first_, second_;  // moments
};

}  // namespace netwright
