// Gradients added up in the kernels are those that autograd adds up.
#include "netwright/nn/accumulated.h"

#include <gtest/gtest.h>

#include "netwright/nn/fused_pool.h"
#include "netwright/nn/weighted_sum.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

// A value read by two sums, which share its pools, by a pool of stride 2 and by LibTorch's own operations.
class Cell {
 public:
  explicit Cell(torch::ScalarType type) {
    at::Generator generator = compat::cpu_generator(3);
    const Shape shape{channels, 6, 6};
    for (int k = 0; k < 2; ++k) {
      layers_.push_back(std::make_shared<Separable>(
          LayerContext{{shape}, shape, {{"kernel", std::int64_t{3}}, {"stride", std::int64_t{1}}, {"affine", false}}},
          1, 1));
      layers_.back()->depthwise(0).initialize(generator);
      layers_.back()->pointwise(0).initialize(generator);
      layers_.back()->pointwise(0).norm->initialize(generator);
      layers_.back()->to(type);
    }
    input = random_input(shape, 3, 2).to(type).requires_grad_();
    weights = torch::rand({2, 4}, generator).to(type).requires_grad_();
  }

  // `pools_read`: by LibTorch's operations too, beside the sums.
  Tensor loss(bool kernels, bool pools_read) const {
    const Shape shape{channels, 6, 6};
    const Tensor made = (input * 2).contiguous(at::MemoryFormat::ChannelsLast);
    const Tensor x = kernels ? accumulated(made) : made;
    BatchNorm norm(channels, false);
    norm.to(x.scalar_type());
    const Tensor largest = fused_pool(x, {false, 3, 1}, nullptr), average = fused_pool(x, {true, 3, 1}, &norm);
    const Tensor strided = fused_pool(x, {false, 3, 2}, nullptr);
    Tensor total = x.pow(2).sum() + strided.pow(3).sum();
    if (pools_read) total = total + largest.pow(3).sum() + average.pow(3).sum();
    for (int k = 0; k < 2; ++k) {
      const std::vector<SumTerm> terms = {{.source = 0, .separable = layers_[static_cast<std::size_t>(k)].get()},
                                          {.source = 0},
                                          {.value = largest},
                                          {.value = average}};
      total = total + weighted_sum({x}, terms, weights[k], shape, x.scalar_type(), kernels).pow(3).sum();
    }
    return total;
  }

  std::vector<Tensor> inputs() const {
    std::vector<Tensor> all = {input, weights};
    for (const auto& layer : layers_) {
      for (const Tensor& parameter : layer->parameters()) all.push_back(parameter);
    }
    return all;
  }

  static constexpr std::int64_t channels = 5;
  Tensor input, weights;

 private:
  std::vector<std::shared_ptr<Separable>> layers_;
};

void expect_same(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected, double tolerance) {
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_LE((actual[i] - expected[i]).abs().max().item<double>(), tolerance * scale) << i;
  }
}

TEST(Accumulated, GradientsAreTheSame) {
  for (const auto type : {torch::kDouble, torch::kFloat}) {
    const double tolerance = type == torch::kDouble ? 1e-12 : 1e-5;
    const Cell cell(type);
    for (const bool pools_read : {false, true}) {
      const auto expected = torch::autograd::grad({cell.loss(false, pools_read)}, cell.inputs());
      const Tensor loss = cell.loss(true, pools_read);
      // Twice on one graph: nothing of the first pass is left.
      for (const bool again : {true, false}) {
        expect_same(torch::autograd::grad({loss}, cell.inputs(), {}, again), expected, tolerance);
      }
      // Of some inputs alone: nothing is left for what is not wanted.
      const Tensor one = cell.loss(true, pools_read);
      expect_same(torch::autograd::grad({one}, {cell.weights}, {}, true), {expected[1]}, tolerance);
      expect_same(torch::autograd::grad({one}, cell.inputs()), expected, tolerance);
    }
  }
}

TEST(Accumulated, SecondDerivativesAreTheSame) {
  const Cell cell(torch::kDouble);
  const auto second = [&](bool kernels) {
    const auto first = torch::autograd::grad({cell.loss(kernels, true)}, cell.inputs(), {}, true, true);
    Tensor sum;
    for (const Tensor& gradient : first) {
      sum = sum.defined() ? sum + gradient.pow(2).sum() : gradient.pow(2).sum();
    }
    return torch::autograd::grad({sum}, cell.inputs());
  };
  expect_same(second(true), second(false), 1e-10);
}

TEST(Accumulated, WithoutGradientsIsTheTensorItself) {
  const Tensor x = torch::ones({1, 2, 2, 2});
  EXPECT_TRUE(accumulated(x).is_same(x));
  const torch::NoGradGuard no_grad;
  const Tensor y = torch::ones({1, 2, 2, 2}).requires_grad_();
  EXPECT_TRUE(accumulated(y).is_same(y));
}

}  // namespace
}  // namespace netwright
