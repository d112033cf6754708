#include "netwright/oneshot/supernet.h"

#include <algorithm>

#include "netwright/nn/fused.h"

namespace netwright {

Mixture single(Picks picks) {
  Mixture mixture;
  mixture.only = std::move(picks);
  return mixture;
}

namespace {

torch::Tensor shuffle_channels(const torch::Tensor& x, std::int64_t groups) {
  const std::int64_t n = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  return x.reshape({n, groups, channels / groups, height, width})
      .transpose(1, 2)
      .reshape({n, channels, height, width})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

// A tensor's elements along its first dimension, as scalars; none where it is undefined.
std::vector<torch::Tensor> scalars(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.reshape({-1}).unbind(0) : std::vector<torch::Tensor>();
}

}  // namespace

// One forward pass.
class Supernet::Run {
 public:
  Run(const Supernet& net, const Mixture& mixture) : net_(net), mixture_(mixture) {
    for (const torch::Tensor& weights : mixture.weights) weights_.push_back(scalars(weights));
    for (const torch::Tensor& weights : mixture.edges) edges_.push_back(scalars(weights));
    weights_.resize(net.relaxation_.groups.size());
    edges_.resize(net.relaxation_.sums.size());
    slots_.resize(static_cast<std::size_t>(net.slot_count_));
  }

  torch::Tensor operator()(const torch::Tensor& x) {
    slots_[0] = x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
    for (const SupernetStep& step : net_.steps_) {
      torch::Tensor y;
      if (step.kind == SupernetStep::Kind::mixed) {
        y = mixed(step);
      } else if (step.kind == SupernetStep::Kind::mask) {
        y = masked(step);
      } else {
        y = step.units.front().layer->forward(inputs(step.units.front()));
      }
      for (const int slot : step.last_read) slots_[static_cast<std::size_t>(slot)].reset();
      slots_[static_cast<std::size_t>(step.output)] = std::move(y);
    }
    return slots_[static_cast<std::size_t>(net_.output_slot_)];
  }

 private:
  const torch::Tensor& slot(int number) const { return slots_[static_cast<std::size_t>(number)]; }

  std::vector<torch::Tensor> inputs(const SupernetUnit& unit) const {
    std::vector<torch::Tensor> tensors;
    for (const int input : unit.inputs) tensors.push_back(slot(input));
    return tensors;
  }

  // Undefined: 1.
  torch::Tensor weight(const Factor& factor) const {
    const RelaxedRow& row = net_.relaxation_.rows[static_cast<std::size_t>(factor.row)];
    const auto& weights = weights_[static_cast<std::size_t>(row.group)];
    if (weights.empty()) return {};
    return weights[static_cast<std::size_t>(row.index) * row.options.size() + static_cast<std::size_t>(factor.option)];
  }

  torch::Tensor weight(const std::vector<Factor>& factors) const {
    torch::Tensor product;
    for (const Factor& factor : factors) {
      const torch::Tensor one = weight(factor);
      if (one.defined()) product = product.defined() ? product * one : one;
    }
    return product;
  }

  bool runs(const SupernetUnit& unit) const {
    if (unit.zero) return false;
    if (!mixture_.only) return true;
    return std::all_of(unit.factors.begin(), unit.factors.end(), [&](const Factor& factor) {
      const int only = mixture_.only->options[static_cast<std::size_t>(factor.row)];
      return only < 0 || only == factor.option;
    });
  }

  bool is_there(const SupernetStep& step) const {
    if (step.sum < 0 || !mixture_.only || mixture_.only->edges.empty()) return true;
    const std::vector<int>& edges = mixture_.only->edges[static_cast<std::size_t>(step.sum)];
    return std::find(edges.begin(), edges.end(), step.edge) != edges.end();
  }

  torch::Tensor zeros(const Shape& shape) const {
    const torch::Tensor& x = slots_.front();
    if (!shape.is_image()) return torch::zeros({x.size(0), shape.channels}, x.options());
    return torch::zeros({x.size(0), shape.channels, shape.height, shape.width},
                        x.options().memory_format(at::MemoryFormat::ChannelsLast));
  }

  torch::Tensor mixed(const SupernetStep& step) {
    if (!is_there(step)) return zeros(step.shape);
    torch::Tensor through, around;
    if (step.partial > 1) {
      const torch::Tensor& x = slot(step.units.front().inputs.front());
      const std::int64_t share = x.size(1) / step.partial;
      through = x.narrow(1, 0, share).contiguous(at::MemoryFormat::ChannelsLast);
      around = x.narrow(1, share, x.size(1) - share);
      if (step.reduces) around = torch::max_pool2d(around, 2, 2, 0, 1, /*ceil_mode=*/true);
    }
    torch::Tensor sum;
    for (const SupernetUnit& unit : step.units) {
      if (!runs(unit)) continue;
      std::vector<torch::Tensor> x = inputs(unit);
      if (through.defined()) x = {through};
      torch::Tensor y = unit.layer ? unit.layer->forward(x) : x.front();
      const torch::Tensor w = weight(unit.factors);
      if (w.defined()) y = y * w;
      sum = sum.defined() ? sum + y : y;
    }
    if (!sum.defined()) {
      Shape shape = step.shape;
      shape.channels /= step.partial;
      sum = zeros(shape);
    }
    if (step.partial > 1) sum = shuffle_channels(torch::cat({sum, around}, 1), step.partial);
    if (step.sum < 0) return sum;
    const auto& edges = edges_[static_cast<std::size_t>(step.sum)];
    return edges.empty() ? sum : sum * edges[static_cast<std::size_t>(step.edge)];
  }

  torch::Tensor masked(const SupernetStep& step) {
    const WidthMask& mask = net_.relaxation_.masks[static_cast<std::size_t>(step.mask)];
    const torch::Tensor& x = slot(step.units.front().inputs.front());
    torch::Tensor share;
    for (std::size_t i = 0; i < mask.widths.size(); ++i) {
      const Factor factor{mask.row, static_cast<int>(i)};
      const int only = mixture_.only ? mixture_.only->options[static_cast<std::size_t>(mask.row)] : -1;
      if (only >= 0 && only != factor.option) continue;
      torch::Tensor kept = torch::zeros({x.size(1)}, x.options());
      kept.narrow(0, 0, mask.widths[i]).fill_(1);
      const torch::Tensor w = weight(factor);
      if (w.defined()) kept = kept * w;
      share = share.defined() ? share + kept : kept;
    }
    return x.dim() == 4 ? x * share.view({1, -1, 1, 1}) : x * share;
  }

  const Supernet& net_;
  const Mixture& mixture_;
  std::vector<std::vector<torch::Tensor>> weights_, edges_;
  std::vector<torch::Tensor> slots_;
};

torch::Tensor Supernet::forward(const torch::Tensor& x, const Mixture& mixture) {
  const PlainExecution guard(plain_);
  return Run(*this, mixture)(x);
}

std::int64_t Supernet::parameter_count() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

}  // namespace netwright
