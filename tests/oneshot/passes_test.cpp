// Whatever makes a supernet faster gives what LibTorch's operations give one by one: logits, and the gradients of all
// weights and of the architecture, in every shipped space, for each option alone and for all of them weighted.
#include "netwright/oneshot/passes.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <regex>

#include "netwright/base/error.h"
#include "netwright/base/yaml.h"

namespace netwright::passes_test {
namespace {

using torch::Tensor;

// Without dropout, whose draws differ from one precision to another.
SearchSpace shipped(const std::string& name, const std::vector<std::string>& settings) {
  std::ifstream file(NETWRIGHT_SOURCE_DIR "/spaces/" + name + ".yaml");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  Yaml yaml = parse_yaml(std::regex_replace(text, std::regex(", dropout: [0-9.]+"), ""), name);
  for (const std::string& setting : settings) set_by_path(yaml, setting);
  return SearchSpace::parse(yaml, Yaml{}, std::nullopt, std::nullopt);
}

struct Served {
  SearchSpace space;
  std::int64_t partial;
};

std::vector<Served> served() {
  const SearchSpace darts = shipped("darts", {"parameters.channels=8", "parameters.layers=3"});
  return {{darts, 1},
          {darts, 4},
          {shipped("nas-bench-201", {"parameters.cells=1", "parameters.channels=8"}), 1},
          {shipped("mobilenet", {"parameters.width=8"}), 1},
          {shipped("resnet-stage", {}), 1},
          {shipped("fashion-demo", {}), 1}};
}

struct Result {
  Tensor logits;
  std::vector<Tensor> architecture;
  std::map<std::string, Tensor> weights;
  std::vector<Tensor> running;  // statistics of the norms
};

// A mixture in which no two weights are equal.
Mixture uneven(const Relaxation& relaxation, torch::ScalarType type, bool edges) {
  at::Generator generator = compat::cpu_generator(4);
  Mixture mixture;
  for (const RowGroup& group : relaxation.groups) {
    const auto rows = static_cast<std::int64_t>(group.rows.size()),
               options = static_cast<std::int64_t>(group.options.size());
    mixture.weights.push_back(
        torch::softmax(torch::empty({rows, options}, torch::kDouble).normal_(0, 1, generator), 1).to(type));
  }
  if (edges) {
    for (const RelaxedSum& sum : relaxation.sums) {
      const auto count = static_cast<std::int64_t>(sum.edges.size());
      mixture.edges.push_back(
          torch::softmax(torch::empty({count}, torch::kDouble).normal_(0, 1, generator), 0).to(type));
    }
  }
  return mixture;
}

Result run(const Served& served, const SupernetPasses& passes, torch::ScalarType type,
           const std::optional<Picks>& only = {}, std::uint64_t seed = 8, bool rounded = false) {
  SupernetOptions options;
  options.seed = 2;
  options.partial = served.partial;
  options.passes = passes;
  const auto net = build_supernet(served.space.relax({}), served.space.table(), options);
  net->to(type);
  if (rounded) {  // as bfloat16 would keep the weights
    torch::NoGradGuard guard;
    for (Tensor& weight : net->parameters()) weight.copy_(weight.to(torch::kBFloat16));
  }
  Mixture mixture = only ? single(*only) : uneven(net->relaxation(), type, served.partial > 1);
  for (Tensor& weights : mixture.weights) weights.requires_grad_();
  for (Tensor& weights : mixture.edges) weights.requires_grad_();
  const Shape& input = net->relaxation().network.input;
  at::Generator generator = compat::cpu_generator(seed);
  const Tensor x =
      torch::empty({4, input.channels, input.height, input.width}, torch::kDouble).normal_(0, 1, generator).to(type);
  Result result;
  result.logits = net->forward(x, mixture);
  result.logits.pow(2).sum().backward();
  for (const auto* tensors : {&mixture.weights, &mixture.edges}) {
    for (const Tensor& tensor : *tensors) result.architecture.push_back(tensor.grad());
  }
  for (const auto& item : net->named_parameters()) result.weights[item.key()] = item.value().grad();
  for (const Tensor& buffer : net->buffers()) result.running.push_back(buffer.to(torch::kDouble));
  return result;
}

double distance(const Tensor& a, const Tensor& b, double scale) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined() ? 0 : 1;
  return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>() / scale;
}

double largest(const Tensor& tensor) {
  return tensor.defined() ? tensor.abs().max().item<double>() : 0;
}

// The largest distances of logits, architecture's and weights' gradients, each by the largest number of its kind: some
// gradients are sums that cancel to nothing.
std::array<double, 3> distances(const Result& actual, const Result& expected) {
  std::array<double, 3> found{distance(actual.logits, expected.logits, largest(expected.logits)), 0, 0};
  double scale = 0;
  for (const Tensor& tensor : expected.architecture) scale = std::max(scale, largest(tensor));
  for (std::size_t i = 0; i < expected.architecture.size(); ++i) {
    found[1] = std::max(found[1], distance(actual.architecture.at(i), expected.architecture[i], scale));
  }
  scale = 0;
  for (const auto& [name, tensor] : expected.weights) scale = std::max(scale, largest(tensor));
  for (const auto& [name, tensor] : expected.weights) {
    found[2] = std::max(found[2], distance(actual.weights.at(name), tensor, scale));
  }
  return found;
}

// In float64 to the ninth digit. In float32 a whole network may amplify what its operations round, so the bound is what
// LibTorch's own operations come to, one by one; and where a value lies so near to a ReLU's corner that rounding
// decides on which side, an element more or less passes its gradient: one input of three has none such.
void expect_same(const Served& one, const std::optional<Picks>& only = {}) {
  double best = 1e30;
  for (const std::uint64_t seed : {8, 9, 10}) {
    const Result expected = run(one, SupernetPasses::none(), torch::kDouble, only, seed);
    if (largest(expected.logits) < 1e-12) return;  // every edge none
    if (seed == 8) {
      for (const double found : distances(run(one, {}, torch::kDouble, only, seed), expected)) EXPECT_LT(found, 1e-9);
    }
    const auto fast = distances(run(one, {}, torch::kFloat, only, seed), expected);
    const auto plain = distances(run(one, SupernetPasses::none(), torch::kFloat, only, seed), expected);
    double worst = 0;
    for (std::size_t i = 0; i < fast.size(); ++i) worst = std::max(worst, fast[i] / std::max(1e-5, 4 * plain[i]));
    best = std::min(best, worst);
    if (best < 1) return;
  }
  EXPECT_LT(best, 1);
}

TEST(Passes, LeaveEverySpacesArithmeticAsItIs) {
  for (const Served& one : served()) {
    SCOPED_TRACE(one.space.name() + ", partial " + std::to_string(one.partial));
    expect_same(one);
  }
}

TEST(Passes, RecomputingCellsLeavesEverySpacesArithmeticAsItIs) {
  SupernetPasses passes;
  passes.recompute = true;
  for (const Served& one : served()) {
    SCOPED_TRACE(one.space.name() + ", partial " + std::to_string(one.partial));
    const Result expected = run(one, {}, torch::kDouble), actual = run(one, passes, torch::kDouble);
    for (const double found : distances(actual, expected)) EXPECT_LT(found, 1e-12);
    ASSERT_EQ(actual.running.size(), expected.running.size());
    for (std::size_t i = 0; i < actual.running.size(); ++i) {
      EXPECT_LT(distance(actual.running[i], expected.running[i], 1 + largest(expected.running[i])), 1e-12);
    }
  }
}

// The distances of logits, architecture's and weights' gradients as vectors, by the expected one's length.
std::array<double, 3> apart(const Result& actual, const Result& expected) {
  const auto rows = [](const Result& result) {
    std::array<std::vector<Tensor>, 3> kinds = {std::vector{result.logits}, result.architecture, {}};
    for (const auto& [name, tensor] : result.weights) kinds[2].push_back(tensor);
    std::array<Tensor, 3> joined;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      std::vector<Tensor> parts;
      for (const Tensor& tensor : kinds[i]) {
        if (tensor.defined()) parts.push_back(tensor.detach().to(torch::kDouble).reshape({-1}));
      }
      joined[i] = torch::cat(parts);
    }
    return joined;
  };
  const std::array<Tensor, 3> left = rows(actual), right = rows(expected);
  std::array<double, 3> found{};
  for (std::size_t i = 0; i < found.size(); ++i) {
    found[i] = ((left[i] - right[i]).norm() / right[i].norm()).item<double>();
  }
  return found;
}

