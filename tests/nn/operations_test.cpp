// Each operation against the same arithmetic written out with LibTorch's plainest functions, in float64.
#include "netwright/nn/operations.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "netwright/nn/units.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

// Parameters and buffers of a module by name (without the node's "n."), and the arithmetic of a naive author.
class Naive {
 public:
  Naive(const torch::nn::Module& module, bool training) : training_(training) {
    const auto add = [this](const auto& items) {
      for (const auto& item : items) values_[item.key().substr(2)] = item.value();
    };
    add(module.named_parameters());
    add(module.named_buffers());
  }
  Tensor get(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? Tensor() : found->second;
  }
  bool has(const std::string& name) const { return values_.count(name) > 0; }

  Tensor conv(const Tensor& x, const std::string& name, std::int64_t stride = 1, std::int64_t dilation = 1,
              std::int64_t groups = 1) const {
    const Tensor weight = get(name + ".weight");
    return torch::conv2d(x, weight, get(name + ".bias"), stride, dilation * (weight.size(2) - 1) / 2, dilation, groups);
  }
  Tensor norm(const Tensor& x, const std::string& name) const {
    const std::vector<std::int64_t> over =
        x.dim() == 4 ? std::vector<std::int64_t>{0, 2, 3} : std::vector<std::int64_t>{0};
    const auto spread = [&](const Tensor& values) {
      return x.dim() == 4 ? values.reshape({1, -1, 1, 1}) : values.reshape({1, -1});
    };
    const Tensor mean = training_ ? x.mean(over) : get(name + ".running_mean");
    const Tensor variance = training_ ? (x - spread(mean)).square().mean(over) : get(name + ".running_var");
    Tensor y = (x - spread(mean)) / (spread(variance) + 1e-5).sqrt();
    if (has(name + ".weight")) y = y * spread(get(name + ".weight")) + spread(get(name + ".bias"));
    return y;
  }
  Tensor linear(const Tensor& x, const std::string& name) const {
    const Tensor y = x.matmul(get(name + ".weight").t());
    return has(name + ".bias") ? y + get(name + ".bias") : y;
  }

 private:
  bool training_;
  std::map<std::string, Tensor> values_;
};

Tensor rectify(const Tensor& x) {
  return x.clamp_min(0);
}

struct Case {
  std::string name, operation;
  Parameters parameters;
  Shape input;
  std::function<Tensor(const Naive&, const Tensor&)> expected;
};

constexpr Shape image = {8, 7, 9};
const Value two = std::int64_t{2};

Tensor inverted(const Naive& n, const Tensor& x, std::int64_t stride) {
  const auto activation = [](const Tensor& y) { return y * (y + 3).clamp(0, 6) / 6; };
  const Tensor wide = activation(n.norm(n.conv(x, "expand"), "expand.norm"));
  Tensor y = activation(n.norm(n.conv(wide, "depthwise", stride, 1, wide.size(1)), "depthwise.norm"));
  const Tensor gate = n.conv(rectify(n.conv(y.mean({2, 3}, true), "squeeze_excite.reduce")), "squeeze_excite.expand");
  y = n.norm(n.conv(y / (1 + (-gate).exp()), "project"), "project.norm");
  return stride == 1 ? x + y : y;
}

Tensor separable(const Naive& n, const Tensor& x, const std::string& number, std::int64_t stride,
                 std::int64_t dilation = 1) {
  const Tensor y = n.conv(rectify(x), "depthwise" + number, stride, dilation, x.size(1));
  return n.norm(n.conv(y, "pointwise" + number), "pointwise" + number + ".norm");
}

Tensor factorized(const Naive& n, const Tensor& x) {
  const Tensor bordered = torch::constant_pad_nd(rectify(x), {0, 1, 0, 1});  // one more than an even side needs
  const Tensor shifted = bordered.slice(2, 1, 1 + x.size(2)).slice(3, 1, 1 + x.size(3));
  return n.norm(torch::cat(at::TensorList({n.conv(rectify(x), "even", 2), n.conv(shifted.contiguous(), "odd", 2)}), 1),
                "norm");
}

// The window's values as a further dimension, absent ones being `absent`.
Tensor windows(const Tensor& x, std::int64_t kernel, std::int64_t stride, double absent) {
  const std::int64_t pad = (kernel - 1) / 2;
  return torch::constant_pad_nd(x, {pad, pad, pad, pad}, absent)
      .unfold(2, kernel, stride)
      .unfold(3, kernel, stride)
      .flatten(4);
}

