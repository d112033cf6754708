// The kernels of a node's sum against LibTorch's operations in float64, over shapes that exercise every tail.
#include "netwright/nn/weighted_sum.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "netwright/nn/fused.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

struct Case {
  std::int64_t samples, channels, height, width;  // of the output
  bool strided;                                   // the first source is twice as large
};

// Scales of either sign, the first of them zero, and shifts.
void make_uneven(BatchNorm& norm, at::Generator& generator) {
  const torch::NoGradGuard no_grad;
  norm.weight.normal_(0.5, 1, generator);
  norm.weight[0] = 0;
  norm.bias.normal_(0, 1, generator);
}

std::shared_ptr<Separable> make_separable(std::int64_t channels, std::int64_t kernel, std::int64_t dilation,
                                          std::int64_t stride, int times, std::uint64_t seed, bool affine = false) {
  const Shape shape{channels, 8, 8};
  auto layer = std::make_shared<Separable>(
      LayerContext{{shape}, shape, {{"kernel", kernel}, {"stride", stride}, {"affine", affine}}}, dilation, times);
  at::Generator generator = compat::cpu_generator(seed);
  for (int s = 0; s < times; ++s) {
    layer->depthwise(s).initialize(generator);
    layer->pointwise(s).initialize(generator);
    layer->pointwise(s).norm->initialize(generator);
    if (affine) make_uneven(*layer->pointwise(s).norm, generator);
  }
  return layer;
}

// Two sources, all kernels out of each, the second source itself, and a value from elsewhere.
class Node {
 public:
  Node(const Case& shape, torch::ScalarType type) : shape_(shape), type_(type) {
    const std::int64_t scale = shape.strided ? 2 : 1;
    const std::int64_t odd = shape.strided && shape.height % 2 == 1 ? 1 : 0;
    sources = {input(shape.height * scale - odd, shape.width * scale, 1), input(shape.height, shape.width, 2)};
    value = input(shape.height, shape.width, 3);
    std::uint64_t seed = 10;
    for (int source = 0; source < 2; ++source) {
      for (const std::int64_t kernel : {3, 5}) {
        const std::int64_t stride = source == 0 ? scale : 1;
        add(source, make_separable(shape.channels, kernel, 1, stride, 2, ++seed, source == 1));
        add(source, make_separable(shape.channels, kernel, 2, stride, 1, ++seed, source == 1));
      }
    }
    if (shape.strided) {
      reduce = std::make_shared<FactorizedReduce>(shape.channels, shape.channels, Norm::affine);
      at::Generator generator = compat::cpu_generator(5);
      for (Unit* unit : {static_cast<Unit*>(&reduce->even()), static_cast<Unit*>(&reduce->odd()),
                         static_cast<Unit*>(&reduce->norm())}) {
        unit->initialize(generator);
      }
      make_uneven(reduce->norm(), generator);
      reduce->to(type);
      terms.push_back({.source = 0, .reduce = reduce.get()});
    }
    terms.push_back({.source = 1});
    terms.push_back({.value = value});
    at::Generator generator = compat::cpu_generator(7);
    weights = torch::empty({static_cast<std::int64_t>(terms.size())}, torch::kDouble)
                  .uniform_(0.1, 1, generator)
                  .to(type)
                  .requires_grad_();
  }

  Tensor fused(bool weighted) {
    return weighted_sum(sources, terms, weighted ? weights : Tensor(), {shape_.channels, shape_.height, shape_.width},
                        kept.value_or(type_));
  }

  Tensor plain(bool weighted) {
    const PlainExecution guard;
    Tensor sum;
    for (std::size_t k = 0; k < terms.size(); ++k) {
      const SumTerm& term = terms[k];
      Tensor y = term.value;
      Layer* layer = term.reduce;
      if (term.separable) layer = term.separable;
      if (layer) {
        y = layer->forward({sources[static_cast<std::size_t>(term.source)]});
      } else if (!y.defined()) {
        y = sources[static_cast<std::size_t>(term.source)];
      }
      if (weighted) y = y * weights[static_cast<std::int64_t>(k)];
      sum = sum.defined() ? sum + y : y;
    }
    return sum;
  }

