#include "netwright/nn/recompute.h"

#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <memory>

#include "netwright/nn/units.h"

namespace netwright {
namespace {

using torch::autograd::variable_list;

// While one lives, the default generator goes on from `state`; afterwards from where it was.
class BorrowedState {
 public:
  BorrowedState(torch::Device device, const torch::Tensor& state)
      : generator_(at::globalContext().defaultGenerator(device)), kept_(generator_.get_state()) {
    generator_.set_state(state);
  }
  ~BorrowedState() { generator_.set_state(kept_); }
  BorrowedState(const BorrowedState&) = delete;
  BorrowedState& operator=(const BorrowedState&) = delete;

 private:
  at::Generator generator_;
  torch::Tensor kept_;
};

bool wants_gradient(const torch::Tensor& x) {
  return x.defined() && x.requires_grad();
}

class RecomputedBackward : public torch::autograd::Node {
 public:
  RecomputedBackward(TensorFunction function, const variable_list& inputs, const variable_list& parameters,
                     torch::Tensor random_state)
      : function_(std::move(function)),
        input_count_(inputs.size()),
        device_(inputs.front().device()),
        random_state_(std::move(random_state)) {
    for (const auto* tensors : {&inputs, &parameters}) {
      for (const torch::Tensor& tensor : *tensors) saved_.emplace_back(tensor, /*is_output=*/false);
    }
  }

  variable_list apply(variable_list&& gradients) override {
    if (saved_.empty()) throw std::runtime_error("a recomputed part cannot be propagated back a second time");
    const bool again = at::GradMode::is_enabled();
    variable_list tensors, given, from;
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      torch::Tensor tensor = saved_[i].unpack(shared_from_this());
      const bool has_gradient = wants_gradient(tensor);
      // One input may be a function of another: the derivative by each is to hold the others fast.
      if (i < input_count_ && has_gradient) {
        const torch::AutoGradMode enabled(true);
        tensor = again ? tensor.view_as(tensor) : tensor.detach().requires_grad_();
      }
      if (has_gradient && task_should_compute_output(i)) {
        wanted.push_back(i);
        from.push_back(tensor);
      }
      tensors.push_back(std::move(tensor));
    }
    variable_list found(saved_.size());
    if (from.empty()) return found;
    variable_list outputs = run({tensors.begin(), tensors.begin() + static_cast<std::ptrdiff_t>(input_count_)}), kept;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined() || !wants_gradient(outputs[i])) continue;
      kept.push_back(std::move(outputs[i]));
      given.push_back(gradients[i]);
    }
    if (kept.empty()) return found;
    const variable_list derivatives =
        torch::autograd::grad(kept, from, given, /*retain_graph=*/again, /*create_graph=*/again, /*allow_unused=*/true);
    for (std::size_t i = 0; i < wanted.size(); ++i) found[wanted[i]] = derivatives[i];
    return found;
  }

  void release_variables() override { saved_.clear(); }
  std::string name() const override { return "RecomputedBackward"; }

 private:
  variable_list run(const variable_list& inputs) {
    const BorrowedState borrowed(device_, random_state_);
    const RestingStatistics resting;
    const torch::AutoGradMode enabled(true);
    return function_(inputs);
  }

  TensorFunction function_;
  std::size_t input_count_;
  torch::Device device_;
  torch::Tensor random_state_;
  std::vector<torch::autograd::SavedVariable> saved_;
};

}  // namespace

std::vector<torch::Tensor> recomputed(const TensorFunction& function, const std::vector<torch::Tensor>& inputs,
                                      const std::vector<torch::Tensor>& parameters) {
  variable_list all = inputs;
  all.insert(all.end(), parameters.begin(), parameters.end());
  if (!at::GradMode::is_enabled() || std::none_of(all.begin(), all.end(), wants_gradient)) return function(inputs);
  const torch::Tensor state = at::globalContext().defaultGenerator(inputs.front().device()).get_state();
  std::vector<torch::Tensor> outputs;
  {
    const torch::NoGradGuard no_grad;
    // An input that is passed on as it is must not become a function of itself.
    for (const torch::Tensor& output : function(inputs)) outputs.push_back(output.detach());
  }
  const std::shared_ptr<RecomputedBackward> node(new RecomputedBackward(function, inputs, parameters, state),
                                                 torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(all));
  for (torch::Tensor& output : outputs) torch::autograd::set_history(output, node);
  return outputs;
}

}  // namespace netwright
