#include "netwright/nn/depthwise.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include "netwright/nn/fused.h"
#include "netwright/nn/kernels/depthwise_double.h"
#include "netwright/nn/scratch.h"
#include "netwright/nn/weighted_sum.h"

namespace netwright {
namespace {

using kernels::DepthwiseShape;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

torch::Tensor empty_image(const torch::Tensor& like, std::int64_t height, std::int64_t width) {
  return torch::empty({like.size(0), like.size(1), height, width},
                      like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

// C x 1 x k x k as k x k x C, whatever its strides.
torch::Tensor by_taps(const torch::Tensor& weight) {
  return weight.reshape({weight.size(0), -1}).t().contiguous();
}

torch::Tensor forward(const DepthwiseShape& shape, const torch::Tensor& x, const torch::Tensor& weight) {
  const torch::Tensor y = empty_image(x, shape.rows, shape.columns), taps = by_taps(weight);
  at::parallel_for(0, shape.samples * shape.rows, 1, [&](std::int64_t first, std::int64_t last) {
    kernels::depthwise(shape, x.data_ptr<double>(), taps.data_ptr<double>(), y.data_ptr<double>(), first, last);
  });
  return y;
}

torch::Tensor input_gradient(const DepthwiseShape& shape, const torch::Tensor& dy, const torch::Tensor& weight) {
  const torch::Tensor dx = empty_image(dy, shape.height, shape.width), taps = by_taps(weight);
  at::parallel_for(0, shape.samples * shape.height, 1, [&](std::int64_t first, std::int64_t last) {
    kernels::depthwise_input_gradient(shape, dy.data_ptr<double>(), taps.data_ptr<double>(), dx.data_ptr<double>(),
                                      first, last);
  });
  return dx;
}

torch::Tensor weight_gradient(const DepthwiseShape& shape, const torch::Tensor& x, const torch::Tensor& dy) {
  const std::int64_t taps = shape.kernel * shape.kernel;
  const torch::Tensor found = torch::empty({taps, shape.channels}, dy.options());
  at::parallel_for(0, taps, 1, [&](std::int64_t first, std::int64_t last) {
    kernels::depthwise_weight_gradient(shape, x.data_ptr<double>(), dy.data_ptr<double>(), found.data_ptr<double>(),
                                       first, last);
  });
  return found.t().reshape({shape.channels, 1, shape.kernel, shape.kernel});
}

class DepthwiseBackward : public torch::autograd::Node {
 public:
  DepthwiseBackward(const DepthwiseShape& shape, const torch::Tensor& x, const torch::Tensor& weight)
      : shape_(shape), x_(x, /*is_output=*/false), weight_(weight, /*is_output=*/false) {}

  variable_list apply(variable_list&& gradients) override {
    variable_list found(2);
    if (!gradients[0].defined()) return found;
    const bool of_x = task_should_compute_output(0), of_weight = task_should_compute_output(1);
    const torch::Tensor x = x_.unpack(), weight = weight_.unpack();
    if (at::GradMode::is_enabled()) return differentiable(x, weight, gradients[0], of_x, of_weight);
    const torch::Tensor dy = packed(gradients[0]);
    if (of_x) found[0] = input_gradient(shape_, dy, weight);
    if (of_weight) found[1] = weight_gradient(shape_, packed(x), dy);
    return found;
  }

  void release_variables() override {
    x_.reset_data();
    weight_.reset_data();
  }
  std::string name() const override { return "DepthwiseBackward"; }

 private:
  variable_list differentiable(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& dy, bool of_x,
                               bool of_weight) const {
    const auto [dx, dweight, unused] = at::convolution_backward(
        dy, x, weight, at::OptionalIntArrayRef(), {shape_.stride, shape_.stride}, {shape_.padding, shape_.padding},
        {shape_.dilation, shape_.dilation}, /*transposed=*/false, {0, 0}, shape_.channels, {of_x, of_weight, false});
    return {of_x ? dx : torch::Tensor(), of_weight ? dweight : torch::Tensor()};
  }

  DepthwiseShape shape_;
  SavedVariable x_, weight_;
};

}  // namespace

bool depthwise_wanted(const torch::Tensor& x, const ConvolutionOptions& options) {
  return options.groups > 1 && options.groups == options.in && options.groups == options.out && !options.bias &&
         x.scalar_type() == torch::kDouble && x.dim() == 4 && summable(x) && !PlainExecution::active();
}

torch::Tensor depthwise(const torch::Tensor& given, const torch::Tensor& weight, std::int64_t stride,
                        std::int64_t padding, std::int64_t dilation) {
  const std::int64_t kernel = weight.size(2), reach = dilation * (kernel - 1) + 1;
  const auto size = [&](std::int64_t in) { return (in + 2 * padding - reach) / stride + 1; };
  const DepthwiseShape shape{given.size(0),       given.size(1), given.size(2), given.size(3), size(given.size(2)),
                             size(given.size(3)), kernel,        stride,        dilation,      padding};
  torch::Tensor y;
  {
    const torch::NoGradGuard no_grad;
    y = forward(shape, packed(given), weight);
  }
  if (!at::GradMode::is_enabled() || !(given.requires_grad() || weight.requires_grad())) return y;
  const std::shared_ptr<DepthwiseBackward> node(new DepthwiseBackward(shape, given, weight),
                                                torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(given, weight));
  torch::autograd::set_history(y, node);
  return y;
}

}  // namespace netwright