  // With what each pointwise convolution gives rounded to bfloat16; gradients pass the rounding as they are.
  Tensor rounded() {
    const auto norm = [](const Tensor& z, const BatchNorm& own) {
      const Tensor shorter = z + (z.to(torch::kBFloat16).to(z.scalar_type()) - z).detach();
      return torch::batch_norm(shorter, own.weight, own.bias, {}, {}, /*training=*/true, 0.1, 1e-5, false);
    };
    Tensor sum;
    for (std::size_t k = 0; k < terms.size(); ++k) {
      const SumTerm& term = terms[k];
      Tensor y = term.value.defined() ? term.value : sources[static_cast<std::size_t>(term.source)];
      for (int s = 0; term.separable && s < term.separable->stages(); ++s) {
        const ConvolutionBlock &depthwise = term.separable->depthwise(s), &pointwise = term.separable->pointwise(s);
        const ConvolutionOptions& options = depthwise.options;
        y = torch::conv2d(torch::relu(y), depthwise.weight, {}, options.stride,
                          (options.kernel - 1) / 2 * options.dilation, options.dilation, options.groups);
        y = norm(torch::conv2d(y, pointwise.weight), *pointwise.norm);
      }
      if (term.reduce) {
        const Tensor x = torch::relu(y);
        y = norm(torch::cat({torch::conv2d(x, term.reduce->even().weight, {}, 2),
                             torch::conv2d(shifted(x), term.reduce->odd().weight, {}, 2)},
                            1),
                 term.reduce->norm());
      }
      y = y * weights[static_cast<std::int64_t>(k)];
      sum = sum.defined() ? sum + y : y;
    }
    return sum;
  }

  std::vector<Tensor> inputs() const {
    std::vector<Tensor> all = {sources[0], sources[1], value, weights};
    for (const auto& layer : layers) {
      for (const Tensor& parameter : layer->parameters()) all.push_back(parameter);
    }
    for (const Tensor& parameter : reduce ? reduce->parameters() : std::vector<Tensor>()) all.push_back(parameter);
    return all;
  }

  std::vector<Tensor> running() const {
    std::vector<Tensor> all;
    for (const auto& layer : layers) {
      for (const Tensor& buffer : layer->buffers()) all.push_back(buffer);
    }
    for (const Tensor& buffer : reduce ? reduce->buffers() : std::vector<Tensor>()) all.push_back(buffer);
    return all;
  }

  std::vector<Tensor> sources;
  Tensor value, weights;
  std::vector<SumTerm> terms;
  std::vector<std::shared_ptr<Separable>> layers;
  std::shared_ptr<FactorizedReduce> reduce;  // of the first source, where that is strided
  std::optional<torch::ScalarType> kept;     // what z is kept as, where that is another type

 private:
  // A mean far from zero, where a careless variance would lose its digits.
  Tensor input(std::int64_t height, std::int64_t width, std::uint64_t seed) const {
    return (random_input({shape_.channels, height, width}, shape_.samples, seed) + 1).to(type_).requires_grad_();
  }

  void add(int source, const std::shared_ptr<Separable>& layer) {
    layer->to(type_);
    layers.push_back(layer);
    terms.push_back({.source = source, .separable = layer.get()});
  }

  Case shape_;
  torch::ScalarType type_;
};

struct Result {
  Tensor y;
  std::vector<Tensor> gradients, running;
};

// Gradients of all inputs, or of the terms' weights alone, or of the layers' parameters alone: of other inputs
// undefined.
enum class By { all, weights, layers };

Result run(Node& node, bool fused, bool weighted, By kind = By::all) {
  const Tensor y = fused ? node.fused(weighted) : node.plain(weighted);
  const Tensor scale = random_input({y.size(1), y.size(2), y.size(3)}, y.size(0), 9).to(y.options());
  const Tensor loss = (y * scale).sum();
  const std::vector<Tensor> inputs = node.inputs();
  constexpr std::size_t weights = 3, layers = 4;  // where they are and begin
  std::vector<Tensor> by, gradients(inputs.size());
  const std::size_t begin = kind == By::all ? 0 : kind == By::weights ? weights : layers;
  const std::size_t end = kind == By::weights ? layers : inputs.size();
  for (std::size_t i = begin; i < end; ++i) by.push_back(inputs[i]);
  const auto found = torch::autograd::grad({loss}, by, {}, false, false, /*allow_unused=*/true);
  std::copy(found.begin(), found.end(), gradients.begin() + static_cast<std::ptrdiff_t>(begin));
  return {y.detach(), gradients, node.running()};
}

// `scale`: what the difference is measured by, where it is more than the largest number.
void expect_close(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what,
                  double scale = 1e-30) {
  ASSERT_EQ(actual.defined(), expected.defined()) << what;
  if (!actual.defined()) return;
  scale = std::max(scale, expected.abs().max().item<double>());
  EXPECT_LT((actual.to(torch::kDouble) - expected).abs().max().item<double>() / scale, tolerance) << what;
}

