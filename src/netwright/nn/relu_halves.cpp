#include "netwright/nn/relu_halves.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>

#include "netwright/nn/scratch.h"

namespace netwright {
namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

// Calls visit(offset in the image, offset in the half) for each pixel of row `at` of all samples' rows of a half that
// lies in the image, and outside(offset in the half) for the others.
template <class Visit, class Outside>
void for_row(const torch::Tensor& image, const torch::Tensor& half, std::int64_t at, std::int64_t odd, Visit visit,
             Outside outside) {
  const std::int64_t channels = image.size(1), height = image.size(2), width = image.size(3);
  const std::int64_t rows = half.size(2), columns = half.size(3);
  const std::int64_t n = at / rows, y = 2 * (at % rows) + odd;
  for (std::int64_t j = 0; j < columns; ++j) {
    const std::int64_t x = 2 * j + odd, to = (at * columns + j) * channels;
    if (y < height && x < width) {
      visit(((n * height + y) * width + x) * channels, to);
    } else {
      outside(to);
    }
  }
}

template <class T>
void split(const torch::Tensor& x, const Halves& halves) {
  const std::int64_t channels = x.size(1);
  const T* from = x.data_ptr<T>();
  at::parallel_for(0, x.size(0) * halves.even.size(2), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; ++at) {
      for (const std::int64_t odd : {0, 1}) {
        const torch::Tensor& half = odd ? halves.odd : halves.even;
        T* to = half.data_ptr<T>();
        for_row(
            x, half, at, odd,
            [&](std::int64_t source, std::int64_t target) {
              for (std::int64_t c = 0; c < channels; ++c) {
                const T value = from[source + c];
                to[target + c] = value <= 0 ? T(0) : value;  // NaN is passed on
              }
            },
            [&](std::int64_t target) { std::fill_n(to + target, channels, T(0)); });
      }
    }
  });
}

// The gradient's pixels of two rows of the image: of even and of odd position masked by the half's own values, zero
// elsewhere. A half's gradient may be absent.
template <class T>
void join(const Halves& values, const Halves& gradients, const torch::Tensor& into) {
  const std::int64_t channels = into.size(1), height = into.size(2), row = into.size(3) * channels;
  const std::int64_t rows = values.even.size(2);
  T* to = into.data_ptr<T>();
  at::parallel_for(0, into.size(0) * rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; ++at) {
      const std::int64_t y = 2 * (at % rows), count = std::min<std::int64_t>(2, height - y);
      std::fill_n(to + (at / rows * height + y) * row, count * row, T(0));
      for (const std::int64_t odd : {0, 1}) {
        const torch::Tensor& gradient = odd ? gradients.odd : gradients.even;
        if (!gradient.defined()) continue;
        const T *g = gradient.data_ptr<T>(), *value = (odd ? values.odd : values.even).data_ptr<T>();
        for_row(
            into, gradient, at, odd,
            [&](std::int64_t target, std::int64_t source) {
              for (std::int64_t c = 0; c < channels; ++c) {
                to[target + c] = value[source + c] <= 0 ? T(0) : g[source + c];
              }
            },
            [](std::int64_t) {});
      }
    }
  });
}

// By LibTorch's operations, to be differentiated again: where the ReLU lets pass is a constant.
torch::Tensor joined(const Halves& values, const Halves& gradients, torch::IntArrayRef sizes) {
  torch::Tensor sum = torch::zeros(sizes, values.even.options().memory_format(at::MemoryFormat::ChannelsLast));
  for (const std::int64_t odd : {0, 1}) {
    const torch::Tensor& gradient = odd ? gradients.odd : gradients.even;
    if (!gradient.defined()) continue;
    const torch::Tensor passes = (odd ? values.odd : values.even).detach().gt(0).to(gradient.scalar_type());
    torch::Tensor places = sum.slice(2, odd, sizes[2], 2).slice(3, odd, sizes[3], 2);
    places.add_((gradient * passes).narrow(2, 0, places.size(2)).narrow(3, 0, places.size(3)));
  }
  return sum;
}

class ReluHalvesBackward : public torch::autograd::Node {
 public:
  explicit ReluHalvesBackward(const torch::Tensor& x) : sizes_(x.sizes().vec()) {}

  void save(const Halves& halves) {
    even_ = SavedVariable(halves.even, /*is_output=*/true);
    odd_ = SavedVariable(halves.odd, /*is_output=*/true);
  }

  variable_list apply(variable_list&& gradients) override {
    if (!gradients[0].defined() && !gradients[1].defined()) return {torch::Tensor()};
    const Halves values{even_.unpack(shared_from_this()), odd_.unpack(shared_from_this())};
    if (at::GradMode::is_enabled()) return {joined(values, {gradients[0], gradients[1]}, sizes_)};
    const auto dense = [](const torch::Tensor& g) { return g.defined() ? packed(g) : g; };
    const Halves given{dense(gradients[0]), dense(gradients[1])};
    const torch::Tensor found =
        torch::empty(sizes_, values.even.options().memory_format(at::MemoryFormat::ChannelsLast));
    found.scalar_type() == torch::kFloat ? join<float>(values, given, found) : join<double>(values, given, found);
    return {found};
  }

  void release_variables() override {
    even_.reset_data();
    odd_.reset_data();
  }
  std::string name() const override { return "ReluHalvesBackward"; }

 private:
  std::vector<std::int64_t> sizes_;
  SavedVariable even_, odd_;
};

}  // namespace

Halves relu_halves(const torch::Tensor& given) {
  const torch::Tensor x = packed(given);
  Halves halves;
  {
    const torch::NoGradGuard no_grad;
    const auto empty = [&] {
      return torch::empty({x.size(0), x.size(1), (x.size(2) + 1) / 2, (x.size(3) + 1) / 2},
                          x.options().memory_format(at::MemoryFormat::ChannelsLast));
    };
    halves = {empty(), empty()};
    x.scalar_type() == torch::kFloat ? split<float>(x, halves) : split<double>(x, halves);
  }
  if (!at::GradMode::is_enabled() || !x.requires_grad()) return halves;
  const std::shared_ptr<ReluHalvesBackward> node(new ReluHalvesBackward(x), torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(x));
  torch::autograd::set_history(variable_list{halves.even, halves.odd}, node);
  node->save(halves);
  return halves;
}

}  // namespace netwright