Tensor average(const Tensor& x, std::int64_t kernel, std::int64_t stride) {
  return windows(x, kernel, stride, 0).sum(4) / windows(torch::ones_like(x), kernel, stride, 0).sum(4);
}

std::vector<Case> convolution_cases() {
  std::vector<Case> cases;
  for (const std::int64_t stride : {1, 2}) {
    const std::string by = "_stride" + std::to_string(stride);
    const Parameters wide = {{"stride", stride}, {"channels", std::int64_t{12}}};
    for (const std::int64_t kernel : {1, 3, 5}) {
      Parameters parameters = wide;
      parameters["kernel"] = kernel;
      cases.push_back({"nor_conv_" + std::to_string(kernel) + by, "nor_conv", parameters, image,
                       [stride](const Naive& n, const Tensor& x) {
                         return n.norm(n.conv(rectify(x), "block", stride), "block.norm");
                       }});
    }
    cases.push_back({"nor_conv_dilated" + by,
                     "nor_conv",
                     {{"stride", stride}, {"dilation", two}, {"affine", false}},
                     image,
                     [stride](const Naive& n, const Tensor& x) {
                       return n.norm(n.conv(rectify(x), "block", stride, 2), "block.norm");
                     }});
    cases.push_back({"conv_bn" + by, "conv_bn", wide, {3, 6, 5}, [stride](const Naive& n, const Tensor& x) {
                       return n.norm(n.conv(x, "block", stride), "block.norm");
                     }});
    cases.push_back({"conv_bn_relu6" + by,
                     "conv_bn",
                     {{"stride", stride}, {"channels", std::int64_t{16}}, {"activation", std::string("relu6")}},
                     image,
                     [stride](const Naive& n, const Tensor& x) {
                       return n.norm(n.conv(x, "block", stride), "block.norm").clamp(0, 6);
                     }});
    cases.push_back({"conv" + by, "conv", wide, image,
                     [stride](const Naive& n, const Tensor& x) { return n.conv(x, "block", stride); }});
    cases.push_back({"sep_conv_5x5" + by, "sep_conv_5x5", wide, image, [stride](const Naive& n, const Tensor& x) {
                       return separable(n, separable(n, x, "1", stride), "2", 1);
                     }});
    cases.push_back({"dil_conv_3x3" + by, "dil_conv_3x3", wide, image,
                     [stride](const Naive& n, const Tensor& x) { return separable(n, x, "", stride, 2); }});
    cases.push_back(
        {"inverted_residual" + by,
         "inverted_residual",
         {{"stride", stride}, {"expansion", two}, {"squeeze_excite", 0.25}, {"activation", std::string("hard_swish")}},
         image,
         [stride](const Naive& n, const Tensor& x) { return inverted(n, x, stride); }});
    cases.push_back({"residual_block" + by,
                     "residual_block",
                     {{"stride", stride}},
                     image,
                     [stride](const Naive& n, const Tensor& x) {
                       const Tensor first = rectify(n.norm(n.conv(x, "first", stride), "first.norm"));
                       const Tensor shortcut = stride == 1 ? x : n.norm(n.conv(x, "shortcut", stride), "shortcut.norm");
                       return rectify(n.norm(n.conv(first, "second"), "second.norm") + shortcut);
                     }});
  }
  cases.push_back({"grouped",
                   "conv_bn",
                   {{"groups", two}, {"activation", std::string("silu")}},
                   image,
                   [](const Naive& n, const Tensor& x) {
                     const Tensor y = n.norm(n.conv(x, "block", 1, 1, 2), "block.norm");
                     return y / (1 + (-y).exp());
                   }});
  cases.push_back({"factorized_reduce", "factorized_reduce", {{"channels", std::int64_t{10}}}, {6, 8, 8}, factorized});
  cases.push_back({"factorized_reduce_odd", "factorized_reduce", {}, {6, 7, 9}, factorized});
  cases.push_back({"skip_connect_2", "skip_connect", {{"stride", two}}, image, factorized});
  cases.push_back(
      {"nas_bench_201_block",
       "residual_block",
       {{"style", std::string("nas_bench_201")}, {"stride", two}, {"channels", std::int64_t{16}}},
       {8, 6, 4},
       [](const Naive& n, const Tensor& x) {
         const Tensor first = n.norm(n.conv(rectify(x), "first", 2), "first.norm");
         const Tensor pooled = x.reshape({x.size(0), x.size(1), x.size(2) / 2, 2, x.size(3) / 2, 2}).mean({3, 5});
         return n.norm(n.conv(rectify(first), "second"), "second.norm") + n.conv(pooled, "shortcut");
       }});
  cases.push_back({"auxiliary_classifier",
                   "auxiliary_classifier",
                   {{"features", std::int64_t{10}}},
                   {16, 8, 8},
                   [](const Naive& n, const Tensor& x) {
                     const Tensor pooled = rectify(x).unfold(2, 5, 3).unfold(3, 5, 3).mean({4, 5});
                     const Tensor y = rectify(n.norm(n.conv(pooled, "squeeze"), "squeeze.norm"));
                     const Tensor spread = torch::conv2d(y, n.get("spread.weight"));
                     return n.linear(rectify(n.norm(spread, "spread.norm")).flatten(1), "classifier");
                   }});
  return cases;
}