void expect_same(const Result& actual, const Result& expected, double tolerance) {
  expect_close(actual.y, expected.y, tolerance, "y");
  ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
  // The gradient of the scale of what a norm follows is a sum that cancels to nothing.
  double scale = 0;
  for (const Tensor& gradient : expected.gradients) {
    if (gradient.defined()) scale = std::max(scale, gradient.abs().max().item<double>());
  }
  for (std::size_t i = 0; i < actual.gradients.size(); ++i) {
    const double by = i < 4 ? 0 : scale;  // the sources, the value and the terms' weights by themselves
    expect_close(actual.gradients[i], expected.gradients[i], tolerance, "gradient " + std::to_string(i), by);
  }
  for (std::size_t i = 0; i < actual.running.size(); ++i) {
    if (actual.running[i].is_floating_point()) {
      expect_close(actual.running[i], expected.running[i], tolerance, "running " + std::to_string(i));
    }
  }
}

class WeightedSumTest : public testing::TestWithParam<Case> {};

TEST_P(WeightedSumTest, EqualsPlainOperations) {
  for (const bool weighted : {true, false}) {
    Node exact(GetParam(), torch::kDouble);
    const Result expected = run(exact, false, weighted);
    Node wide(GetParam(), torch::kDouble);
    expect_same(run(wide, true, weighted), expected, 1e-11);
    Node narrow(GetParam(), torch::kFloat);
    const Result actual = run(narrow, true, weighted);
    EXPECT_TRUE(actual.y.is_contiguous(at::MemoryFormat::ChannelsLast));
    expect_same(actual, expected, 1e-5);
  }
}

TEST_P(WeightedSumTest, GivesTheWeightsGradientAlone) {
  Node exact(GetParam(), torch::kDouble), wide(GetParam(), torch::kDouble);
  expect_same(run(wide, true, true, By::weights), run(exact, false, true, By::weights), 1e-11);
}

TEST_P(WeightedSumTest, GivesTheLayersGradientsAlone) {
  Node exact(GetParam(), torch::kDouble), wide(GetParam(), torch::kDouble);
  expect_same(run(wide, true, true, By::layers), run(exact, false, true, By::layers), 1e-11);
}

// Here and there a value lies so near to the middle of two bfloat16 numbers that the last bits decide which is taken:
// the largest difference is one of bfloat16, the mean one of float32.
TEST_P(WeightedSumTest, KeepsBfloat16) {
  Node narrow(GetParam(), torch::kFloat), exact(GetParam(), torch::kDouble);
  narrow.kept = torch::kBFloat16;
  const auto gradients = [](Node& node, const Tensor& y) {
    const Tensor scale = random_input({y.size(1), y.size(2), y.size(3)}, y.size(0), 9).to(y.options());
    std::vector<Tensor> found = torch::autograd::grad({(y * scale).sum()}, node.inputs());
    found.push_back(y.detach());
    return found;
  };
  const std::vector<Tensor> actual = gradients(narrow, narrow.fused(true)),
                            expected = gradients(exact, exact.rounded());
  double largest = 0;
  for (const Tensor& one : expected) largest = std::max(largest, one.abs().max().item<double>());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double scale = i < 4 || i + 1 == actual.size() ? expected[i].abs().max().item<double>() : largest;
    const Tensor difference = (actual[i].to(torch::kDouble) - expected[i]).abs() / scale;
    EXPECT_LT(difference.max().item<double>(), 0.02) << i;
    EXPECT_LT(difference.mean().item<double>(), 5e-4) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, WeightedSumTest,
                         testing::Values(Case{3, 16, 8, 8, false}, Case{2, 16, 8, 8, true}, Case{2, 8, 7, 5, true},
                                         Case{1, 20, 3, 13, false}, Case{2, 36, 6, 6, true}, Case{4, 4, 9, 9, false},
                                         Case{2, 3, 5, 6, true}, Case{5, 64, 2, 3, false}, Case{2, 1, 4, 4, false},
                                         Case{1, 16, 32, 32, false}, Case{1, 8, 1, 40, false}),
                         [](const testing::TestParamInfo<Case>& info) {
                           const Case& c = info.param;
                           return std::to_string(c.samples) + "x" + std::to_string(c.channels) + "x" +
                                  std::to_string(c.height) + "x" + std::to_string(c.width) +
                                  (c.strided ? "_strided" : "");
                         });

TEST(WeightedSum, RepeatsBitForBitOnOneThread) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  Node node({3, 16, 9, 9, false}, torch::kFloat);
  const Result one = run(node, true, true), again = run(node, true, true);
  EXPECT_TRUE(torch::equal(one.y, again.y));
  for (std::size_t i = 0; i < one.gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(one.gradients[i], again.gradients[i]));
  at::set_num_threads(5);  // more than samples
  const Result five = run(node, true, true);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < one.gradients.size(); ++i) {
    expect_close(five.gradients[i], one.gradients[i].to(torch::kDouble), 1e-5, std::to_string(i));
  }
}

