#include "netwright/nn/fused.h"

#include "netwright/nn/kernels/convolution.h"
#include "netwright/nn/scratch.h"

namespace netwright {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

kernels::Clamp clamp_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return kernels::Clamp::relu;
    case Activation::relu6:
      return kernels::Clamp::relu6;
    default:
      return kernels::Clamp::none;
  }
}

const float* values(const torch::Tensor& tensor) {
  return tensor.data_ptr<float>();
}
float* place(const torch::Tensor& tensor) {
  return tensor.data_ptr<float>();
}

// What the functions need to know besides tensors. Kept in the autograd context by value.
struct Plan {
  std::int64_t kernel = 0;  // 0: no convolution
  Activation before = Activation::none, after = Activation::none;
};

kernels::BlockShape shape_of(const torch::Tensor& x, std::int64_t out, const Plan& plan) {
  const bool image = x.dim() == 4;
  return {.samples = x.size(0),
          .height = image ? x.size(2) : 1,
          .width = image ? x.size(3) : 1,
          .in = x.size(1),
          .out = out,
          .kernel = plan.kernel,
          .relu_before = plan.before == Activation::relu,
          .after = clamp_of(plan.after),
          .threads = at::get_num_threads()};
}

// LibTorch's own operations: what the kernels stand for, and how second derivatives are had.
torch::Tensor reference(const Plan& plan, const torch::Tensor& x, const torch::Tensor& weight,
                        const torch::Tensor& scale, const torch::Tensor& shift) {
  torch::Tensor z = x;
  if (plan.kernel > 0) {
    z = torch::conv2d(activate(x, plan.before), weight, {}, /*stride=*/1, /*padding=*/plan.kernel / 2);
  }
  return activate(torch::batch_norm(z, scale, shift, {}, {}, /*training=*/true, 0.0, BatchNorm::epsilon, false),
                  plan.after);
}

// Row by row: mean, 1 / deviation, and the scale and shift that the norm comes to.
torch::Tensor norm_table(const kernels::BlockShape& shape, torch::Tensor table, const torch::Tensor& gamma,
                         const torch::Tensor& beta, const torch::Tensor& running_mean,
                         const torch::Tensor& running_var) {
  const std::int64_t channels = shape.out;
  float* mean = place(table);
  float* inverse = mean + channels;  // holds the variance on entry
  float* scale = inverse + channels;
  float* shift = scale + channels;
  const auto count = static_cast<double>(shape.positions());
  constexpr auto momentum = static_cast<float>(BatchNorm::momentum);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double variance = static_cast<double>(inverse[c]);
    if (!RestingStatistics::active()) {
      place(running_mean)[c] += momentum * (mean[c] - place(running_mean)[c]);
      const auto unbiased = static_cast<float>(variance * count / (count - 1));
      place(running_var)[c] += momentum * (unbiased - place(running_var)[c]);
    }
    inverse[c] = static_cast<float>(1 / std::sqrt(variance + BatchNorm::epsilon));
    scale[c] = gamma.defined() ? values(gamma)[c] * inverse[c] : inverse[c];
    shift[c] = (beta.defined() ? values(beta)[c] : 0.0F) - mean[c] * scale[c];
  }
  return table;
}

