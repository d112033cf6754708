#include "netwright/oneshot/supernet.h"

#include <algorithm>

#include "netwright/nn/accumulated.h"
#include "netwright/nn/fused.h"
#include "netwright/nn/recompute.h"
#include "netwright/nn/weighted_sum.h"

namespace netwright {

Mixture single(Picks picks) {
  Mixture mixture;
  mixture.only = std::move(picks);
  return mixture;
}

namespace {

torch::Tensor shuffle_channels(const torch::Tensor& x, std::int64_t groups, at::MemoryFormat layout) {
  const std::int64_t n = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  return x.reshape({n, groups, channels / groups, height, width})
      .transpose(1, 2)
      .reshape({n, channels, height, width})
      .contiguous(layout);
}

}  // namespace

// One forward pass.
class Supernet::Run {
 public:
  Run(const Supernet& net, const Mixture& mixture, const torch::Tensor& x) : Run(net, mixture.only) {
    slots_[0] = x.dim() == 4 ? x.contiguous(layout()) : x;
    flatten_weights(mixture);
  }

  torch::Tensor operator()() {
    std::size_t next = 0;
    for (const SupernetSegment& segment : net_.segments_) {
      run_steps(next, segment.begin);
      run_again_later(segment);
      next = segment.end;
    }
    run_steps(next, net_.steps_.size());
    return slots_[static_cast<std::size_t>(net_.output_slot_)];
  }

 private:
  Run(const Supernet& net, const std::optional<Picks>& only)
      : net_(net),
        only_(only),
        slots_(static_cast<std::size_t>(net.slot_count_)),
        shared_(net.shared_slots_.size()),
        shares_(slots_.size()) {}

  void run_steps(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const SupernetStep& step = net_.steps_[i];
      torch::Tensor y = run(step);
      for (const int slot : step.last_read) release(slot);
      put(step.output, y);
    }
  }

  void put(int slot, const torch::Tensor& y) {
    const bool several = net_.readers_[static_cast<std::size_t>(slot)] > 1;
    slots_[static_cast<std::size_t>(slot)] = net_.passes_.gradients && several ? accumulated(y) : y;
  }

  // Everything that the steps need besides their slots is copied: the backward pass comes when this run is over.
  void run_again_later(const SupernetSegment& segment) {
    std::vector<torch::Tensor> arguments;
    for (const int input : segment.inputs) arguments.push_back(slot(input));
    arguments.push_back(flat_);
    const TensorFunction steps = [net = &net_, only = only_, weight_places = weight_places_, edge_places = edge_places_,
                                  first = slots_[0].detach(), &segment](const std::vector<torch::Tensor>& values) {
      const PlainExecution guard(!net->passes_.blocks);
      Run run(*net, only);
      run.weight_places_ = weight_places;
      run.edge_places_ = edge_places;
      run.slots_[0] = first;
      run.flat_ = values.back();
      for (std::size_t i = 0; i < segment.inputs.size(); ++i) {
        run.put(segment.inputs[i], values[i]);
      }
      run.run_steps(segment.begin, segment.end);
      std::vector<torch::Tensor> outputs;
      for (const int output : segment.outputs) outputs.push_back(run.slot(output));
      return outputs;
    };
    const std::vector<torch::Tensor> outputs = recomputed(steps, arguments, segment.parameters);
    for (std::size_t i = segment.begin; i < segment.end; ++i) {
      for (const int slot : net_.steps_[i].last_read) release(slot);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      put(segment.outputs[i], outputs[i]);
    }
  }

  struct Weighted {
    SumTerm term;
    std::vector<std::int64_t> factors;  // places in flat_
  };

  at::MemoryFormat layout() const {
    return net_.passes_.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  }

