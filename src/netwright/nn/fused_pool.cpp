#include "netwright/nn/fused_pool.h"

#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include "netwright/nn/accumulated.h"
#include "netwright/nn/fused.h"
#include "netwright/nn/kernels/pool.h"
#include "netwright/nn/scratch.h"
#include "netwright/nn/weighted_sum.h"

namespace netwright {
namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

template <class T>
kernels::Pooling<T> pooling_of(const torch::Tensor& shape, const PoolOptions& options,
                               const torch::Tensor& statistics) {
  kernels::Pooling<T> pooling;
  pooling.samples = shape.size(0);
  pooling.channels = shape.size(1);
  pooling.height = shape.size(2);
  pooling.width = shape.size(3);
  pooling.stride = options.stride;
  pooling.average = options.average;
  pooling.threads = at::get_num_threads();
  pooling.normalize = statistics.defined();
  if (pooling.normalize) {
    T* at = statistics.data_ptr<T>();
    pooling.norm = {at, at + pooling.channels, at + 2 * pooling.channels};
  }
  return pooling;
}

template <class T>
void run_forward(const torch::Tensor& x, const PoolOptions& options, const torch::Tensor& statistics,
                 const torch::Tensor& y, BatchNorm* norm) {
  kernels::Pooling<T> pooling = pooling_of<T>(x, options, statistics);
  pooling.x = x.data_ptr<T>();
  pooling.y = y.data_ptr<T>();
  const auto* kernels = kernels::pooling_kernels<T>();
  kernels->forward(pooling, scratch(kernels->scratch_bytes(pooling)));
  if (norm) norm->update_running<T>(pooling.norm.mean, pooling.norm.variance, y.numel() / y.size(1));
}

template <class T>
void run_backward(const torch::Tensor& x, const PoolOptions& options, const torch::Tensor& statistics,
                  const torch::Tensor& y, const std::vector<ValueGradient>& gradients,
                  const GradientSum::Place& place) {
  kernels::Pooling<T> pooling = pooling_of<T>(place.tensor, options, statistics);
  if (x.defined()) pooling.x = x.data_ptr<T>();
  if (y.defined()) pooling.y = y.data_ptr<T>();
  std::vector<const T*> of;
  std::vector<T> weights;
  std::vector<double> totals, products;
  for (const ValueGradient& one : gradients) {
    of.push_back(one.gradient.data_ptr<T>());
    weights.push_back(static_cast<T>(one.weight));
    totals.resize(one.totals.size());
    products.resize(one.totals.size());
    for (std::size_t c = 0; c < totals.size(); ++c) {
      totals[c] += one.weight * one.totals[c];
      products[c] += one.weight * one.products[c];
    }
  }
  pooling.gradients = of.data();
  pooling.gradient_weights = weights.data();
  pooling.gradient_count = static_cast<int>(of.size());
  if (!totals.empty()) {
    pooling.totals = totals.data();
    pooling.products = products.data();
  }
  pooling.x_gradient = place.tensor.data_ptr<T>();
  pooling.add = place.add;
  const auto* kernels = kernels::pooling_kernels<T>();
  kernels->backward(pooling, scratch(kernels->scratch_bytes(pooling)));
}

class PoolBackward : public ValueGradients {
 public:
  PoolBackward(const PoolOptions& options, const torch::Tensor& x, torch::Tensor statistics)
      : options_(options), statistics_(std::move(statistics)), x_(x, /*is_output=*/false) {}

  void save_output(const torch::Tensor& y) { y_ = SavedVariable(y, /*is_output=*/true); }

  variable_list apply(variable_list&& gradients) override {
    const std::vector<ValueGradient> all = all_of(gradients[0]);
    if (all.empty()) return {torch::Tensor()};
    const torch::Tensor x = x_.unpack(shared_from_this());
    if (at::GradMode::is_enabled()) return {differentiable(x, gradients[0])};
    const torch::Tensor y = statistics_.defined() ? y_.unpack(shared_from_this()) : torch::Tensor();
    auto* sum = dynamic_cast<GradientSum*>(next_edge(0).function.get());
    const GradientSum::Place place = sum ? sum->place(x) : GradientSum::Place{torch::empty_like(x), false};
    if (x.scalar_type() == torch::kFloat) {
      run_backward<float>(x, options_, statistics_, y, all, place);
    } else {
      run_backward<double>(x, options_, statistics_, y, all, place);
    }
    return {sum ? torch::Tensor() : place.tensor};
  }

  void release_variables() override {
    x_.reset_data();
    y_.reset_data();
  }
  std::string name() const override { return "PoolBackward"; }

 private:
  // What it was given and told; or, of both, their sum.
  std::vector<ValueGradient> all_of(const torch::Tensor& given) {
    std::vector<ValueGradient> all = std::move(taken_);
    taken_.clear();
    if (!given.defined()) return all;
    torch::Tensor gradient = packed(given);
    for (const ValueGradient& one : all) gradient = gradient.add(one.gradient, one.weight);
    return {{gradient, 1, {}, {}}};
  }

  torch::Tensor differentiable(const torch::Tensor& x, const torch::Tensor& gradient) const {
    const torch::Tensor apart = x.view_as(x);
    torch::Tensor y = plain_pool(apart, options_);
    if (statistics_.defined()) {
      y = torch::batch_norm(y, {}, {}, {}, {}, /*training=*/true, 0.0, BatchNorm::epsilon, false);
    }
    return torch::autograd::grad({y}, {apart}, {gradient}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  }

  PoolOptions options_;
  torch::Tensor statistics_;  // mean, variance, inverse; undefined without norm
  SavedVariable x_, y_;
};

}  // namespace

bool fusible(const torch::Tensor& x, const PoolOptions& options) {
  const bool several = x.dim() == 4 && (x.size(0) > 1 || x.size(2) > options.stride || x.size(3) > options.stride);
  return several && options.kernel == 3 && (options.stride == 1 || options.stride == 2) && summable(x) &&
         !PlainExecution::active();
}

torch::Tensor fused_pool(const torch::Tensor& given, const PoolOptions& options, BatchNorm* norm) {
  const torch::Tensor x = packed(given);
  torch::Tensor y, statistics;
  {
    const torch::NoGradGuard no_grad;
    y = torch::empty({x.size(0), x.size(1), (x.size(2) - 1) / options.stride + 1, (x.size(3) - 1) / options.stride + 1},
                     x.options().memory_format(at::MemoryFormat::ChannelsLast));
    if (norm) statistics = torch::empty({3, x.size(1)}, x.options());
    if (x.scalar_type() == torch::kFloat) {
      run_forward<float>(x, options, statistics, y, norm);
    } else {
      run_forward<double>(x, options, statistics, y, norm);
    }
  }
  if (!at::GradMode::is_enabled() || !x.requires_grad()) return y;
  const std::shared_ptr<PoolBackward> node(new PoolBackward(options, x, statistics), torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::autograd::set_history(y, node);
  if (norm) node->save_output(y);
  return y;
}

torch::Tensor plain_pool(const torch::Tensor& x, const PoolOptions& options) {
  const std::int64_t padding = (options.kernel - 1) / 2;
  if (!options.average) return torch::max_pool2d(x, options.kernel, options.stride, padding);
  return torch::avg_pool2d(x, options.kernel, options.stride, padding, /*ceil_mode=*/false,
                           /*count_include_pad=*/false);
}

}  // namespace netwright