std::vector<Case> plain_cases() {
  std::vector<Case> cases;
  for (const std::int64_t stride : {1, 2}) {
    const std::string by = "_stride" + std::to_string(stride);
    cases.push_back(
        {"max_pool" + by, "max_pool_3x3", {{"stride", stride}}, image, [stride](const Naive&, const Tensor& x) {
           return windows(x, 3, stride, -1e9).amax(4);
         }});
    cases.push_back(
        {"avg_pool" + by, "avg_pool_3x3", {{"stride", stride}}, image, [stride](const Naive&, const Tensor& x) {
           return average(x, 3, stride);
         }});
    cases.push_back({"none" + by, "none", {{"stride", stride}}, image, [stride](const Naive&, const Tensor& x) {
                       return windows(x, 1, stride, 0).sum(4) * 0;
                     }});
  }
  cases.push_back(
      {"max_pool_2", "max_pool", {{"kernel", two}, {"stride", two}}, image, [](const Naive&, const Tensor& x) {
         return windows(x, 2, 2, -1e9).amax(4);
       }});
  cases.push_back({"avg_pool_norm", "avg_pool", {{"norm", true}}, image, [](const Naive& n, const Tensor& x) {
                     return n.norm(average(x, 3, 1), "norm");
                   }});
  cases.push_back(
      {"batch_norm", "batch_norm", {}, image, [](const Naive& n, const Tensor& x) { return n.norm(x, "norm"); }});
  cases.push_back({"bn_relu", "bn_relu", {}, {9, 5, 5}, [](const Naive& n, const Tensor& x) {
                     return rectify(n.norm(x, "norm"));
                   }});
  cases.push_back({"layer_norm", "layer_norm", {}, image, [](const Naive& n, const Tensor& x) {
                     const Tensor centred = x - x.mean(1, true);
                     const Tensor y = centred / (centred.square().mean(1, true) + 1e-5).sqrt();
                     return y * n.get("norm.weight").reshape({1, -1, 1, 1}) + n.get("norm.bias").reshape({1, -1, 1, 1});
                   }});
  cases.push_back({"squeeze_excite", "squeeze_excite", {}, image, [](const Naive& n, const Tensor& x) {
                     const Tensor gate = n.conv(rectify(n.conv(x.mean({2, 3}, true), "reduce")), "expand");
                     return x / (1 + (-gate).exp());
                   }});
  cases.push_back({"relu", "relu", {}, image, [](const Naive&, const Tensor& x) { return rectify(x); }});
  cases.push_back({"gelu", "activation", {{"function", std::string("gelu")}}, {5}, [](const Naive&, const Tensor& x) {
                     return x * 0.5 * (1 + (x / std::sqrt(2.0)).erf());
                   }});
  cases.push_back({"tanh", "activation", {{"function", std::string("tanh")}}, {5}, [](const Naive&, const Tensor& x) {
                     return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp());
                   }});
  cases.push_back({"identity", "identity", {}, image, [](const Naive&, const Tensor& x) { return x; }});
  cases.push_back({"global_pool", "global_pool", {}, image, [](const Naive&, const Tensor& x) {
                     return x.sum({2, 3}) / 63;
                   }});
  cases.push_back({"flatten", "flatten", {}, image, [](const Naive&, const Tensor& x) {
                     return x.reshape({-1, 504});
                   }});
  cases.push_back(
      {"linear", "linear", {{"features", std::int64_t{3}}, {"bias", false}}, {5}, [](const Naive& n, const Tensor& x) {
         return n.linear(x, "linear");
       }});
  cases.push_back(
      {"dense", "dense", {{"features", std::int64_t{12}}, {"norm", true}}, {5}, [](const Naive& n, const Tensor& x) {
         return rectify(n.norm(n.linear(x, "linear"), "norm"));
       }});
  cases.push_back(
      {"classifier", "classifier", {{"features", std::int64_t{4}}}, image, [](const Naive& n, const Tensor& x) {
         return n.linear(x.mean({2, 3}), "linear");
       }});
  cases.push_back(
      {"classifier_row", "classifier", {{"features", std::int64_t{4}}}, {7}, [](const Naive& n, const Tensor& x) {
         return n.linear(x, "linear");
       }});
  return cases;
}

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