  torch::Tensor run(const SupernetStep& step) {
    switch (step.kind) {
      case SupernetStep::Kind::mixed:
        return mixed(step);
      case SupernetStep::Kind::mask:
        return masked(step);
      case SupernetStep::Kind::sum:
        return sum(step);
      default:
        return step.units.front().layer->forward(inputs(step.units.front()));
    }
  }

  // Every weight of the mixture in one row, and a 1 at its end.
  void flatten_weights(const Mixture& mixture) {
    std::vector<torch::Tensor> parts;
    auto place = [&, next = std::int64_t{0}](const torch::Tensor& weights) mutable {
      const std::int64_t begin = weights.defined() ? next : -1;
      if (weights.defined()) {
        parts.push_back(weights.reshape({-1}).to(slots_[0].options()));
        next += weights.numel();
      }
      return begin;
    };
    for (const torch::Tensor& weights : mixture.weights) weight_places_.push_back(place(weights));
    for (const torch::Tensor& weights : mixture.edges) edge_places_.push_back(place(weights));
    weight_places_.resize(net_.relaxation_.groups.size(), -1);
    edge_places_.resize(net_.relaxation_.sums.size(), -1);
    if (parts.empty()) return;
    parts.push_back(torch::ones({1}, slots_[0].options()));
    flat_ = torch::cat(parts);
  }

  const torch::Tensor& slot(int number) const { return slots_[static_cast<std::size_t>(number)]; }

  void release(int slot) {
    slots_[static_cast<std::size_t>(slot)].reset();
    shares_[static_cast<std::size_t>(slot)].reset();
    for (std::size_t i = 0; i < shared_.size(); ++i) {
      if (net_.shared_slots_[i] == slot) shared_[i].reset();
    }
  }

  std::vector<torch::Tensor> inputs(const SupernetUnit& unit) const {
    std::vector<torch::Tensor> tensors;
    for (const int input : unit.inputs) tensors.push_back(slot(input));
    return tensors;
  }

  std::vector<std::int64_t> places(const std::vector<Factor>& factors) const {
    std::vector<std::int64_t> found;
    for (const Factor& factor : factors) {
      const RelaxedRow& row = net_.relaxation_.rows[static_cast<std::size_t>(factor.row)];
      const std::int64_t begin = weight_places_[static_cast<std::size_t>(row.group)];
      if (begin < 0) continue;
      found.push_back(begin + row.index * static_cast<std::int64_t>(row.options.size()) + factor.option);
    }
    return found;
  }

  // Undefined: 1.
  torch::Tensor weight(const Factor& factor) const {
    const std::vector<std::int64_t> place = places({factor});
    return place.empty() ? torch::Tensor() : flat_[place.front()];
  }

  // Of each term the product of its factors; undefined: all 1.
  torch::Tensor weights(const std::vector<Weighted>& terms) const {
    std::size_t most = 0;
    for (const Weighted& one : terms) most = std::max(most, one.factors.size());
    torch::Tensor product;
    for (std::size_t f = 0; f < most; ++f) {
      std::vector<std::int64_t> at;
      for (const Weighted& one : terms) at.push_back(f < one.factors.size() ? one.factors[f] : flat_.numel() - 1);
      const torch::Tensor one = flat_.index_select(0, torch::tensor(at, flat_.options().dtype(torch::kLong)));
      product = product.defined() ? product * one : one;
    }
    return product;
  }

  bool runs(const SupernetUnit& unit) const {
    if (unit.zero) return false;
    if (!only_) return true;
    return std::all_of(unit.factors.begin(), unit.factors.end(), [&](const Factor& factor) {
      const int only = only_->options[static_cast<std::size_t>(factor.row)];
      return only < 0 || only == factor.option;
    });
  }

  bool is_there(const SupernetStep& step) const {
    if (step.sum < 0 || !only_ || only_->edges.empty()) return true;
    const std::vector<int>& edges = only_->edges[static_cast<std::size_t>(step.sum)];
    return std::find(edges.begin(), edges.end(), step.edge) != edges.end();
  }

