#include "netwright/strategy/policy.h"

#include <algorithm>
#include <cmath>

namespace netwright {

Policy::Policy(const SearchSpace& space, const PolicyOptions& options)
    : space_(space), hidden_(static_cast<std::size_t>(options.hidden)) {
  std::size_t size = hidden_;
  for (const Choice& choice : space.choices()) {
    bins_.emplace_back(choice, options.bins);
    conditional_.push_back(!choice.conditions.empty());
    const auto actions = static_cast<std::size_t>(bins_.back().size());
    outputs_.push_back(size);
    size += actions * (1 + hidden_);
    inputs_.push_back(size);
    size += actions * hidden_;
  }
  // U is zero, so that the logits are the biases; the state's vectors are random, so that it tells values apart.
  parameters_.assign(size, 0);
  Random random(1);
  for (std::size_t i = 0; i < hidden_; ++i) parameters_[i] = random.normal();
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const auto actions = static_cast<std::size_t>(bins_[i].size());
    for (std::size_t k = 0; k < actions; ++k) parameters_[outputs_[i] + k] = std::log(bins_[i].shares()[k]);
    const double scale = 1 / std::sqrt(static_cast<double>(bins_.size()));
    for (std::size_t k = 0; k < actions * hidden_; ++k) parameters_[inputs_[i] + k] = scale * random.normal();
  }
}

void Policy::softmax(std::size_t choice, const std::vector<double>& activation, std::vector<double>& result) const {
  const auto actions = static_cast<std::size_t>(bins_[choice].size());
  const double* bias = parameters_.data() + outputs_[choice];
  const double* row = bias + actions;
  result.resize(actions);
  for (std::size_t k = 0; k < actions; ++k, row += hidden_) {
    double logit = bias[k];
    for (std::size_t j = 0; j < hidden_; ++j) logit += row[j] * activation[j];
    result[k] = logit;
  }
  const double most = *std::max_element(result.begin(), result.end());
  double sum = 0;
  for (double& value : result) sum += value = std::exp(value - most);
  for (double& value : result) value /= sum;
}

void Policy::enter(std::size_t choice, int action, std::vector<double>& state) const {
  const double* row = parameters_.data() + inputs_[choice] + static_cast<std::size_t>(action) * hidden_;
  for (std::size_t j = 0; j < hidden_; ++j) state[j] += row[j];
}

namespace {

void squash(const std::vector<double>& state, std::vector<double>& activation) {
  activation.resize(state.size());
  for (std::size_t j = 0; j < state.size(); ++j) activation[j] = std::tanh(state[j]);
}

int draw(const std::vector<double>& probabilities, Random& random) {
  double left = random.uniform();
  int last = 0;  // with a probability above 0, should rounding leave a remainder
  for (std::size_t k = 0; k < probabilities.size(); ++k) {
    if (probabilities[k] <= 0) continue;
    last = static_cast<int>(k);
    left -= probabilities[k];
    if (left < 0) break;
  }
  return last;
}

// Keeps logarithms finite where a probability has rounded to nothing.
double safe_log(double probability) {
  return std::log(std::max(probability, 1e-300));
}

}  // namespace

Policy::Proposal Policy::propose(Random& random) const {
  Proposal proposal;
  proposal.actions.assign(bins_.size(), inactive);
  proposal.log_probabilities.assign(bins_.size(), 0);
  std::vector<double> state(parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(hidden_));
  std::vector<double> activation, probabilities;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const Choice& choice = space_.choices()[i];
    if (conditional_[i] && !space_.is_active(choice, proposal.configuration)) continue;
    squash(state, activation);
    softmax(i, activation, probabilities);
    const int action = draw(probabilities, random);
    proposal.actions[i] = action;
    proposal.log_probabilities[i] = safe_log(probabilities[static_cast<std::size_t>(action)]);
    proposal.configuration.set(choice.name, bins_[i].draw(action, random));
    enter(i, action, state);
  }
  return proposal;
}

Actions Policy::actions_of(const Configuration& configuration) const {
  Actions actions(bins_.size(), inactive);
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const Value* value = configuration.find(space_.choices()[i].name);
    if (value != nullptr) actions[i] = bins_[i].action_of(*value);
  }
  return actions;
}

