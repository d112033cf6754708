#include "netwright/nn/weighted_sum.h"

#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <memory>

#include "netwright/nn/accumulated.h"
#include "netwright/nn/kernels/weighted_sum.h"
#include "netwright/nn/scratch.h"

namespace netwright {
namespace {

using torch::autograd::variable_list;

struct StagePlan {
  bool reduction = false;
  int kernel = 3, dilation = 1, stride = 1;
  BatchNorm* norm = nullptr;  // in forward: its running statistics are updated
};

struct TermPlan {
  int source = -1;
  int stages = 0;
  int value = -1;
  StagePlan stage[2];
};

// What the function knows besides tensors. Its inputs are in this order: weights, sources, values, then of each stage
// of the separable terms the depthwise and the pointwise weights, scale and shift of the norm.
constexpr std::size_t inputs_per_stage = 4;

struct Plan {
  Shape output;
  torch::ScalarType kept = torch::kFloat;  // type of z
  bool tells = false;
  int sources = 0, values = 0, stages = 0;
  std::vector<TermPlan> terms;

  std::size_t source(int number) const { return 1 + static_cast<std::size_t>(number); }
  std::size_t value(int number) const { return 1 + static_cast<std::size_t>(sources + number); }
  std::size_t first_weight() const { return 1 + static_cast<std::size_t>(sources + values); }
  std::size_t inputs() const { return first_weight() + inputs_per_stage * static_cast<std::size_t>(stages); }
};

// What it keeps for backward besides.
struct KeptTensors {
  torch::Tensor statistics;      // of all stages: rows mean, variance and inverse of each
  std::vector<torch::Tensor> z;  // of each stage a row, so many in a tensor
  int stages_a_tensor = 1;