  torch::Tensor zeros(const Shape& shape) const {
    const torch::Tensor& x = slots_.front();
    if (!shape.is_image()) return torch::zeros({x.size(0), shape.channels}, x.options());
    return torch::zeros({x.size(0), shape.channels, shape.height, shape.width}, x.options().memory_format(layout()));
  }

  // What the unit gives for `x`, or what another unit like it gave before.
  torch::Tensor value(const SupernetUnit& unit, const std::vector<torch::Tensor>& x) {
    if (!unit.layer) return x.front();
    if (unit.shared < 0) return unit.layer->forward(x);
    torch::Tensor& shared = shared_[static_cast<std::size_t>(unit.shared)];
    if (!shared.defined()) shared = unit.layer->forward(x);
    return shared;
  }

  // Where a weighted sum has kernels for the layer.
  static void take_kernel(Layer* layer, SumTerm& term) {
    auto* separable = dynamic_cast<Separable*>(layer);
    auto* reduce = dynamic_cast<FactorizedReduce*>(layer);
    if (separable && summable(*separable)) term.separable = separable;
    if (reduce && summable(*reduce)) term.reduce = reduce;
  }

  static int source_number(const torch::Tensor& x, std::vector<torch::Tensor>& sources) {
    const auto found =
        std::find_if(sources.begin(), sources.end(), [&](const torch::Tensor& source) { return source.is_same(x); });
    const int number = static_cast<int>(found - sources.begin());
    if (found == sources.end()) sources.push_back(x);
    return number;
  }

  // The edge's options as terms of a sum, `through` in place of their input where it is defined.
  void add_terms(const SupernetStep& edge, const torch::Tensor& through, std::vector<torch::Tensor>& sources,
                 std::vector<Weighted>& terms) {
    for (const SupernetUnit& unit : edge.units) {
      if (!runs(unit)) continue;
      const std::vector<torch::Tensor> x = through.defined() ? std::vector<torch::Tensor>{through} : inputs(unit);
      Weighted weighted{{}, places(unit.factors)};
      if (edge.partial == 1 && edge.sum >= 0 && edge_places_[static_cast<std::size_t>(edge.sum)] >= 0) {
        weighted.factors.push_back(edge_places_[static_cast<std::size_t>(edge.sum)] + edge.edge);
      }
      const bool several = slots_.front().size(0) * edge.shape.height * edge.shape.width > 1;  // a norm needs them
      if (net_.passes_.separable && several && summable(x.front())) take_kernel(unit.layer.get(), weighted.term);
      if (!unit.layer || weighted.term.separable || weighted.term.reduce) {
        weighted.term.source = source_number(x.front(), sources);
      } else {
        weighted.term.value = value(unit, x);
      }
      terms.push_back(std::move(weighted));
    }
  }

  torch::Tensor add_up(const std::vector<torch::Tensor>& sources, const std::vector<Weighted>& terms,
                       const Shape& shape) const {
    if (terms.empty()) return zeros(shape);
    const torch::Tensor scales = weights(terms);
    const Weighted& first = terms.front();
    const torch::Tensor& any = first.term.source >= 0 ? sources.front() : first.term.value;
    if (summable(any) && (terms.size() > 1 || scales.defined() || first.term.separable || first.term.reduce)) {
      std::vector<SumTerm> all;
      for (const Weighted& one : terms) all.push_back(one.term);
      const bool halved = net_.passes_.bf16 && any.scalar_type() == torch::kFloat;
      return weighted_sum(sources, all, scales, shape, halved ? torch::kBFloat16 : any.scalar_type(),
                          net_.passes_.gradients);
    }
    torch::Tensor total;
    for (std::size_t k = 0; k < terms.size(); ++k) {
      const SumTerm& term = terms[k].term;
      torch::Tensor y = term.source >= 0 ? sources[static_cast<std::size_t>(term.source)] : term.value;
      if (scales.defined()) y = y * scales[static_cast<std::int64_t>(k)];
      total = total.defined() ? total + y : y;
    }
    return total;
  }

