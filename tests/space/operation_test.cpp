#include "netwright/space/operation.h"

#include <gtest/gtest.h>

#include "netwright/base/error.h"

namespace netwright {
namespace {

constexpr std::int64_t operator""_i(unsigned long long value) {
  return static_cast<std::int64_t>(value);
}

class OperationTableTest : public testing::Test {
 protected:
  struct Result {
    Shape shape;
    Cost cost;
  };
  Result apply(const std::string& name, const std::vector<Shape>& inputs, const Parameters& parameters = {}) const {
    const Parameters all = table.complete(name, parameters);
    const Operation& row = table.at(name);
    const Shape shape = row.shape(inputs, all);
    return {shape, row.cost(inputs, shape, all)};
  }
  std::string problem(const std::string& name, const std::vector<Shape>& inputs,
                      const Parameters& parameters = {}) const {
    try {
      apply(name, inputs, parameters);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      EXPECT_FALSE(error.remedy().empty());
      return error.problem();
    }
    return "";
  }
  Node node(const std::string& name, const std::string& operation, std::vector<int> inputs,
            const Parameters& parameters = {}) const {
    Node node;
    node.name = name;
    node.operation = operation;
    node.parameters = table.complete(operation, parameters);
    node.inputs = std::move(inputs);
    return node;
  }
  OperationTable table = OperationTable::standard();
};

const Shape image16 = {16, 32, 32}, image8 = {8, 9, 7}, row54 = {54, 0, 0};

TEST_F(OperationTableTest, EveryRowHasShapeCostAndCompleteDefaults) {
  EXPECT_GE(table.names().size(), 29u + 10u);
  for (const std::string& name : table.names()) {
    const Operation& row = table.at(name);
    EXPECT_EQ(row.name, name);
    EXPECT_FALSE(row.summary.empty()) << name;
    EXPECT_TRUE(row.shape && row.cost) << name;
    EXPECT_NE(table.find(table.base_of(name)), nullptr) << name;
  }
}

// Costs counted by hand from the definition of each block.
TEST_F(OperationTableTest, CostsOfConvolutions) {
  const std::int64_t p = 32 * 32, q = 16 * 16;
  const auto conv = apply("conv", {image16}, {{"channels", 24_i}, {"groups", 8_i}});
  EXPECT_EQ(conv.shape, (Shape{24, 32, 32}));
  EXPECT_EQ(conv.cost, (Cost{2 * 24 * 9 + 24, 2 * 24 * 9 * p, 24 * p}));
  const auto conv_bn = apply("conv_bn", {image16}, {{"channels", 32_i}, {"stride", 2_i}, {"kernel", 5_i}});
  EXPECT_EQ(conv_bn.shape, (Shape{32, 16, 16}));
  EXPECT_EQ(conv_bn.cost, (Cost{16 * 32 * 25 + 64, 16 * 32 * 25 * q, 0}));
  const auto sep = apply("sep_conv_5x5", {image16}, {{"channels", 32_i}, {"stride", 2_i}});
  EXPECT_EQ(sep.cost.parameters, 16 * 25 + 16 * 16 + 32 + 16 * 25 + 16 * 32 + 64);
  EXPECT_EQ(sep.cost.macs, (16 * 25 + 16 * 16 + 16 * 25 + 16 * 32) * q);
  const auto dil = apply("dil_conv_3x3", {image16}, {{"affine", false}});
  EXPECT_EQ(dil.cost, (Cost{16 * 9 + 16 * 16, (16 * 9 + 16 * 16) * p, 0}));
  EXPECT_EQ(apply("nor_conv_1x1", {image16}).cost, (Cost{16 * 16 + 32, 16 * 16 * p, 0}));
  EXPECT_EQ(apply("factorized_reduce", {image16}, {{"channels", 32_i}}).cost, (Cost{16 * 32 + 64, 16 * 32 * q, 0}));
}

TEST_F(OperationTableTest, CostsOfBlocks) {
  const std::int64_t p = 32 * 32, q = 16 * 16;
  const auto inverted = apply("inverted_residual", {image16},
                              {{"channels", 24_i}, {"stride", 2_i}, {"expansion", 4_i}, {"squeeze_excite", 0.25}});
  EXPECT_EQ(inverted.shape, (Shape{24, 16, 16}));
  EXPECT_EQ(inverted.cost.parameters, 16 * 64 + 128 + 64 * 9 + 128 + (64 * 4 + 4 + 4 * 64 + 64) + 64 * 24 + 48);
  EXPECT_EQ(inverted.cost.macs, 16 * 64 * p + 64 * 9 * q + 2 * 64 * 4 + 64 * 24 * q);
  EXPECT_EQ(inverted.cost.bias_adds, 4 + 64);
  EXPECT_EQ(apply("inverted_residual", {image16}, {{"expansion", 1_i}}).cost.parameters, 16 * 9 + 32 + 16 * 16 + 32);
  EXPECT_EQ(apply("residual_block", {image16}).cost.parameters, 2 * (16 * 16 * 9 + 32));
  EXPECT_EQ(apply("residual_block", {image16}, {{"channels", 32_i}, {"stride", 2_i}}).cost.parameters,
            16 * 32 * 9 + 64 + 32 * 32 * 9 + 64 + 16 * 32 + 64);
  EXPECT_EQ(
      apply("residual_block", {image16}, {{"channels", 32_i}, {"stride", 2_i}, {"style", std::string("nas_bench_201")}})
          .cost,
      (Cost{16 * 32 * 9 + 64 + 32 * 32 * 9 + 64 + 16 * 32, (16 * 32 * 9 + 32 * 32 * 9 + 16 * 32) * q, 0}));
  EXPECT_EQ(apply("auxiliary_classifier", {Shape{576, 8, 8}}, {{"features", 10_i}}).cost.parameters,
            576 * 128 + 256 + 128 * 768 * 4 + 1536 + 7690);
}

TEST_F(OperationTableTest, CostsOfRowsAndHeads) {
  EXPECT_EQ(apply("dense", {row54}, {{"features", 20_i}, {"norm", true}}).cost, (Cost{54 * 20 + 20 + 40, 54 * 20, 20}));
  EXPECT_EQ(apply("linear", {row54}, {{"bias", false}}).cost, (Cost{54 * 54, 54 * 54, 0}));
  EXPECT_EQ(apply("classifier", {image16}, {{"features", 10_i}}).cost, (Cost{170, 160, 10}));
  EXPECT_EQ(apply("batch_norm", {image16}).cost.parameters, 32);
  EXPECT_EQ(apply("bn_relu", {image16}, {{"affine", false}}).cost.parameters, 0);
  EXPECT_EQ(apply("layer_norm", {row54}).cost.parameters, 108);
}

TEST_F(OperationTableTest, ShapesOfOddSidesRoundUp) {
  EXPECT_EQ(apply("nor_conv", {image8}, {{"stride", 2_i}}).shape, (Shape{8, 5, 4}));
  EXPECT_EQ(apply("factorized_reduce", {image8}).shape, (Shape{8, 5, 4}));
  EXPECT_EQ(apply("none", {image8}, {{"stride", 2_i}, {"channels", 3_i}}).shape, (Shape{3, 5, 4}));
  EXPECT_EQ(apply("avg_pool_3x3", {image8}, {{"stride", 2_i}}).shape, (Shape{8, 5, 4}));
  EXPECT_EQ(apply("max_pool", {image8}, {{"kernel", 2_i}, {"stride", 2_i}}).shape, (Shape{8, 4, 3}));
  EXPECT_EQ(apply("align", {image16, Shape{4, 16, 16}}, {{"channels", 8_i}}).shape, (Shape{8, 16, 16}));
  EXPECT_EQ(apply("align", {image16, Shape{4, 32, 32}}).shape, image16);
}

TEST_F(OperationTableTest, ShapesOfStructure) {
  EXPECT_EQ(apply("skip_connect", {image16}).shape, image16);
  EXPECT_EQ(apply("skip_connect", {image16}).cost, Cost{});
  EXPECT_EQ(apply("skip_connect", {image16}, {{"stride", 2_i}, {"channels", 32_i}}).shape, (Shape{32, 16, 16}));
  EXPECT_EQ(apply("concat", {image16, Shape{3, 32, 32}}).shape, (Shape{19, 32, 32}));
  EXPECT_EQ(apply("concat", {row54, row54}).shape, (Shape{108, 0, 0}));
  EXPECT_EQ(apply("global_pool", {image16}).shape, (Shape{16, 0, 0}));
  EXPECT_EQ(apply("flatten", {image8}).shape, (Shape{504, 0, 0}));
}

TEST_F(OperationTableTest, MisfitsAreRefused) {
  EXPECT_NE(problem("add", {image16, image8}).find("16x32x32, 8x9x7"), std::string::npos);
  EXPECT_NE(problem("concat", {image16, image8}), "");
  EXPECT_NE(problem("conv", {row54}), "");
  EXPECT_NE(problem("dense", {image16}), "");
  EXPECT_NE(problem("conv", {image16}, {{"kernel", 4_i}}), "");
  EXPECT_NE(problem("conv", {image16}, {{"stride", 0_i}}), "");
  EXPECT_NE(problem("conv", {image16}, {{"groups", 3_i}}), "");
  EXPECT_NE(problem("conv", {image16}, {{"channels", -1_i}}), "");
  EXPECT_NE(problem("skip_connect", {image16}, {{"channels", 32_i}}), "");
  EXPECT_NE(problem("avg_pool", {image16}, {{"channels", 32_i}}), "");
  EXPECT_NE(problem("max_pool", {Shape{4, 1, 1}}, {{"kernel", 2_i}}), "");
  EXPECT_NE(problem("align", {image16, image8}), "");
  EXPECT_NE(problem("classifier", {image16}), "");
  EXPECT_NE(problem("dropout", {image16}, {{"probability", 1.5}}), "");
  EXPECT_NE(problem("conv_bn", {image16}, {{"activation", std::string("relu7")}}).find("relu7"), std::string::npos);
  EXPECT_NE(problem("residual_block", {Shape{4, 7, 7}}, {{"stride", 2_i}, {"style", std::string("nas_bench_201")}}),
            "");
}

TEST_F(OperationTableTest, CompleteFillsDefaultsAndChecksNamesAndKinds) {
  const Parameters all = table.complete("sep_conv_5x5", {{"stride", 2_i}});
  EXPECT_EQ(all.at("kernel"), Value(5_i));
  EXPECT_EQ(all.at("stride"), Value(2_i));
  EXPECT_EQ(table.complete("dropout", {{"probability", 0_i}}).at("probability"), Value(0.0));
  EXPECT_THROW(table.complete("conv", {{"kernel", std::string("3")}}), Error);
  try {
    table.complete("conv", {{"kernle", 3_i}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.remedy(), "did you mean 'kernel'?");
  }
  try {
    table.at("nor_conv_3x4");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.remedy(), "did you mean 'nor_conv_3x3'?");
  }
}

TEST_F(OperationTableTest, AliasesAndOwnRows) {
  EXPECT_EQ(table.base_of("sep_conv_7x7"), "sep_conv");
  table.alias("wide", "sep_conv_7x7", {{"channels", 99_i}});
  EXPECT_EQ(table.base_of("wide"), "sep_conv");
  EXPECT_EQ(apply("wide", {image16}).shape.channels, 99);
  EXPECT_EQ(table.at("wide").defaults.at("kernel"), Value(7_i));
  Operation twice;
  twice.name = "wide";
  table.add(twice);
  EXPECT_EQ(table.base_of("wide"), "wide");
  EXPECT_EQ(apply("wide", {image16}).shape, image16);
  EXPECT_EQ(apply("wide", {image16}).cost, Cost{});
}

TEST_F(OperationTableTest, ErrorsNameTheNodeItsPlaceAndTheShapes) {
  auto cell = std::make_shared<Graph>();
  cell->name = "block";
  cell->inputs = {"x"};
  cell->nodes = {node("a", "nor_conv_3x3", {0}, {{"channels", 8_i}}), node("b", "nor_conv_3x3", {0}),
                 node("both", "add", {1, 2})};
  cell->nodes[2].where = {"space.yaml", 7, 3};
  cell->output = 3;
  Network network;
  network.input = image16;
  network.classes = 10;
  network.graph.inputs = {"x"};
  Node instance;
  instance.name = "stage1";
  instance.operation = "cell";
  instance.cell = cell;
  instance.inputs = {0};
  network.graph.nodes = {instance};
  network.graph.output = 1;
  try {
    network_cost(network, table);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.where()), "space.yaml:7:3");
    EXPECT_EQ(error.problem(),
              "node 'both' (add): the terms of a sum have different shapes: 8x32x32, 16x32x32; its inputs are "
              "'a' 8x32x32, 'b' 16x32x32\n  in node 'stage1' (cell block)");
    EXPECT_FALSE(error.remedy().empty());
  }
}