std::vector<double> Policy::probabilities(const Actions& actions, std::size_t choice) const {
  std::vector<double> state(parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(hidden_));
  for (std::size_t i = 0; i < choice; ++i) {
    if (actions[i] != inactive) enter(i, actions[i], state);
  }
  std::vector<double> activation, result;
  squash(state, activation);
  softmax(choice, activation, result);
  return result;
}

std::vector<double> Policy::log_probabilities(const Actions& actions) const {
  std::vector<double> state(parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(hidden_));
  std::vector<double> activation, probabilities;
  std::vector<double> result(bins_.size(), 0);
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    if (actions[i] == inactive) continue;
    squash(state, activation);
    softmax(i, activation, probabilities);
    result[i] = safe_log(probabilities[static_cast<std::size_t>(actions[i])]);
    enter(i, actions[i], state);
  }
  return result;
}

// The forward pass keeps every step's activation; backward, the state's derivative is summed from the last choice on,
// since each choice's vector is part of the state of all later ones.
void Policy::add_gradient(const Actions& actions, const std::vector<double>& weights, double entropy,
                          std::vector<double>& gradient) const {
  std::vector<std::size_t> active;
  std::vector<std::vector<double>> activations, distributions;
  std::vector<double> state(parameters_.begin(), parameters_.begin() + static_cast<std::ptrdiff_t>(hidden_));
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    if (actions[i] == inactive) continue;
    active.push_back(i);
    squash(state, activations.emplace_back());
    softmax(i, activations.back(), distributions.emplace_back());
    enter(i, actions[i], state);
  }
  std::vector<double> by_state(hidden_, 0.0), by_activation(hidden_);
  for (std::size_t step = active.size(); step-- > 0;) {
    const std::size_t i = active[step];
    const auto& activation = activations[step];
    const auto& probabilities = distributions[step];
    const auto taken = static_cast<std::size_t>(actions[i]);
    double* by_input = gradient.data() + inputs_[i] + taken * hidden_;
    for (std::size_t j = 0; j < hidden_; ++j) by_input[j] += by_state[j];

    double disorder = 0;
    for (const double p : probabilities) disorder -= p * safe_log(p);
    const double* row = parameters_.data() + outputs_[i] + probabilities.size();
    double* by_bias = gradient.data() + outputs_[i];
    double* by_row = by_bias + probabilities.size();
    std::fill(by_activation.begin(), by_activation.end(), 0.0);
    for (std::size_t k = 0; k < probabilities.size(); ++k, row += hidden_, by_row += hidden_) {
      const double p = probabilities[k];
      const double by_logit = weights[i] * ((k == taken ? 1.0 : 0.0) - p) - entropy * p * (safe_log(p) + disorder);
      by_bias[k] += by_logit;
      for (std::size_t j = 0; j < hidden_; ++j) {
        by_row[j] += by_logit * activation[j];
        by_activation[j] += by_logit * row[j];
      }
    }
    for (std::size_t j = 0; j < hidden_; ++j) by_state[j] += by_activation[j] * (1 - activation[j] * activation[j]);
  }
  for (std::size_t j = 0; j < hidden_; ++j) gradient[j] += by_state[j];
}

std::pair<std::size_t, std::size_t> Policy::output_parameters(std::size_t choice) const {
  return {outputs_[choice], inputs_[choice] - outputs_[choice]};
}

void Adam::ascend(const std::vector<double>& gradient, std::vector<double>& parameters) {
  constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  first_.resize(parameters.size());
  second_.resize(parameters.size());
  ++steps_;
  const double correction1 = 1 - std::pow(beta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(beta2, static_cast<double>(steps_));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    first_[i] = beta1 * first_[i] + (1 - beta1) * gradient[i];
    second_[i] = beta2 * second_[i] + (1 - beta2) * gradient[i] * gradient[i];
    parameters[i] += rate_ * (first_[i] / correction1) / (std::sqrt(second_[i] / correction2) + epsilon);
  }
}

}  // namespace netwright