  torch::Tensor sum(const SupernetStep& step) {
    std::vector<torch::Tensor> sources;
    std::vector<Weighted> terms;
    for (const SupernetStep& edge : step.edges) {
      if (is_there(edge)) add_terms(edge, {}, sources, terms);
    }
    return add_up(sources, terms, step.shape);
  }

  // The first channels of a partial edge's input, in their own memory.
  torch::Tensor share_of(int slot_number, std::int64_t partial) {
    torch::Tensor& share = shares_[static_cast<std::size_t>(slot_number)];
    const torch::Tensor& x = slot(slot_number);
    if (!share.defined() || !net_.passes_.share) {
      share = x.narrow(1, 0, x.size(1) / partial).contiguous(layout());
      if (net_.passes_.gradients) share = accumulated(share);
    }
    return share;
  }

  torch::Tensor mixed(const SupernetStep& step) {
    if (!is_there(step)) return zeros(step.shape);
    Shape shape = step.shape;
    torch::Tensor through, around;
    if (step.partial > 1) {
      const int source = step.units.front().inputs.front();
      const torch::Tensor& x = slot(source);
      through = share_of(source, step.partial);
      around = x.narrow(1, through.size(1), x.size(1) - through.size(1));
      if (step.reduces) around = torch::max_pool2d(around, 2, 2, 0, 1, /*ceil_mode=*/true);
      shape.channels /= step.partial;
    }
    torch::Tensor total = net_.passes_.sums ? one_function(step, through, shape) : one_by_one(step, through, shape);
    if (step.partial > 1) total = shuffle_channels(torch::cat({total, around}, 1), step.partial, layout());
    if (step.sum < 0 || edge_places_[static_cast<std::size_t>(step.sum)] < 0) return total;
    return total * flat_[edge_places_[static_cast<std::size_t>(step.sum)] + step.edge];
  }

  torch::Tensor one_function(const SupernetStep& step, const torch::Tensor& through, const Shape& shape) {
    std::vector<torch::Tensor> sources;
    std::vector<Weighted> terms;
    add_terms(step, through, sources, terms);
    return add_up(sources, terms, shape);
  }

  torch::Tensor one_by_one(const SupernetStep& step, const torch::Tensor& through, const Shape& shape) {
    torch::Tensor total;
    for (const SupernetUnit& unit : step.units) {
      if (!runs(unit)) continue;
      torch::Tensor y = value(unit, through.defined() ? std::vector<torch::Tensor>{through} : inputs(unit));
      for (const Factor& factor : unit.factors) {
        const torch::Tensor w = weight(factor);
        if (w.defined()) y = y * w;
      }
      total = total.defined() ? total + y : y;
    }
    return total.defined() ? total : zeros(shape);
  }

  torch::Tensor masked(const SupernetStep& step) {
    const WidthMask& mask = net_.relaxation_.masks[static_cast<std::size_t>(step.mask)];
    const torch::Tensor& x = slot(step.units.front().inputs.front());
    torch::Tensor share;
    for (std::size_t i = 0; i < mask.widths.size(); ++i) {
      const Factor factor{mask.row, static_cast<int>(i)};
      const int only = only_ ? only_->options[static_cast<std::size_t>(mask.row)] : -1;
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
  std::optional<Picks> only_;
  torch::Tensor flat_;
  std::vector<std::int64_t> weight_places_, edge_places_;  // where groups and sums begin in flat_; -1: weights of 1
  std::vector<torch::Tensor> slots_, shared_, shares_;
};

torch::Tensor Supernet::forward(const torch::Tensor& x, const Mixture& mixture) {
  const PlainExecution guard(!passes_.blocks);
  return Run(*this, mixture, x)();
}

std::int64_t Supernet::parameter_count() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

}  // namespace netwright