class FusedBlock : public torch::autograd::Function<FusedBlock> {
 public:
  // x is packed; gamma and beta are absent for a norm without weights, weight for a norm without convolution.
  static Variable forward(AutogradContext* context, const Variable& x, const compat::OptionalTensor& given_weight,
                          const compat::OptionalTensor& given_gamma, const compat::OptionalTensor& given_beta,
                          const Variable& running_mean, const Variable& running_var, std::int64_t kernel,
                          std::int64_t before, std::int64_t after) {
    const auto or_undefined = [](const compat::OptionalTensor& tensor) { return tensor ? *tensor : torch::Tensor(); };
    const torch::Tensor weight = or_undefined(given_weight), gamma = or_undefined(given_gamma),
                        beta = or_undefined(given_beta);
    const Plan plan{kernel, static_cast<Activation>(before), static_cast<Activation>(after)};
    const std::int64_t out = kernel > 0 ? weight.size(0) : x.size(1);
    const kernels::BlockShape shape = shape_of(x, out, plan);
    torch::Tensor table = torch::empty({4, out}, x.options());
    torch::Tensor z = x;
    if (kernel > 0) {
      z = torch::empty({x.size(0), out, x.size(2), x.size(3)},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
      kernels::convolve(shape, values(x), values(packed(weight)), place(z), place(table), place(table) + out);
    } else {
      kernels::moments(shape, values(x), place(table), place(table) + out);
    }
    norm_table(shape, table, gamma, beta, running_mean, running_var);
    torch::Tensor y = torch::empty_like(z);
    kernels::normalize(shape, values(z), values(table) + 2 * out, values(table) + 3 * out, place(y));
    context->save_for_backward({x, weight, gamma, beta, kernel > 0 ? z : torch::Tensor(), table});
    context->saved_data["kernel"] = kernel;
    context->saved_data["before"] = before;
    context->saved_data["after"] = after;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Plan plan{context->saved_data["kernel"].toInt(),
                    static_cast<Activation>(context->saved_data["before"].toInt()),
                    static_cast<Activation>(context->saved_data["after"].toInt())};
    const variable_list saved = context->get_saved_variables();
    // Only inputs that are there count.
    const Wanted wanted{context->needs_input_grad(0), plan.kernel > 0 && context->needs_input_grad(1)};
    variable_list found = at::GradMode::is_enabled() ? differentiable(plan, saved, gradients[0])
                                                     : fast(plan, saved, wanted, gradients[0]);
    found.resize(9);  // nothing for the running statistics and the plan
    return found;
  }

 private:
  struct Wanted {
    bool x, weight;
  };

  static variable_list fast(const Plan& plan, const variable_list& saved, const Wanted& wanted,
                            const torch::Tensor& gradient) {
    const torch::Tensor &x = saved[0], &weight = saved[1], &gamma = saved[2], &table = saved[5];
    const torch::Tensor& z = plan.kernel > 0 ? saved[4] : x;
    const std::int64_t channels = table.size(1);
    const kernels::BlockShape shape = shape_of(x, channels, plan);
    const torch::Tensor dy = packed(gradient);
    const float *mean = values(table), *inverse = mean + channels, *scale = inverse + channels,
                *shift = scale + channels;

    std::vector<double> sum(static_cast<std::size_t>(channels)), centred(sum.size());
    kernels::gradient_sums(shape, values(dy), values(z), mean, scale, shift, sum.data(), centred.data());
    torch::Tensor dgamma, dbeta, dweight, dx;
    if (gamma.defined()) {
      dgamma = torch::empty({channels}, table.options());
      dbeta = torch::empty({channels}, table.options());
    }
    // dz = scale * (g - mean of g - (z - mean) * inverse^2 * mean of g (z - mean)), as a * g + b * z + c.
    std::vector<float> factors(3 * sum.size());
    const auto count = static_cast<double>(shape.positions());
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const double a = static_cast<double>(scale[c]), deviation = static_cast<double>(inverse[c]);
      const double b = -a * deviation * deviation * centred[i] / count;
      factors[i] = scale[c];
      factors[sum.size() + i] = static_cast<float>(b);
      factors[2 * sum.size() + i] = static_cast<float>(-a * sum[i] / count - b * static_cast<double>(mean[c]));
      if (gamma.defined()) {
        place(dgamma)[c] = static_cast<float>(centred[i] * deviation);
        place(dbeta)[c] = static_cast<float>(sum[i]);
      }
    }
    const kernels::NormGradient norm{factors.data(), factors.data() + channels, factors.data() + 2 * channels};
    if (wanted.x) dx = torch::empty_like(x);
    if (plan.kernel > 0) {
      const torch::Tensor w = packed(weight);
      if (wanted.weight) dweight = torch::empty_like(w);
      kernels::convolve_backward(shape, values(x), values(w), values(dy), values(z), scale, shift, norm,
                                 wanted.x ? place(dx) : nullptr, wanted.weight ? place(dweight) : nullptr);
    } else if (wanted.x) {
      kernels::norm_backward(shape, values(dy), values(z), scale, shift, norm, place(dx));
    }
    return {dx, dweight, dgamma, dbeta};
  }

  // The same through LibTorch's operations, as a graph that can be differentiated again.
  static variable_list differentiable(const Plan& plan, const variable_list& saved, const torch::Tensor& gradient) {
    const torch::Tensor y = reference(plan, saved[0], saved[1], saved[2], saved[3]);
    variable_list sources;
    for (std::size_t i = 0; i < 4; ++i) {
      if (saved[i].defined() && saved[i].requires_grad()) sources.push_back(saved[i]);
    }
    const variable_list found = torch::autograd::grad({y}, sources, {gradient}, /*retain_graph=*/true,
                                                      /*create_graph=*/true, /*allow_unused=*/true);
    variable_list result(4);
    for (std::size_t i = 0, next = 0; i < 4; ++i) {
      if (saved[i].defined() && saved[i].requires_grad()) result[i] = found[next++];
    }
    return result;
  }
};

torch::Tensor apply(const torch::Tensor& x, const torch::Tensor& weight, BatchNorm& norm, const Plan& plan) {
  return FusedBlock::apply(packed(x), compat::optional(weight), compat::optional(norm.weight),
                           compat::optional(norm.bias), norm.running_mean, norm.running_var, plan.kernel,
                           static_cast<std::int64_t>(plan.before), static_cast<std::int64_t>(plan.after));
}

}  // namespace

namespace {
thread_local bool plain_execution = false;
}  // namespace

PlainExecution::PlainExecution(bool wanted) : before_(plain_execution) {
  plain_execution = plain_execution || wanted;
}
PlainExecution::~PlainExecution() {
  plain_execution = before_;
}
bool PlainExecution::active() {
  return plain_execution;
}

bool fusible(const torch::Tensor& x) {
  static const bool available = kernels::available();
  return available && !plain_execution && x.device().is_cpu() && x.scalar_type() == torch::kFloat &&
         (x.dim() == 4 || x.dim() == 2) && x.numel() > 0;
}

bool fusible(Activation after) {
  return after == Activation::none || after == Activation::relu || after == Activation::relu6;
}

bool fusible(const ConvolutionOptions& options) {
  return options.norm != Norm::none && options.groups == 1 && options.stride == 1 && options.dilation == 1 &&
         options.kernel % 2 == 1 && (options.padding < 0 || options.padding == options.kernel / 2) && !options.bias &&
         (options.before == Activation::none || options.before == Activation::relu) && fusible(options.after);
}

torch::Tensor fused_norm(const torch::Tensor& x, BatchNorm& norm, Activation after) {
  return apply(x, {}, norm, {0, Activation::none, after});
}

torch::Tensor fused_block(const torch::Tensor& x, ConvolutionBlock& block) {
  return apply(x, block.weight, *block.norm, {block.options.kernel, block.options.before, block.options.after});
}

}  // namespace netwright