  void* z_of(int stage) const {
    const torch::Tensor& rows = z[static_cast<std::size_t>(stage / stages_a_tensor)];
    return static_cast<char*>(rows.data_ptr()) +
           static_cast<std::size_t>(stage % stages_a_tensor * rows.stride(0)) * rows.element_size();
  }
};

// A tensor costs more than the memory it stands for where images are small; large ones leave gaps in the heap where
// cells are recomputed.
KeptTensors make_kept(const torch::Tensor& out, torch::ScalarType type, int stages) {
  constexpr std::int64_t most_bytes = 4 << 20;
  KeptTensors kept;
  kept.statistics = torch::empty({3 * stages, out.size(1)}, out.options());
  const std::int64_t bytes = out.numel() * static_cast<std::int64_t>(torch::elementSize(type));
  kept.stages_a_tensor = static_cast<int>(std::clamp<std::int64_t>(most_bytes / bytes, 1, std::max(stages, 1)));
  for (int first = 0; first < stages; first += kept.stages_a_tensor) {
    const int count = std::min(kept.stages_a_tensor, stages - first);
    kept.z.push_back(torch::empty({count, out.numel()}, out.options().dtype(type)));
  }
  return kept;
}

torch::Tensor empty_output(const Plan& plan, const torch::Tensor& like) {
  if (!plan.output.is_image()) return torch::empty({like.size(0), plan.output.channels}, like.options());
  return torch::empty({like.size(0), plan.output.channels, plan.output.height, plan.output.width},
                      like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

template <class T>
T* numbers(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

// The kernels' view of the tensors.
template <class T, class Z>
struct View {
  View(const Plan& plan, const variable_list& tensors, const KeptTensors& kept)
      : sources(static_cast<std::size_t>(plan.sources)) {
    const torch::Tensor& like = tensors[1];
    sum.samples = like.size(0);
    sum.height = plan.output.is_image() ? plan.output.height : 1;
    sum.width = plan.output.is_image() ? plan.output.width : 1;
    sum.channels = plan.output.channels;
    sum.threads = at::get_num_threads();
    for (int s = 0; s < plan.sources; ++s) {
      const torch::Tensor& x = tensors[plan.source(s)];
      const bool image = x.dim() == 4;
      sources[static_cast<std::size_t>(s)] = {x.data_ptr<T>(), image ? x.size(2) : 1, image ? x.size(3) : 1};
    }
    const torch::Tensor& weights = tensors[0];
    std::size_t next = plan.first_weight();
    T* statistics = kept.statistics.data_ptr<T>();
    int number = 0;
    for (std::size_t k = 0; k < plan.terms.size(); ++k) {
      const TermPlan& from = plan.terms[k];
      kernels::Term<T, Z> term;
      term.weight = weights.defined() ? weights.data_ptr<T>()[k] : T(1);
      term.source = from.source;
      term.stages = from.stages;
      if (from.value >= 0) {
        term.kind = kernels::Term<T, Z>::Kind::value;
        term.y = tensors[plan.value(from.value)].data_ptr<T>();
      } else {
        term.kind = from.stages > 0 ? kernels::Term<T, Z>::Kind::separable : kernels::Term<T, Z>::Kind::identity;
      }
      for (int s = 0; s < from.stages; ++s) {
        const StagePlan& stage = from.stage[s];
        term.stage[s] = {stage.reduction,
                         stage.kernel,
                         stage.dilation,
                         stage.stride,
                         tensors[next].data_ptr<T>(),
                         tensors[next + 1].data_ptr<T>(),
                         static_cast<Z*>(kept.z_of(number++)),
                         {statistics, statistics + sum.channels, statistics + 2 * sum.channels},
                         numbers<T>(tensors[next + 2]),
                         numbers<T>(tensors[next + 3])};
        next += inputs_per_stage;
        statistics += 3 * sum.channels;
      }
      terms.push_back(term);
    }
    sum.sources = sources.data();
    sum.source_count = plan.sources;
    sum.terms = terms.data();
    sum.term_count = static_cast<int>(terms.size());
  }

  std::vector<kernels::SumSource<T>> sources;
  std::vector<kernels::Term<T, Z>> terms;
  kernels::WeightedSum<T, Z> sum;
};

template <class T, class Z = T>
void run_forward(const Plan& plan, const variable_list& tensors, const KeptTensors& kept, const torch::Tensor& out) {
  View<T, Z> view(plan, tensors, kept);
  view.sum.out = out.data_ptr<T>();
  const auto* kernels = kernels::weighted_sum_kernels<T, Z>();
  kernels->forward(view.sum, scratch(kernels->scratch_bytes(view.sum)));
  for (std::size_t k = 0; k < plan.terms.size(); ++k) {
    for (int s = 0; s < plan.terms[k].stages; ++s) {
      const kernels::Statistics<T>& found = view.terms[k].stage[s].norm;
      plan.terms[k].stage[s].norm->update_running(found.mean, found.variance, view.sum.positions());
    }
  }
}

template <class T, class Z = T>
variable_list run_backward(const Plan& plan, const variable_list& tensors, const KeptTensors& kept,
                           const torch::Tensor& gradient, const std::vector<bool>& wanted,
                           const torch::autograd::edge_list& edges) {
  View<T, Z> view(plan, tensors, kept);
  view.sum.gradient = gradient.data_ptr<T>();
  variable_list found(plan.inputs());
  const auto like = [&](std::size_t i) -> T* {
    if (!wanted[i]) return nullptr;
    found[i] = torch::empty_like(tensors[i]);
    return found[i].data_ptr<T>();
  };
  for (int s = 0; s < plan.sources; ++s) {
    kernels::SumSource<T>& source = view.sources[static_cast<std::size_t>(s)];
    auto* sum = dynamic_cast<GradientSum*>(edges[plan.source(s)].function.get());
    if (!sum || !wanted[plan.source(s)]) {
      source.gradient = like(plan.source(s));
      continue;
    }
    const GradientSum::Place place = sum->place(tensors[plan.source(s)]);
    source.gradient = place.tensor.data_ptr<T>();
    source.add = place.add;
  }
  // What values are told is complete when the kernels have run.
  std::vector<std::pair<ValueGradients*, ValueGradient>> told;
  std::size_t next = plan.first_weight();
  for (std::size_t k = 0; k < plan.terms.size(); ++k) {
    if (plan.terms[k].value >= 0) {
      const std::size_t value = plan.value(plan.terms[k].value);
      auto* takes = plan.tells ? dynamic_cast<ValueGradients*>(edges[value].function.get()) : nullptr;
      if (takes && wanted[value]) {
        ValueGradient what{gradient, static_cast<double>(view.terms[k].weight), {}, {}};
        what.totals.resize(static_cast<std::size_t>(view.sum.channels));
        what.products.resize(what.totals.size());
        view.terms[k].value_totals = what.totals.data();  // stays where it is when the vector is moved
        view.terms[k].value_products = what.products.data();
        told.emplace_back(takes, std::move(what));
      } else {
        view.terms[k].y_gradient = like(value);
      }
    }
    for (int s = 0; s < plan.terms[k].stages; ++s, next += inputs_per_stage) {
      view.terms[k].stage[s].gamma_gradient = like(next + 2);
      view.terms[k].stage[s].beta_gradient = like(next + 3);
      if (!wanted[next] && !wanted[next + 1]) continue;
      // Both or neither: the kernels make the two in one pass.
      found[next] = torch::empty_like(tensors[next]);
      found[next + 1] = torch::empty_like(tensors[next + 1]);
      view.terms[k].stage[s].depthwise_gradient = found[next].data_ptr<T>();
      view.terms[k].stage[s].pointwise_gradient = found[next + 1].data_ptr<T>();
    }
  }
  const auto* kernels = kernels::weighted_sum_kernels<T, Z>();
  kernels->backward(view.sum, scratch(kernels->scratch_bytes(view.sum)));
  for (auto& [takes, what] : told) takes->take(std::move(what));
  if (tensors[0].defined() && wanted[0]) {
    found[0] = torch::empty_like(tensors[0]);
    for (std::size_t k = 0; k < view.terms.size(); ++k) {
      found[0].data_ptr<T>()[k] = static_cast<T>(view.terms[k].weight_gradient);
    }
  }
  return found;
}

torch::Tensor normalized(const torch::Tensor& z, const torch::Tensor& gamma, const torch::Tensor& beta) {
  return torch::batch_norm(z, gamma, beta, {}, {}, /*training=*/true, 0.0, kernels::norm_epsilon, false);
}

// LibTorch's own operations: what the kernels stand for, and how second derivatives are had.
torch::Tensor reference(const Plan& plan, const variable_list& inputs) {
  torch::Tensor sum;
  std::size_t next = plan.first_weight();
  for (std::size_t k = 0; k < plan.terms.size(); ++k) {
    const TermPlan& term = plan.terms[k];
    torch::Tensor y = term.value >= 0 ? inputs[plan.value(term.value)] : inputs[plan.source(term.source)];
    for (int s = 0; s < term.stages; ++s, next += inputs_per_stage) {
      const torch::Tensor &gamma = inputs[next + 2], &beta = inputs[next + 3];
      const StagePlan& stage = term.stage[s];
      if (stage.reduction) {
        const torch::Tensor x = torch::relu(y);
        y = torch::cat({torch::conv2d(x, inputs[next], {}, 2), torch::conv2d(shifted(x), inputs[next + 1], {}, 2)}, 1);
        y = normalized(y, gamma, beta);
        continue;
      }
      y = torch::conv2d(torch::relu(y), inputs[next], {}, stage.stride, (stage.kernel - 1) / 2 * stage.dilation,
                        stage.dilation, /*groups=*/y.size(1));
      y = normalized(torch::conv2d(y, inputs[next + 1]), gamma, beta);
    }
    if (inputs[0].defined()) y = y * inputs[0][static_cast<std::int64_t>(k)];
    sum = sum.defined() ? sum + y : y;
  }
  return sum;
}

// The same through LibTorch's operations, as a graph that can be differentiated again.
variable_list differentiable(const Plan& plan, const variable_list& inputs, const torch::Tensor& gradient) {
  // One input may be a function of another (a pool of a source): the derivative by each is to hold the others fast.
  variable_list apart = inputs, sources;
  for (torch::Tensor& input : apart) {
    if (!input.defined() || !input.requires_grad()) continue;
    input = input.view_as(input);
    sources.push_back(input);
  }
  const torch::Tensor y = reference(plan, apart);
  const variable_list found = torch::autograd::grad({y}, sources, {gradient}, /*retain_graph=*/true,
                                                    /*create_graph=*/true, /*allow_unused=*/true);
  variable_list result(inputs.size());
  for (std::size_t i = 0, next = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined() && inputs[i].requires_grad()) result[i] = found[next++];
  }
  return result;
}

// A node of its own rather than a torch::autograd::Function, whose arguments cannot be a list of tensors.
class WeightedSumBackward : public torch::autograd::Node {
 public:
  explicit WeightedSumBackward(Plan plan) : plan_(std::move(plan)) {}

  void save(const variable_list& inputs, KeptTensors kept) {
    for (const torch::Tensor& tensor : inputs) saved_.emplace_back(tensor, /*is_output=*/false);
    kept_ = std::move(kept);
  }

  variable_list apply(variable_list&& gradients) override {
    variable_list tensors;
    for (const torch::autograd::SavedVariable& saved : saved_) tensors.push_back(saved.unpack(shared_from_this()));
    if (tensors.empty()) throw std::runtime_error("a weighted sum cannot be propagated back a second time");
    if (!gradients[0].defined()) return variable_list(plan_.inputs());
    if (at::GradMode::is_enabled()) return differentiable(plan_, tensors, gradients[0]);
    std::vector<bool> wanted;
    for (std::size_t i = 0; i < plan_.inputs(); ++i) {
      wanted.push_back(tensors[i].defined() && task_should_compute_output(i));
    }
    const torch::Tensor gradient = packed(gradients[0]);
    if (plan_.kept == torch::kBFloat16) {
      return run_backward<float, kernels::Bfloat16>(plan_, tensors, kept_, gradient, wanted, next_edges());
    }
    return gradient.scalar_type() == torch::kFloat
               ? run_backward<float>(plan_, tensors, kept_, gradient, wanted, next_edges())
               : run_backward<double>(plan_, tensors, kept_, gradient, wanted, next_edges());
  }

  void release_variables() override {
    saved_.clear();
    kept_ = {};
  }
  std::string name() const override { return "WeightedSumBackward"; }

 private:
  Plan plan_;
  KeptTensors kept_;
  std::vector<torch::autograd::SavedVariable> saved_;
};

torch::Tensor record(Plan plan, const variable_list& inputs) {
  torch::Tensor out;
  KeptTensors kept;
  {
    const torch::NoGradGuard no_grad;
    out = empty_output(plan, inputs[1]);
    kept = make_kept(out, plan.kept, plan.stages);
    if (plan.kept == torch::kBFloat16) {
      run_forward<float, kernels::Bfloat16>(plan, inputs, kept, out);
    } else if (out.scalar_type() == torch::kFloat) {
      run_forward<float>(plan, inputs, kept, out);
    } else {
      run_forward<double>(plan, inputs, kept, out);
    }
  }
  const bool differentiated =
      at::GradMode::is_enabled() &&
      std::any_of(inputs.begin(), inputs.end(), [](const auto& x) { return x.defined() && x.requires_grad(); });
  if (!differentiated) return out;
  const std::shared_ptr<WeightedSumBackward> node(new WeightedSumBackward(std::move(plan)),
                                                  torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  node->save(inputs, std::move(kept));
  torch::autograd::set_history(out, node);
  return out;
}

}  // namespace

bool summable(const torch::Tensor& x) {
  if (!x.device().is_cpu() || x.numel() == 0 || (x.dim() != 4 && x.dim() != 2)) return false;
  if (x.scalar_type() == torch::kFloat) return kernels::weighted_sum_kernels<float>() != nullptr;
  return x.scalar_type() == torch::kDouble && kernels::weighted_sum_kernels<double>() != nullptr;
}

bool summable(const Separable& layer) {
  for (int s = 0; s < layer.stages(); ++s) {
    const ConvolutionOptions &depthwise = layer.depthwise(s).options, &pointwise = layer.pointwise(s).options;
    if (!kernels::has_stage(depthwise.kernel, depthwise.dilation, depthwise.stride)) return false;
    if (pointwise.in != pointwise.out || pointwise.norm == Norm::none || !layer.is_training()) return false;
  }
  return layer.stages() <= 2;
}

bool summable(const FactorizedReduce& layer) {
  const std::int64_t out = layer.even().options.out + layer.odd().options.out;
  return layer.even().options.in == out && out > 1 && layer.is_training();
}

namespace {

TermPlan plan_of(const Separable& layer, variable_list& weights) {
  TermPlan planned;
  planned.stages = layer.stages();
  for (int s = 0; s < planned.stages; ++s) {
    const ConvolutionOptions& options = layer.depthwise(s).options;
    planned.stage[s] = {false, static_cast<int>(options.kernel), static_cast<int>(options.dilation),
                        static_cast<int>(options.stride), layer.pointwise(s).norm.get()};
    weights.push_back(packed(layer.depthwise(s).weight));
    weights.push_back(packed(layer.pointwise(s).weight));
    weights.push_back(layer.pointwise(s).norm->weight);
    weights.push_back(layer.pointwise(s).norm->bias);
  }
  return planned;
}

TermPlan plan_of(const FactorizedReduce& layer, variable_list& weights) {
  TermPlan planned;
  planned.stages = 1;
  planned.stage[0] = {.reduction = true, .stride = 2, .norm = &layer.norm()};
  weights.push_back(packed(layer.even().weight));
  weights.push_back(packed(layer.odd().weight));
  weights.push_back(layer.norm().weight);
  weights.push_back(layer.norm().bias);
  return planned;
}

}  // namespace

torch::Tensor weighted_sum(const std::vector<torch::Tensor>& sources, const std::vector<SumTerm>& terms,
                           const torch::Tensor& weights, const Shape& output, torch::ScalarType kept, bool tells) {
  Plan plan;
  plan.tells = tells;
  plan.output = output;
  plan.kept = kept;
  plan.sources = static_cast<int>(sources.size());
  variable_list inputs = {weights}, stage_weights;
  for (const torch::Tensor& source : sources) inputs.push_back(packed(source));
  for (const SumTerm& term : terms) {
    TermPlan planned;
    if (term.separable) planned = plan_of(*term.separable, stage_weights);
    if (term.reduce) planned = plan_of(*term.reduce, stage_weights);
    planned.source = term.source;
    plan.stages += planned.stages;
    if (term.value.defined()) {
      planned.value = plan.values++;
      inputs.push_back(packed(term.value));
    }
    plan.terms.push_back(std::move(planned));
  }
  inputs.insert(inputs.end(), stage_weights.begin(), stage_weights.end());
  return record(std::move(plan), inputs);
}

}  // namespace netwright