TEST(WeightedSum, SecondDerivativesAreExact) {
  const auto second = [](bool fused) {
    Node node({2, 4, 5, 5, false}, torch::kDouble);
    const Tensor loss = (fused ? node.fused(true) : node.plain(true)).pow(3).sum();
    const auto first = torch::autograd::grad({loss}, {node.sources[0], node.weights}, {}, true, true);
    std::vector<Tensor> by = node.inputs();
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(2).sum()}, by, {}, false, false, true);
  };
  const auto actual = second(true), expected = second(false);
  for (std::size_t i = 0; i < actual.size(); ++i) expect_close(actual[i], expected[i], 1e-10, std::to_string(i));
}

TEST(WeightedSum, SecondDerivativesHoldOtherInputsFast) {
  const auto second = [](bool fused) {
    Node node({2, 4, 5, 5, false}, torch::kDouble);
    const Tensor from = node.sources[1];
    node.terms.back().value = from.pow(2);
    const Tensor loss = (fused ? node.fused(true) : node.plain(true)).pow(3).sum();
    const auto first = torch::autograd::grad({loss}, {from, node.weights}, {}, true, true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(2).sum()}, {from, node.weights});
  };
  const auto actual = second(true), expected = second(false);
  for (std::size_t i = 0; i < actual.size(); ++i) expect_close(actual[i], expected[i], 1e-10, std::to_string(i));
}

TEST(WeightedSum, NaNStaysNaN) {
  Node node({2, 8, 4, 4, false}, torch::kFloat);
  node.sources[0].data().fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(torch::isnan(node.fused(true)).all().item<bool>());
}

TEST(WeightedSum, NaNStaysNaNAsBfloat16) {
  Node node({2, 8, 4, 4, false}, torch::kFloat);
  node.kept = torch::kBFloat16;
  node.sources[0].data().fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(torch::isnan(node.fused(true)).all().item<bool>());
}

TEST(WeightedSum, OfRows) {
  const Tensor a = torch::randn({5, 7}).requires_grad_(), b = torch::randn({5, 7}).requires_grad_();
  const Tensor w = torch::tensor({0.25F, 2.0F}).requires_grad_();
  const Tensor y = weighted_sum({a}, {{.source = 0}, {.value = b}}, w, {7, 0, 0}, torch::kFloat);
  expect_close(y, (0.25 * a + 2 * b).to(torch::kDouble), 1e-6, "y");
  y.square().sum().backward();
  expect_close(w.grad()[1], (2 * y * b).sum().to(torch::kDouble), 1e-5, "dw");
  expect_close(a.grad(), (0.5 * y).to(torch::kDouble), 1e-5, "da");
}

// Alone, as in a final network.
TEST(WeightedSum, SeparableLayersUseIt) {
  const auto run_layer = [](Layer& layer, const Tensor& x, bool plain) {
    const PlainExecution guard(plain);
    const Tensor y = layer.forward({x});
    std::vector<Tensor> by = layer.parameters();
    by.push_back(x);
    auto found = torch::autograd::grad({y.pow(3).sum()}, by);
    found.push_back(y);
    return std::pair(found, y.grad_fn()->name());
  };
  at::Generator generator = compat::cpu_generator(3);
  FactorizedReduce reduce(8, 8, Norm::affine);
  for (Unit* unit :
       {static_cast<Unit*>(&reduce.even()), static_cast<Unit*>(&reduce.odd()), static_cast<Unit*>(&reduce.norm())}) {
    unit->initialize(generator);
  }
  const auto separable = make_separable(8, 5, 1, 2, 2, 4, true);
  for (Layer* layer : {static_cast<Layer*>(separable.get()), static_cast<Layer*>(&reduce)}) {
    layer->to(torch::kDouble);
    const Tensor x = random_input({8, 7, 6}, 3, 5).to(torch::kDouble).requires_grad_();
    const auto [actual, name] = run_layer(*layer, x, false);
    const auto [expected, plain_name] = run_layer(*layer, x, true);
    EXPECT_EQ(name, "WeightedSumBackward");
    EXPECT_NE(plain_name, name);
    for (std::size_t i = 0; i < actual.size(); ++i) expect_close(actual[i], expected[i], 1e-11, std::to_string(i));
    layer->eval();
    EXPECT_NE(layer->forward({x}).grad_fn()->name(), name);
  }
}

TEST(WeightedSum, OtherCasesAreLeftToTorch) {
  EXPECT_TRUE(summable(*make_separable(8, 5, 2, 2, 1, 1)));
  EXPECT_FALSE(summable(*make_separable(8, 7, 1, 1, 2, 1)));
  EXPECT_FALSE(summable(*make_separable(8, 3, 3, 1, 1, 1)));
  EXPECT_FALSE(summable(torch::zeros({2, 3}, torch::kHalf)));
  const auto layer = make_separable(8, 3, 1, 1, 2, 1);
  layer->eval();
  EXPECT_FALSE(summable(*layer));
}

}  // namespace
}  // namespace netwright