void copy_state(const torch::nn::Module& from, torch::nn::Module& to) {
  torch::NoGradGuard guard;
  const auto parameters = to.named_parameters(), buffers = to.named_buffers();
  for (const auto& item : from.named_parameters()) parameters[item.key()].detach().copy_(item.value());
  for (const auto& item : from.named_buffers()) buffers[item.key()].detach().copy_(item.value());
}

class OperationTest : public testing::TestWithParam<Case> {};

TEST_P(OperationTest, ComputesWhatItSays) {
  const Case& c = GetParam();
  const Network network = single(c.operation, c.parameters, c.input);
  const auto module = build(network, standard_table(), {.seed = 3});
  const auto naive = build(network, standard_table(), {.seed = 3});
  EXPECT_EQ(module->parameter_count(), network_cost(network, standard_table()).parameters);
  randomize(*module, 7);
  naive->to(torch::kDouble);
  for (const bool training : {true, false}) {
    SCOPED_TRACE(training ? "training" : "evaluation");
    module->train(training);
    copy_state(*module, *naive);  // training has changed the running statistics
    const Tensor x = random_input(c.input, 6).requires_grad_();
    const Tensor x64 = x.detach().to(torch::kDouble).requires_grad_();
    const Tensor expected = c.expected(Naive(*naive, training), x64), y = module->forward(x);
    ASSERT_EQ(y.sizes(), expected.sizes());
    EXPECT_LT((y - expected).abs().max().item<double>(), 2e-5);
    if (!y.requires_grad()) continue;

    const Tensor weights = torch::randn(y.sizes(), compat::cpu_generator(5));
    module->zero_grad();
    naive->zero_grad();
    (y * weights).sum().backward();
    (expected * weights).sum().backward();
    if (x.grad().defined()) {
      EXPECT_LT((x.grad() - x64.grad()).abs().max().item<double>(), 1e-4);
    }
    const auto gradients = naive->named_parameters();
    for (const auto& item : module->named_parameters()) {
      const Tensor& wanted = gradients[item.key()].grad();
      const double scale = 1 + wanted.abs().max().item<double>();
      EXPECT_LT((item.value().grad() - wanted).abs().max().item<double>() / scale, 5e-5) << item.key();
    }
  }
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Convolution, OperationTest, testing::ValuesIn(convolution_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Plain, OperationTest, testing::ValuesIn(plain_cases()), case_name);

TEST(Operations, EveryRowHasAFactory) {
  const LayerTable layers = LayerTable::standard();
  for (const std::string& name : standard_table().names()) {
    EXPECT_TRUE(layers.find(standard_table().base_of(name))) << name;
  }
}

TEST(Operations, DropoutKeepsTheExpectation) {
  torch::manual_seed(1);
  const auto module = build(single("dropout", {{"probability", 0.25}}, {1000}), standard_table());
  const Tensor ones = torch::ones({100, 1000});
  const Tensor y = module->forward(ones);
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.01);
  EXPECT_NEAR((y == 0).to(torch::kDouble).mean().item<double>(), 0.25, 0.01);
  module->eval();
  EXPECT_TRUE(torch::equal(module->forward(ones), ones));
}

TEST(Operations, DropPathDropsWholeSamplesAndKeepsTheExpectation) {
  torch::manual_seed(1);
  const Tensor x = torch::ones({20000, 2, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor y = drop_path(x, 0.3);
  EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  const Tensor samples = y.flatten(1);
  EXPECT_TRUE(torch::equal(samples.amin(1), samples.amax(1)));
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.02);
  EXPECT_NEAR((samples.amax(1) == 0).to(torch::kDouble).mean().item<double>(), 0.3, 0.02);
  EXPECT_TRUE(torch::equal(drop_path(x, 0), x));
}

TEST(Operations, UnknownActivationNamesTheNearest) {
  try {
    activation_from_string("rellu");
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("relu"), std::string::npos);
  }
}

}  // namespace
}  // namespace netwright
