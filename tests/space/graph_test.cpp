#include "netwright/space/graph.h"

#include <gtest/gtest.h>

#include "netwright/base/error.h"
#include "netwright/space/nas_bench_201.h"
#include "netwright/space/operation.h"

namespace netwright {
namespace {

Network example() {
  return nas_bench_201_network("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|",
                               OperationTable::standard());
}

TEST(Graph, JsonKeepsTheNetworkAndSharesItsCells) {
  const Network network = example();
  const Json json = to_json(network);
  EXPECT_EQ(json.at("cells").size(), 1u);
  const Network read = network_from_json(Json::parse(json.dump()));
  EXPECT_EQ(to_json(read), json);
  EXPECT_EQ(read.input, network.input);
  EXPECT_EQ(read.classes, network.classes);
  EXPECT_EQ(read.graph.nodes[1].cell, read.graph.nodes[5].cell);
  EXPECT_EQ(read.graph.nodes[1].cell, read.graph.nodes[9].cell);
  ASSERT_EQ(read.graph.nodes.size(), network.graph.nodes.size());
  for (std::size_t i = 0; i < read.graph.nodes.size(); ++i) {
    EXPECT_EQ(read.graph.nodes[i].parameters, network.graph.nodes[i].parameters);
    EXPECT_EQ(read.graph.nodes[i].inputs, network.graph.nodes[i].inputs);
  }
  EXPECT_EQ(read.graph.nodes[1].cell->nodes[0].decided_by, "edge_0_1");
}

TEST(Graph, JsonKeepsKindsOfValuesRowsAndAuxiliary) {
  Network network;
  network.input = {54, 0, 0};
  network.classes = 7;
  network.graph.name = "rows";
  network.graph.inputs = {"x"};
  Node node;
  node.name = "n";
  node.operation = "dense";
  node.parameters = {{"features", std::int64_t{1}}, {"dropout", 1.0}, {"norm", true}, {"activation", std::string("1")}};
  node.inputs = {0};
  network.graph.nodes = {node};
  network.graph.output = 1;
  network.graph.auxiliary_output = 1;
  const Network read = network_from_json(Json::parse(to_json(network).dump()));
  EXPECT_EQ(read.graph.nodes[0].parameters, node.parameters);
  EXPECT_EQ(read.input, network.input);
  EXPECT_EQ(read.graph.auxiliary_output, 1);
}

TEST(Graph, ProducerOfAValue) {
  const Network network = example();
  EXPECT_EQ(network.graph.producer(0), nullptr);
  EXPECT_EQ(network.graph.producer(1)->name, "stem");
}

std::string refusal(const Json& json) {
  try {
    network_from_json(json);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    return error.problem();
  }
  return "";
}

TEST(Graph, WhatIsNoNetworkIsRefusedWithItsPlace) {
  const Json good = to_json(example());
  EXPECT_EQ(refusal(good), "");
  Json bad = good;
  bad["graph"]["nodes"][3]["inputs"] = {17};
  EXPECT_EQ(refusal(bad), "not a network: graph.nodes[3].inputs must be an integer from 0 to 3");
  bad = good;
  bad["grpah"] = 1;
  EXPECT_NE(refusal(bad).find("did you mean 'graph'?"), std::string::npos);
  bad = good;
  bad["graph"]["nodes"][1]["cell"] = 1;
  EXPECT_NE(refusal(bad), "");
  bad = good;
  bad["graph"]["nodes"][1].erase("cell");
  EXPECT_NE(refusal(bad), "");
  bad = good;
  bad["graph"]["nodes"][1]["name"] = "stem";
  EXPECT_NE(refusal(bad), "");
  bad = good;
  bad["graph"]["output"] = -1;
  EXPECT_NE(refusal(bad), "");
  bad = good;
  bad["graph"]["nodes"][0]["parameters"]["kernel"] = nullptr;
  EXPECT_NE(refusal(bad), "");
  bad = good;
  bad["input"] = {3, 0, 32};
  EXPECT_NE(refusal(bad), "");
  bad = good;
  bad["classes"] = 18446744073709551615ull;
  EXPECT_NE(refusal(bad), "");
  for (const Json& json : {Json(), Json(3), Json::array(), Json::object()}) EXPECT_NE(refusal(json), "");
}

// Every document got by leaving one thing out or putting something else in its place is read or refused, nothing else.
TEST(Graph, DamagedDocumentsNeverCrash) {
  const Json good = to_json(example());
  const Json flat = good.flatten();
  for (const auto& [path, value] : flat.items()) {
    for (const Json& other : {Json(), Json(-1), Json(1e300), Json("x"), Json::array({1}), Json::object()}) {
      Json bad = good;
      bad[Json::json_pointer(path)] = other;
      try {
        infer_shapes(network_from_json(bad).graph, {{3, 32, 32}}, OperationTable::standard());
      } catch (const Error&) {
      }
    }
  }
}

// Each cell holds the one before it twice: 2^60 nodes in 60 lines.
TEST(Graph, ExplodingCellsAreRefused) {
  Json json = {{"input", {8}}, {"classes", 2}, {"cells", Json::array()}};
  const auto graph = [](int cell) {
    Json g = {{"name", "c"}, {"inputs", {"x"}}, {"nodes", Json::array()}, {"output", 2}};
    for (int i = 0; i < 2; ++i) {
      Json node = {{"name", std::to_string(i)}, {"operation", cell < 0 ? "relu" : "cell"}, {"inputs", {i}}};
      if (cell >= 0) node["cell"] = cell;
      g["nodes"].push_back(node);
    }
    return g;
  };
  for (int i = 0; i < 60; ++i) json["cells"].push_back(graph(i - 1));
  json["graph"] = graph(59);
  EXPECT_NE(refusal(json).find("nodes"), std::string::npos);
}

}  // namespace
}  // namespace netwright
