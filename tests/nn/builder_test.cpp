#include "netwright/nn/builder.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "netwright/base/error.h"
#include "netwright/space/nas_bench_201.h"
#include "nn/networks.h"

namespace netwright {
namespace {

using torch::Tensor;

// Runs a layer and compares the result's shape and memory with what the graph promises.
class Checked : public Layer {
 public:
  Checked(std::shared_ptr<Layer> layer, const Shape& output)
      : layer_(register_module("checked", std::move(layer))), output_(output) {}
  Tensor forward(const std::vector<Tensor>& inputs) override {
    Tensor y = layer_->forward(inputs);
    if (output_.is_image()) {
      EXPECT_EQ(y.sizes(), at::IntArrayRef({y.size(0), output_.channels, output_.height, output_.width}));
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    } else {
      EXPECT_EQ(y.sizes(), at::IntArrayRef({y.size(0), output_.channels}));
    }
    return y;
  }

 private:
  std::shared_ptr<Layer> layer_;
  Shape output_;
};

LayerTable checked_layers() {
  LayerTable layers = LayerTable::standard();
  for (const std::string& name : layers.names()) {
    layers.add(name, [inner = *layers.find(name)](const LayerContext& context) {
      return std::make_shared<Checked>(inner(context), context.output);
    });
  }
  return layers;
}

std::string const darts_file = NETWRIGHT_SOURCE_DIR "/spaces/darts.yaml";

struct Edge {
  const char* operation;
  int state;
};

// Sets the choices of one of DARTS's cells from a genotype: two edges a node, states 0 and 1 being the cell's inputs.
void set_cell(Configuration& configuration, const std::string& cell, const std::vector<Edge>& genotype) {
  for (int node = 0; node < 4; ++node) {
    std::vector<Edge> edges = {genotype[static_cast<std::size_t>(2 * node)],
                               genotype[static_cast<std::size_t>(2 * node + 1)]};
    if (edges[0].state > edges[1].state) std::swap(edges[0], edges[1]);
    const auto name = [](int state) {
      return state < 2 ? "p" + std::to_string(state) : "n" + std::to_string(state - 2);
    };
    const std::string path = cell + ".n" + std::to_string(node);
    // Node 0 has one pair of states only: no choice.
    if (node > 0) configuration.set(path + ".inputs", name(edges[0].state) + "," + name(edges[1].state));
    configuration.set(path + ".op1", std::string(edges[0].operation));
    configuration.set(path + ".op2", std::string(edges[1].operation));
  }
}

Configuration darts_v1() {
  Configuration c;
  set_cell(c, "normal",
           {{"sep_conv_3x3", 1},
            {"sep_conv_3x3", 0},
            {"skip_connect", 0},
            {"sep_conv_3x3", 1},
            {"skip_connect", 0},
            {"sep_conv_3x3", 1},
            {"sep_conv_3x3", 0},
            {"skip_connect", 2}});
  set_cell(c, "reduction",
           {{"max_pool_3x3", 0},
            {"max_pool_3x3", 1},
            {"skip_connect", 2},
            {"max_pool_3x3", 0},
            {"max_pool_3x3", 0},
            {"skip_connect", 2},
            {"skip_connect", 2},
            {"avg_pool_3x3", 0}});
  return c;
}

Configuration darts_v2() {
  Configuration c;
  set_cell(c, "normal",
           {{"sep_conv_3x3", 0},
            {"sep_conv_3x3", 1},
            {"sep_conv_3x3", 0},
            {"sep_conv_3x3", 1},
            {"sep_conv_3x3", 1},
            {"skip_connect", 0},
            {"skip_connect", 0},
            {"dil_conv_3x3", 2}});
  set_cell(c, "reduction",
           {{"max_pool_3x3", 0},
            {"max_pool_3x3", 1},
            {"skip_connect", 2},
            {"max_pool_3x3", 1},
            {"max_pool_3x3", 0},
            {"skip_connect", 2},
            {"skip_connect", 2},
            {"max_pool_3x3", 1}});
  return c;
}

SearchSpace small_darts() {
  Yaml space = load_yaml(darts_file);
  set_by_path(space, "parameters.channels=4");
  set_by_path(space, "parameters.layers=5");
  return SearchSpace::parse(space, {}, std::nullopt, std::nullopt);
}

TEST(Builder, PublishedDartsCellsHaveThePublishedParameters) {
  const SearchSpace space = SearchSpace::load(darts_file);
  for (const auto& [configuration, parameters] : {std::pair{darts_v1(), 3169414}, std::pair{darts_v2(), 3349342}}) {
    space.validate(configuration);
    const Network network = space.fill(configuration).network;
    EXPECT_EQ(network_cost(network, space.table()).parameters, parameters);
    EXPECT_EQ(build(network, space.table())->parameter_count(), parameters);
  }
}

TEST(Builder, FirstNasBench201NetworkHasThePublishedParameters) {
  const std::string architecture =
      "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|";
  const Network network = nas_bench_201_network(architecture, standard_table());
  EXPECT_EQ(build(network, standard_table())->parameter_count(), 129306);
}

TEST(Builder, RandomMembersOfEverySpaceAreWhatTheirGraphsSay) {
  const LayerTable layers = checked_layers();
  for (const std::string& path : shipped_spaces()) {
    SCOPED_TRACE(path);
    const bool darts = path == darts_file;
    const SearchSpace space = darts ? small_darts() : SearchSpace::load(path);
    Random random(11);
    for (int i = 0; i < 6; ++i) {
      const Network network = space.fill(space.sample(random)).network;
      const auto module = build(network, space.table(), {.layers = layers});
      EXPECT_EQ(module->parameter_count(), network_cost(network, space.table()).parameters);
      const Tensor x = random_input(network.input, 2);
      EXPECT_EQ(module->forward(x).sizes(), at::IntArrayRef({2, network.classes}));
      module->eval();
      EXPECT_TRUE(module->forward(x).isfinite().all().item<bool>());
    }
  }
}

TEST(Builder, SameSeedSameWeightsWhateverElseTheGraphHolds) {
  torch::manual_seed(1);
  const Tensor before = at::detail::getDefaultCPUGenerator().get_state();
  const auto make = [](const char* architecture, std::uint64_t seed) {
    return build(nas_bench_201_network(architecture, standard_table(), {.cells = 1}), standard_table(), {.seed = seed});
  };
  const char* architecture = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|skip_connect~2|";
  const auto a = make(architecture, 5), b = make(architecture, 5), c = make(architecture, 6);
  const auto d = make("|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|nor_conv_3x3~1|skip_connect~2|", 5);
  EXPECT_TRUE(torch::equal(before, at::detail::getDefaultCPUGenerator().get_state()));
  const auto pb = b->named_parameters(), pc = c->named_parameters(), pd = d->named_parameters();
  for (const auto& item : a->named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), pb[item.key()])) << item.key();
    if (item.value().dim() > 1) {
      EXPECT_FALSE(torch::equal(item.value(), pc[item.key()])) << item.key();
    }
    if (const Tensor* other = pd.find(item.key())) {
      EXPECT_TRUE(torch::equal(item.value(), *other)) << item.key();
    }
  }
}