// Of a whole network, bfloat16's results are as far from exact ones as those of weights kept in bfloat16: both round
// one number of each product to 8 bits. (weighted_sum_test.cpp compares a single sum number by number.)
TEST(Passes, Bfloat16IsNear) {
  const Served one{shipped("darts", {"parameters.channels=8", "parameters.layers=3"}), 1};
  SupernetPasses passes;
  passes.bf16 = true;
  const Result expected = run(one, {}, torch::kDouble);
  const auto found = apart(run(one, passes, torch::kFloat), expected),
             exact = apart(run(one, {}, torch::kFloat), expected),
             yardstick = apart(run(one, {}, torch::kDouble, {}, 8, true), expected);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_LT(found[i], 2 * yardstick[i]);
    EXPECT_GT(found[i], 100 * exact[i]) << "it is not rounded at all";
  }
}

TEST(Passes, EachCanBeTurnedRound) {
  const Served one{shipped("darts", {"parameters.channels=8", "parameters.layers=3"}), 1};
  const Result expected = run(one, SupernetPasses::none(), torch::kDouble);
  for (const std::string& name : pass_names()) {
    SCOPED_TRACE(name);
    SupernetPasses passes;
    pass_by_name(passes, name) = !pass_by_name(passes, name);  // in float64 bf16 changes nothing
    for (const double found : distances(run(one, passes, torch::kDouble), expected)) EXPECT_LT(found, 1e-9);
  }
}

