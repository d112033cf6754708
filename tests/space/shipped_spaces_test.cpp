// The spaces under spaces/: each loads, its members are networks, and the numbers that papers fix come out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "netwright/base/file.h"
#include "space/space_text.h"

namespace netwright {
namespace {

using namespace std::string_literals;

SearchSpace shipped(const std::string& name) {
  return SearchSpace::load(std::string(NETWRIGHT_SOURCE_DIR) + "/spaces/" + name + ".yaml");
}

class ShippedSpace : public testing::TestWithParam<const char*> {};

TEST_P(ShippedSpace, HasMembersThatAreNetworks) {
  const SearchSpace space = shipped(GetParam());
  EXPECT_EQ(space.name(), GetParam());
  Random random(11);
  for (int i = 0; i < 100; ++i) {
    const Configuration configuration = space.sample(random);
    space.validate(configuration);
    const Design design = space.fill(configuration);
    const auto shapes = infer_shapes(design.network.graph, {design.network.input}, space.table());
    EXPECT_EQ(shapes[static_cast<std::size_t>(design.network.graph.output)], (Shape{design.network.classes, 0, 0}));
    const Cost cost = network_cost(design.network, space.table());
    EXPECT_GT(cost.parameters, 0);
    EXPECT_GT(cost.macs, 0);
    EXPECT_EQ(to_json(network_from_json(to_json(design.network))), to_json(design.network));
    EXPECT_NO_THROW(space.fill(space.mutate(configuration, random)));
  }
}

// Damaged files are refused or mean something else; they never end in anything but an invalid Error.
TEST_P(ShippedSpace, IsReadOrRefusedHoweverDamaged) {
  const std::string text = read_file(std::string(NETWRIGHT_SOURCE_DIR) + "/spaces/" + GetParam() + ".yaml");
  Random random(5);
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string damaged = text;
    for (std::uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const std::size_t at = random.below(damaged.size());
      const std::size_t length = 1 + random.below(12);
      const std::string piece = damaged.substr(random.below(damaged.size()), length);
      if (random.below(2) == 0) damaged.erase(at, length);
      if (random.below(2) == 0) damaged.insert(std::min(at, damaged.size()), piece);
      if (random.below(4) == 0) damaged[random.below(damaged.size())] = "{}[]:,$&*-0 "[random.below(12)];
    }
    try {
      SearchSpace::parse(parse_yaml(damaged, "damaged.yaml"), Yaml{}, std::nullopt, std::nullopt);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid) << error.what();
      EXPECT_EQ(error.where().file, "damaged.yaml") << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 30);
}

INSTANTIATE_TEST_SUITE_P(Spaces, ShippedSpace,
                         testing::Values("nas-bench-201", "darts", "mobilenet", "resnet-stage", "mlp", "fashion-demo"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ShippedSpaces, HaveTheirSizes) {
  EXPECT_EQ(shipped("nas-bench-201").size(), 15'625u);
  EXPECT_EQ(shipped("darts").size(), 1'037'664'180u * std::uint64_t{1'037'664'180u});
  EXPECT_EQ(std::sqrt(1'076'746'950'455'072'400.0), 1'037'664'180.0);
  EXPECT_EQ(shipped("mobilenet").size(), 3'486'784'401u);
  EXPECT_EQ(shipped("resnet-stage").size(), 4u * (8u + 64u + 512u + 4096u));
  EXPECT_EQ(shipped("mlp").size(), std::nullopt);
  EXPECT_EQ(shipped("fashion-demo").size(), 331'776u);
}

TEST(ShippedSpaces, NasBench201HasTheTablesFirstRow) {
  const SearchSpace space = shipped("nas-bench-201");
  Configuration
      configuration;  // |avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|
  configuration.set("edge_0_1", "avg_pool_3x3"s);
  configuration.set("edge_0_2", "nor_conv_1x1"s);
  configuration.set("edge_1_2", "skip_connect"s);
  configuration.set("edge_0_3", "nor_conv_1x1"s);
  configuration.set("edge_1_3", "skip_connect"s);
  configuration.set("edge_2_3", "skip_connect"s);
  EXPECT_EQ(network_cost(space.fill(configuration).network, space.table()).parameters, 129'306);
}

// A genotype as published: pairs of operation and state, two a node; states 0 and 1 are the inputs.
using Genotype = std::vector<std::pair<const char*, int>>;

void set_cell(Configuration& configuration, const std::string& cell, Genotype genotype) {
  const std::vector<std::string> states = {"p0", "p1", "n0", "n1", "n2"};
  for (std::size_t node = 0; node < 4; ++node) {
    auto first = genotype[2 * node];
    auto second = genotype[2 * node + 1];
    if (first.second > second.second) std::swap(first, second);
    const std::string path = cell + ".n" + std::to_string(node);
    if (node > 0) {
      configuration.set(path + ".inputs", states[static_cast<std::size_t>(first.second)] + "," +
                                              states[static_cast<std::size_t>(second.second)]);
    }
    configuration.set(path + ".op1", std::string(first.first));
    configuration.set(path + ".op2", std::string(second.first));
  }
}

TEST(ShippedSpaces, DartsHasThePublishedNetworks) {
  const SearchSpace space = shipped("darts");
  Configuration v1;
  set_cell(v1, "normal",
           {{"sep_conv_3x3", 1},
            {"sep_conv_3x3", 0},
            {"skip_connect", 0},
            {"sep_conv_3x3", 1},
            {"skip_connect", 0},
            {"sep_conv_3x3", 1},
            {"sep_conv_3x3", 0},
            {"skip_connect", 2}});
  set_cell(v1, "reduction",
           {{"max_pool_3x3", 0},
            {"max_pool_3x3", 1},
            {"skip_connect", 2},
            {"max_pool_3x3", 0},
            {"max_pool_3x3", 0},
            {"skip_connect", 2},
            {"skip_connect", 2},
            {"avg_pool_3x3", 0}});
  space.validate(v1);
  const Network network = space.fill(v1).network;
  EXPECT_EQ(network_cost(network, space.table()).parameters, 3'169'414);
  EXPECT_GE(network.graph.auxiliary_output, 0);
  Configuration v2;
  set_cell(v2, "normal",
           {{"sep_conv_3x3", 0},
            {"sep_conv_3x3", 1},
            {"sep_conv_3x3", 0},
            {"sep_conv_3x3", 1},
            {"sep_conv_3x3", 1},
            {"skip_connect", 0},
            {"skip_connect", 0},
            {"dil_conv_3x3", 2}});
  set_cell(v2, "reduction",
           {{"max_pool_3x3", 0},
            {"max_pool_3x3", 1},
            {"skip_connect", 2},
            {"max_pool_3x3", 1},
            {"max_pool_3x3", 0},
            {"skip_connect", 2},
            {"skip_connect", 2},
            {"max_pool_3x3", 1}});
  EXPECT_EQ(network_cost(space.fill(v2).network, space.table()).parameters, 3'349'342);
}

TEST(ShippedSpaces, DartsReducesAtAThirdAndTwoThirds) {
  const SearchSpace space = shipped("darts");
  Random random(1);
  const Graph graph = space.fill(space.sample(random)).network.graph;
  std::vector<std::string> cells;
  std::set<const Graph*> different;
  for (const auto& node : graph.nodes) {
    if (node.cell == nullptr) continue;
    cells.push_back(node.cell->name);
    different.insert(node.cell.get());
  }
  ASSERT_EQ(cells.size(), 20u);
  for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(cells[i], i == 6 || i == 13 ? "reduction" : "normal") << i;
  EXPECT_EQ(different.size(), 5u);                             // normal at three widths, reduction at two
  EXPECT_EQ(graph.nodes[1].inputs, (std::vector<int>{1, 1}));  // both inputs of the first cell are the stem
  EXPECT_EQ(graph.nodes[2].inputs, (std::vector<int>{1, 2}));
}

TEST(ShippedSpaces, ParametersMayBeOverridden) {
  Yaml yaml = load_yaml(std::string(NETWRIGHT_SOURCE_DIR) + "/spaces/darts.yaml");
  set_by_path(yaml, "parameters.layers=8");
  set_by_path(yaml, "parameters.channels=16");
  const SearchSpace space = SearchSpace::parse(yaml, Yaml{}, std::nullopt, std::nullopt);
  Random random(1);
  const Graph graph = space.fill(space.sample(random)).network.graph;
  EXPECT_EQ(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) { return node.cell != nullptr; }), 8);
}

TEST(ShippedSpaces, FashionDemoIsCheap) {
  const SearchSpace space = shipped("fashion-demo");
  Random random(1);
  std::vector<std::int64_t> macs;
  for (int i = 0; i < 200; ++i)
    macs.push_back(network_cost(space.fill(space.sample(random)).network, space.table()).macs);
  std::sort(macs.begin(), macs.end());
  EXPECT_GT(macs.front(), 250'000);
  EXPECT_GT(macs[100], 1'000'000);
  EXPECT_LT(macs[100], 4'000'000);
  EXPECT_LT(macs.back(), 8'000'000);
}

}  // namespace
}  // namespace netwright