TEST(Builder, InitialWeightsHaveTheStatedVariance) {
  const auto module = build(single("conv_bn", {{"channels", std::int64_t{64}}}, {64, 8, 8}), standard_table());
  const Tensor weight = module->named_parameters()["n.block.weight"];
  EXPECT_NEAR(weight.var().item<double>(), 2.0 / (64 * 9), 2e-4);
  EXPECT_TRUE(weight.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(Builder, NamesFollowTheGraph) {
  const SearchSpace space = small_darts();
  const auto module = build(space.fill(darts_v2()).network, space.table());
  std::set<std::string> names;
  for (const auto& item : module->named_parameters()) names.insert(item.key());
  EXPECT_TRUE(names.count("stem.block.weight"));
  EXPECT_TRUE(names.count("reduce1.p1.block.norm.bias"));
  EXPECT_TRUE(names.count("head.linear.weight"));
  EXPECT_EQ(
      std::count_if(names.begin(), names.end(), [](const std::string& n) { return n.rfind("auxiliary", 0) == 0; }), 0);
}

TEST(Builder, AuxiliaryLogitsOnlyInTraining) {
  const SearchSpace space = small_darts();
  const Network network = space.fill(darts_v1()).network;
  const auto module = build(network, space.table(), {.auxiliary = true});
  EXPECT_GT(module->parameter_count(), network_cost(network, space.table()).parameters);
  const Tensor x = random_input(network.input, 2);
  const NetworkModule::Output output = module->run(x);
  EXPECT_EQ(output.auxiliary.sizes(), at::IntArrayRef({2, 10}));
  (output.logits.sum() + output.auxiliary.sum()).backward();
  for (const auto& item : module->named_parameters()) EXPECT_TRUE(item.value().grad().defined()) << item.key();
  module->eval();
  EXPECT_FALSE(module->run(x).auxiliary.defined());
}

TEST(Builder, EvaluationRepeatsAndLeavesTheModuleAlone) {
  const SearchSpace space = small_darts();
  const auto module = build(space.fill(darts_v1()).network, space.table());
  module->set_drop_path(0.5);
  module->eval();
  const Tensor x = random_input({3, 32, 32}, 3);
  std::map<std::string, Tensor> before;
  for (const auto& item : module->named_buffers()) before[item.key()] = item.value().clone();
  const Tensor first = module->forward(x);
  EXPECT_TRUE(torch::equal(first, module->forward(x)));
  EXPECT_TRUE(torch::allclose(first.slice(0, 0, 1), module->forward(x.slice(0, 0, 1)), 1e-4, 1e-5));
  for (const auto& item : module->named_buffers()) EXPECT_TRUE(torch::equal(item.value(), before[item.key()]));
}

// A cell whose sum has an identity term, a pooled term and a sum of zeros alone.
Network cell_network() {
  auto cell = std::make_shared<Graph>();
  cell->name = "cell";
  cell->inputs = {"x"};
  cell->nodes = {make_node("sum.0", "skip_connect", {}, {0}), make_node("sum.1", "avg_pool_3x3", {}, {0}),
                 make_node("sum.2", "none", {}, {0}), make_node("sum", "add", {}, {1, 2, 3}),
                 make_node("unused", "nor_conv_3x3", {}, {0})};
  cell->output = 4;
  Network network = single("relu", {}, {1, 3, 3});
  Node node;
  node.name = "c";
  node.operation = "cell";
  node.cell = cell;
  node.inputs = {1};
  network.graph.nodes.push_back(node);
  network.graph.output = 2;
  return network;
}

TEST(Builder, DropPathDropsTermsOfSumsButNoIdentity) {
  const auto module = build(cell_network(), standard_table());
  module->set_drop_path(0.5);
  torch::manual_seed(2);
  const Tensor y = module->forward(torch::ones({1000, 1, 3, 3})).flatten(1);
  // Each sample is 1 (the identity alone) or 1 + 1 / 0.5.
  const Tensor kept = y == 3;
  EXPECT_TRUE(((y == 1) | kept).all().item<bool>());
  EXPECT_NEAR(kept.to(torch::kDouble).mean().item<double>(), 0.5, 0.06);
  module->eval();
  EXPECT_TRUE((module->forward(torch::ones({2, 1, 3, 3})) == 2).all().item<bool>());
}

TEST(Builder, UnusedNodesAreParametersButNotRun) {
  const auto module = build(cell_network(), standard_table());
  module->forward(torch::ones({4, 1, 3, 3}));
  EXPECT_EQ(module->parameter_count(), 9 + 2);
  EXPECT_TRUE(torch::equal(module->named_buffers()["c.unused.block.norm.running_var"], torch::ones({1})));
}

TEST(Builder, SumOfZerosIsZero) {
  Network network = single("none", {}, {2, 3, 3});
  network.graph.nodes.push_back(make_node("m", "none", {}, {0}));
  network.graph.nodes.push_back(make_node("sum", "add", {}, {1, 2}));
  network.graph.output = 3;
  const Tensor y = build(network, standard_table())->forward(random_input(network.input, 5));
  EXPECT_TRUE(torch::equal(y, torch::zeros({5, 2, 3, 3})));
}

TEST(Builder, WorksInOtherTypes) {
  const SearchSpace space = small_darts();
  const auto module = build(space.fill(darts_v1()).network, space.table());
  const Tensor x = random_input({3, 32, 32}, 2);
  const Tensor y = module->forward(x);
  const auto twin = build(space.fill(darts_v1()).network, space.table());
  twin->to(torch::kDouble);
  EXPECT_TRUE(torch::allclose(twin->forward(x.to(torch::kDouble)), y.to(torch::kDouble), 1e-2, 1e-3));
}

TEST(Builder, UserAddsAnOperation) {
  OperationTable table = standard_table();
  Operation twice;
  twice.name = "twice";
  table.add(twice);
  Network network = single("relu", {}, {4});
  network.graph.nodes[0].operation = "twice";
  EXPECT_THROW(build(network, table), Error);  // no factory yet

  class Twice : public Layer {
   public:
    Tensor forward(const std::vector<Tensor>& inputs) override { return 2 * inputs[0]; }
  };
  BuildOptions options;
  options.layers.add("twice", [](const LayerContext&) { return std::make_shared<Twice>(); });
  const Tensor x = random_input({4}, 2);
  EXPECT_TRUE(torch::equal(build(network, table, options)->forward(x), 2 * x));
}

TEST(Builder, ClashingShapesAreAnError) {
  Network network = single("conv_bn", {{"channels", std::int64_t{4}}}, {3, 8, 8});
  network.graph.nodes.push_back(make_node("sum", "add", {}, {0, 1}));
  network.graph.output = 2;
  EXPECT_THROW(build(network, standard_table()), Error);
}

}  // namespace
}  // namespace netwright
