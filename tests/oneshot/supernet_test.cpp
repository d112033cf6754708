// Which spaces a supernet serves, how large it is, and that one network's weights in it give that network's output.
#include "netwright/oneshot/supernet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/base/yaml.h"
#include "netwright/nn/builder.h"

namespace netwright {
namespace {

SearchSpace shipped(const std::string& name, const std::vector<std::string>& settings = {}) {
  Yaml yaml = load_yaml(NETWRIGHT_SOURCE_DIR "/spaces/" + name + ".yaml");
  for (const std::string& setting : settings) set_by_path(yaml, setting);
  return SearchSpace::parse(yaml, Yaml{}, std::nullopt, std::nullopt);
}

Mixture uniform(const Relaxation& relaxation, torch::ScalarType type = torch::kFloat) {
  Mixture mixture;
  for (const RowGroup& group : relaxation.groups) {
    const auto options = static_cast<std::int64_t>(group.options.size());
    mixture.weights.push_back(
        torch::full({static_cast<std::int64_t>(group.rows.size()), options}, 1.0 / static_cast<double>(options), type));
  }
  return mixture;
}

TEST(Supernet, HasAsManyParametersAsThePublishedSearchNetworks) {
  const SearchSpace space = shipped("darts", {"parameters.channels=16", "parameters.layers=8"});
  const Relaxation relaxation = space.relax({});
  EXPECT_EQ(build_supernet(relaxation, space.table())->parameter_count(), 1'930'618);
  SupernetOptions partial;
  partial.partial = 4;
  EXPECT_EQ(build_supernet(relaxation, space.table(), partial)->parameter_count(), 299'578);
  ASSERT_EQ(relaxation.groups.size(), 2u);
  for (const RowGroup& group : relaxation.groups) {
    EXPECT_EQ(group.rows.size(), 14u);
    EXPECT_EQ(group.options.size(), 8u);
  }
}

TEST(Supernet, ServesTheShippedSpaces) {
  const std::vector<SearchSpace> spaces = {shipped("nas-bench-201", {"parameters.cells=1", "parameters.channels=4"}),
                                           shipped("darts", {"parameters.channels=4", "parameters.layers=3"}),
                                           shipped("mobilenet", {"parameters.width=8"}), shipped("resnet-stage"),
                                           shipped("fashion-demo")};
  for (const SearchSpace& space : spaces) {
    SCOPED_TRACE(space.name());
    const auto net = build_supernet(space.relax({}), space.table());
    const Shape& input = net->relaxation().network.input;
    const torch::Tensor x = torch::randn({2, input.channels, input.height, input.width});
    Mixture mixture = uniform(net->relaxation());
    for (torch::Tensor& weights : mixture.weights) weights.requires_grad_();
    const torch::Tensor y = net->forward(x, mixture);
    EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{2, net->relaxation().network.classes}));
    y.square().sum().backward();
    for (const torch::Tensor& weights : mixture.weights) {
      EXPECT_TRUE(weights.grad().defined());
      EXPECT_TRUE(torch::isfinite(weights.grad()).all().item<bool>());
    }
  }
}

// One network of the space within the supernet computes what that network computes by itself, given the same weights.
void expect_same_network(const SearchSpace& space, const RelaxationOptions& options, std::uint64_t seed) {
  const auto net = build_supernet(space.relax(options), space.table());
  net->to(torch::kDouble);
  Random random(seed);
  const Configuration configuration = space.sample(random);
  SCOPED_TRACE(configuration.canonical_text());
  const Relaxation& relaxation = net->relaxation();
  EXPECT_EQ(relaxation.configuration(space, relaxation.picks(configuration)), configuration);
  const auto alone = build(space.fill(configuration).network, space.table());
  alone->to(torch::kDouble);
  // Parameters of the network by their paths: the option's name lies between the edge's and the layer's.
  auto ours = net->named_parameters();
  const torch::NoGradGuard no_grad;
  const Picks picks = relaxation.picks(configuration);
  std::vector<SupernetStep> steps;
  for (const SupernetStep& step : net->steps()) {
    steps.insert(steps.end(), step.edges.begin(), step.edges.end());
    steps.push_back(step);
  }
  for (const SupernetStep& step : steps) {
    for (const SupernetUnit& unit : step.units) {
      const bool chosen = std::all_of(unit.factors.begin(), unit.factors.end(), [&](const Factor& factor) {
        return picks.options[static_cast<std::size_t>(factor.row)] == factor.option;
      });
      if (!chosen || !unit.layer) continue;
      for (const auto& item : alone->named_parameters()) {
        if (!item.key().starts_with(step.path + ".")) continue;
        const torch::Tensor* source = ours.find(unit.path + item.key().substr(step.path.size()));
        if (source != nullptr) item.value().copy_(*source);
      }
    }
  }
  const Shape& input = relaxation.network.input;
  const torch::Tensor x = torch::randn({3, input.channels, input.height, input.width}, torch::kDouble);
  const torch::Tensor a = net->forward(x, single(picks)), b = alone->forward(x);
  EXPECT_LT((a - b).abs().max().item<double>(), 1e-9 * b.abs().max().item<double>());
}

TEST(Supernet, OneNetworkInItIsThatNetwork) {
  const RelaxationOptions as_final{.none = true, .affine = true, .pool_norm = false};
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    expect_same_network(shipped("nas-bench-201", {"parameters.cells=1", "parameters.channels=4"}), as_final, seed);
    expect_same_network(shipped("darts", {"parameters.channels=4", "parameters.layers=3"}), as_final, seed);
  }
}