// Network i takes option i of every row.
TEST(Passes, LeaveEveryOptionAsItIs) {
  for (const Served& one : served()) {
    const Relaxation relaxation = one.space.relax({});
    std::size_t most = 0;
    for (const RelaxedRow& row : relaxation.rows) most = std::max(most, row.options.size());
    for (std::size_t i = 0; i < most; ++i) {
      SCOPED_TRACE(one.space.name() + ", partial " + std::to_string(one.partial) + ", option " + std::to_string(i));
      Picks picks;
      for (const RelaxedRow& row : relaxation.rows) {
        picks.options.push_back(static_cast<int>(std::min(i, row.options.size() - 1)));
      }
      expect_same(one, picks);
    }
  }
}

struct Operation {
  Tensor y, input_gradient;
};

Operation run(Layer& layer, const std::vector<Tensor>& values, const Tensor& scale) {
  std::vector<Tensor> x;
  for (const Tensor& value : values) x.push_back(value.detach().clone().requires_grad_());
  const Tensor y = layer.forward(x);
  (y * scale.to(y.options())).sum().backward();
  return {y.detach(), x.front().grad()};
}

// Operation by operation, on the same input: forward, and backward to the input, within 1e-5 in float32.
TEST(Passes, LeaveEveryOperationAsItIs) {
  for (const Served& one : served()) {
    SupernetOptions options;
    options.seed = 2;
    options.partial = one.partial;
    const Relaxation relaxation = one.space.relax({});
    const auto fast = build_supernet(relaxation, one.space.table(), options);
    const auto exact = build_supernet(relaxation, one.space.table(), options);
    exact->to(torch::kDouble);
    for (std::size_t i = 0; i < fast->steps().size(); ++i) {
      const auto units_of = [](const SupernetStep& step) {
        std::vector<SupernetUnit> units = step.units;
        for (const SupernetStep& edge : step.edges) units.insert(units.end(), edge.units.begin(), edge.units.end());
        return units;
      };
      const std::vector<SupernetUnit> narrow = units_of(fast->steps()[i]), wide = units_of(exact->steps()[i]);
      for (std::size_t u = 0; u < narrow.size(); ++u) {
        if (!narrow[u].layer || narrow[u].zero || narrow[u].node.cell) continue;
        SCOPED_TRACE(one.space.name() + ", " + narrow[u].path);
        at::Generator generator = compat::cpu_generator(i);
        std::vector<Tensor> x;
        for (const Shape& own : narrow[u].input_shapes) {
          std::vector<std::int64_t> sizes = {4, own.channels};
          if (own.is_image()) sizes.insert(sizes.end(), {own.height, own.width});
          x.push_back(torch::empty(sizes).normal_(0, 1, generator));
        }
        std::vector<Tensor> x64;
        for (const Tensor& value : x) x64.push_back(value.to(torch::kDouble));
        Tensor scale;
        {
          const torch::NoGradGuard no_grad;
          scale = torch::empty_like(narrow[u].layer->forward(x)).normal_(0, 1, generator);
        }
        const Operation actual = run(*narrow[u].layer, x, scale), expected = run(*wide[u].layer, x64, scale);
        EXPECT_LT(distance(actual.y, expected.y, 1e-3 + largest(expected.y)), 1e-5);
        EXPECT_LT(distance(actual.input_gradient, expected.input_gradient, 1e-3 + largest(expected.input_gradient)),
                  1e-5);
      }
    }
  }
}

TEST(Passes, AnUnknownNameIsRefused) {
  SupernetPasses passes;
  EXPECT_THROW(pass_by_name(passes, "sum"), Error);
}

}  // namespace
}  // namespace netwright::passes_test