TEST_F(OperationTableTest, IncompleteOrUnknownParametersAreRefused) {
  Graph graph;
  graph.inputs = {"x"};
  graph.nodes = {node("c", "conv", {0})};
  graph.output = 1;
  EXPECT_EQ(infer_shapes(graph, {image16}, table).back(), image16);
  graph.nodes[0].parameters["colour"] = 1_i;
  EXPECT_THROW(infer_shapes(graph, {image16}, table), Error);
  graph.nodes[0].parameters = {{"kernel", 3_i}};
  EXPECT_THROW(infer_shapes(graph, {image16}, table), Error);
  graph.nodes[0] = node("c", "align", {0, 0});
  graph.nodes[0].inputs = {0};
  EXPECT_THROW(infer_shapes(graph, {image16}, table), Error);
}

TEST_F(OperationTableTest, AuxiliaryClassifierCostsNothingAndUnusedNodesDo) {
  Network network;
  network.input = image16;
  network.classes = 10;
  network.graph.inputs = {"x"};
  network.graph.nodes = {node("head", "classifier", {0}, {{"features", 10_i}}), node("squeeze", "nor_conv_1x1", {0}),
                         node("auxiliary", "auxiliary_classifier", {2}, {{"features", 10_i}})};
  network.graph.output = 1;
  network.graph.auxiliary_output = 3;
  EXPECT_EQ(network_cost(network, table).parameters, 170);
  network.graph.auxiliary_output = -1;
  EXPECT_GT(network_cost(network, table).parameters, 170 + 288);
}

}  // namespace
}  // namespace netwright