TEST(Supernet, AnUnweightedChoiceIsTheSameAsWeightOne) {
  const SearchSpace space = shipped("nas-bench-201", {"parameters.cells=1", "parameters.channels=4"});
  const auto net = build_supernet(space.relax({}), space.table());
  net->to(torch::kDouble);
  Random random(3);
  const Picks picks = net->relaxation().picks(space.sample(random));
  Mixture weighted = uniform(net->relaxation(), torch::kDouble);
  for (std::size_t row = 0; row < picks.options.size(); ++row) {
    const RelaxedRow& at = net->relaxation().rows[row];
    weighted.weights[static_cast<std::size_t>(at.group)][at.index].zero_();
    weighted.weights[static_cast<std::size_t>(at.group)][at.index][picks.options[row]] = 1;
  }
  const torch::Tensor x = torch::randn({2, 3, 32, 32}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(net->forward(x, single(picks)), net->forward(x, weighted), 1e-12, 1e-12));
}

std::string refusal(const std::string& text) {
  try {
    const SearchSpace space = SearchSpace::parse(parse_yaml(text, "space.yaml"), Yaml{}, std::nullopt, std::nullopt);
    build_supernet(space.relax({}), space.table());
  } catch (const Error& error) {
    return error.what();
  }
  return "served";
}

TEST(Supernet, RefusesWhatItCannotHoldAndNamesTheChoice) {
  const std::string head = "input: [3, 8, 8]\nclasses: 3\nnetwork:\n  - {name: stem, op: conv_bn, channels: 8}\n";
  const std::string tail = "  - {name: head, op: classifier}\n";
  EXPECT_THAT(refusal(head + "  - {name: drop, op: dropout, probability: {real: [0.1, 0.5]}}\n" + tail),
              ::testing::HasSubstr("'drop.probability'"));
  EXPECT_THAT(refusal(head + tail + "recipe: {batch: {choice: [16, 32]}}\n"), ::testing::HasSubstr("'recipe.batch'"));
  EXPECT_THAT(refusal(head + "  - {name: down, op: nor_conv_3x3, stride: {choice: [1, 2]}}\n" + tail),
              ::testing::HasSubstr("'down.stride'"));
  EXPECT_THAT(refusal(head + "  - {name: wide, op: nor_conv_3x3, channels: 16, repeat: {integer: [0, 2]}}\n" + tail),
              ::testing::HasSubstr("'wide.repeat'"));
  EXPECT_EQ(refusal(head + "  - {name: deep, op: nor_conv_3x3, repeat: {integer: [0, 2]}}\n" + tail), "served");
}

}  // namespace
}  // namespace netwright
