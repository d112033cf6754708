#include "netwright/space/canonical.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "netwright/base/error.h"
#include "netwright/base/random.h"
#include "netwright/space/search_space.h"

namespace netwright {
namespace {

const OperationTable& table() {
  static const OperationTable table = OperationTable::standard();
  return table;
}

// Writes a graph node by node: value numbers are returned.
class Draft {
 public:
  explicit Draft(std::size_t inputs = 1) {
    graph_.name = "draft";
    for (std::size_t i = 0; i < inputs; ++i) graph_.inputs.push_back("x" + std::to_string(i));
  }
  int operator()(const std::string& operation, std::vector<int> inputs, const Parameters& parameters = {}) {
    Node node;
    node.name = "n" + std::to_string(graph_.nodes.size());
    node.operation = operation;
    node.parameters = table().complete(operation, parameters);
    node.inputs = std::move(inputs);
    graph_.nodes.push_back(std::move(node));
    return static_cast<int>(graph_.value_count()) - 1;
  }
  int operator()(const std::shared_ptr<const Graph>& cell, std::vector<int> inputs) {
    Node node;
    node.name = "n" + std::to_string(graph_.nodes.size());
    node.operation = "cell";
    node.cell = cell;
    node.inputs = std::move(inputs);
    graph_.nodes.push_back(std::move(node));
    return static_cast<int>(graph_.value_count()) - 1;
  }
  Graph with_output(int value) const {
    Graph graph = graph_;
    graph.output = value;
    return graph;
  }

 private:
  Graph graph_;
};

const Shape image = {16, 8, 8};
constexpr std::array levels = {Equivalence::isomorphism, Equivalence::skips, Equivalence::zeros, Equivalence::function};

GraphHash hash(const Graph& graph, Equivalence level = Equivalence::function) {
  return graph_hash(graph, std::vector<Shape>(graph.inputs.size(), image), table(), level);
}

std::string text(const Graph& graph, Equivalence level = Equivalence::function) {
  return canonical_text(graph, std::vector<Shape>(graph.inputs.size(), image), table(), level);
}

TEST(Canonical, NodesUsedTwiceDifferFromTwoNodes) {
  Draft once;
  const int n1 = once("nor_conv_3x3", {0});
  const Graph shared = once.with_output(once("add", {n1, once("relu", {n1})}));
  Draft twice;
  const int a = twice("nor_conv_3x3", {0}), b = twice("nor_conv_3x3", {0});
  const Graph separate = twice.with_output(twice("add", {a, twice("relu", {b})}));
  EXPECT_NE(hash(shared), hash(separate));
  EXPECT_EQ(hash(shared, Equivalence::zeros), hash(separate, Equivalence::zeros));  // as NAS-Bench-201 has it
  EXPECT_NE(text(shared), text(separate));
  EXPECT_NE(text(shared).find("n1:(0)@nor_conv_3x3"), std::string::npos) << text(shared);
}

// Both have the same expressions and the same number of nodes; they differ in which convolution feeds which.
TEST(Canonical, SharingIsFollowedThroughSeveralNodes) {
  const auto build = [](bool crossed) {
    Draft draft;
    const int a = draft("nor_conv_3x3", {0}), b = draft("nor_conv_3x3", {0});
    const int c = draft("nor_conv_1x1", {a}), d = draft("nor_conv_1x1", {b});
    const int e = draft("concat", {a, crossed ? d : c}), f = draft("concat", {b, crossed ? c : d});
    return draft.with_output(draft("add", {draft("sep_conv_3x3", {e}), draft("sep_conv_5x5", {f})}));
  };
  EXPECT_NE(hash(build(false)), hash(build(true)));
}

TEST(Canonical, NodesWithoutWeightsMayBeSharedOrNot) {
  Draft once;
  const int p = once("max_pool_3x3", {0});
  const Graph shared = once.with_output(once("concat", {p, once("nor_conv_3x3", {p})}));
  Draft twice;
  const int q = twice("max_pool_3x3", {0}), r = twice("max_pool_3x3", {0});
  const Graph separate = twice.with_output(twice("concat", {q, twice("nor_conv_3x3", {r})}));
  EXPECT_EQ(hash(shared), hash(separate));
}

TEST(Canonical, CellsCountAsTheNodesWithinThem) {
  Draft inner(2);
  const int a = inner("nor_conv_3x3", {0});
  auto cell = std::make_shared<const Graph>(inner.with_output(inner("add", {a, 1})));
  Draft outer;
  const int first = outer(cell, {0, 0});
  const Graph nested = outer.with_output(outer(cell, {first, 0}));
  Draft flat;
  const int b = flat("add", {flat("nor_conv_3x3", {0}), 0});
  const Graph inlined = flat.with_output(flat("add", {flat("nor_conv_3x3", {b}), 0}));
  EXPECT_EQ(hash(nested), hash(inlined));
  EXPECT_EQ(hash(nested, Equivalence::isomorphism), hash(inlined, Equivalence::isomorphism));
}

TEST(Canonical, OnlyTrueIdentitiesVanish) {
  const auto through = [](const std::string& operation, const Parameters& parameters) {
    Draft draft;
    return draft.with_output(draft("relu", {draft(operation, {0}, parameters)}));
  };
  Draft bare;
  const Graph plain = bare.with_output(bare("relu", {0}));
  EXPECT_EQ(hash(through("skip_connect", {})), hash(plain));
  EXPECT_EQ(hash(through("identity", {})), hash(plain));
  EXPECT_EQ(hash(through("add", {})), hash(plain));
  EXPECT_EQ(hash(through("concat", {})), hash(plain));
  EXPECT_NE(hash(through("skip_connect", {{"stride", std::int64_t{2}}})), hash(plain));
  EXPECT_NE(hash(through("skip_connect", {}), Equivalence::isomorphism), hash(plain, Equivalence::isomorphism));
  EXPECT_EQ(hash(through("add", {}), Equivalence::isomorphism), hash(plain, Equivalence::isomorphism));
}

TEST(Canonical, ZerosAreFollowedAsFarAsTheyStayZero) {
  const auto beside = [](const std::string& operation, const Parameters& parameters) {
    Draft draft;
    const int zero = draft("none", {0});
    return draft.with_output(draft("add", {draft("nor_conv_3x3", {0}), draft(operation, {zero}, parameters)}));
  };
  Draft bare;
  const Graph plain = bare.with_output(bare("nor_conv_3x3", {0}));
  EXPECT_EQ(hash(beside("avg_pool_3x3", {})), hash(plain));
  EXPECT_EQ(hash(beside("skip_connect", {})), hash(plain));
  EXPECT_EQ(hash(beside("nor_conv_3x3", {{"affine", false}})), hash(plain));
  EXPECT_NE(hash(beside("nor_conv_3x3", {})), hash(plain));  // the norm's shift is left
  EXPECT_NE(hash(beside("activation", {{"function", std::string("sigmoid")}})), hash(plain));
  EXPECT_EQ(text(plain), "(0)@nor_conv_3x3");
  EXPECT_EQ(text(beside("nor_conv_3x3", {}), Equivalence::zeros), "#+(0)@nor_conv_3x3");
}

TEST(Canonical, SumsAreAssociativeAndCount) {
  const auto sums = [](int shape) {
    Draft draft;
    const int a = draft("nor_conv_1x1", {0}), b = draft("nor_conv_3x3", {0});
    if (shape == 0) return draft.with_output(draft("add", {draft("add", {a, b}), 0}));
    if (shape == 1) return draft.with_output(draft("add", {0, draft("skip_connect", {draft("add", {b, a})})}));
    return draft.with_output(draft("add", {a, b, 0, 0}));
  };
  EXPECT_EQ(hash(sums(0)), hash(sums(1)));
  EXPECT_NE(hash(sums(0)), hash(sums(2)));
  EXPECT_NE(hash(sums(0), Equivalence::isomorphism), hash(sums(1), Equivalence::isomorphism));
}

TEST(Canonical, OrderMattersOnlyWhereItDoes) {
  const auto join = [](const std::string& operation, bool swapped) {
    Draft draft(2);
    const int a = draft("nor_conv_1x1", {0}), b = draft("nor_conv_3x3", {1});
    return draft.with_output(draft(operation, swapped ? std::vector<int>{b, a} : std::vector<int>{a, b}));
  };
  for (const Equivalence level : levels) {
    EXPECT_EQ(hash(join("add", false), level), hash(join("add", true), level));
    EXPECT_NE(hash(join("concat", false), level), hash(join("concat", true), level));
  }
  Draft nested(3), open(3);
  const Graph in_two = nested.with_output(nested("concat", {nested("concat", {0, 1}), 2}));
  const Graph in_one = open.with_output(open("concat", {0, 1, 2}));
  EXPECT_EQ(hash(in_two), hash(in_one));
}

TEST(Canonical, AliasesAndStandInNumbersAreLookedThrough) {
  const auto one = [](const std::string& operation, const Parameters& parameters) {
    Draft draft;
    return draft.with_output(draft(operation, {0}, parameters));
  };
  for (const Equivalence level : levels) {
    EXPECT_EQ(hash(one("nor_conv_3x3", {}), level), hash(one("nor_conv", {{"channels", std::int64_t{16}}}), level));
    EXPECT_NE(hash(one("nor_conv_3x3", {}), level), hash(one("nor_conv_1x1", {}), level));
    EXPECT_NE(hash(one("nor_conv_3x3", {}), level), hash(one("nor_conv_3x3", {{"channels", std::int64_t{17}}}), level));
  }
  EXPECT_EQ(text(one("nor_conv_3x3", {{"channels", std::int64_t{17}}})), "(0)@nor_conv_3x3[channels=17]");
}

TEST(Canonical, UnusedNodesAreLeftOut) {
  Draft draft;
  const int a = draft("nor_conv_3x3", {0});
  const Graph alone = draft.with_output(a);
  draft("nor_conv_1x1", {a});
  for (const Equivalence level : levels) EXPECT_EQ(hash(draft.with_output(a), level), hash(alone, level));
}

TEST(Canonical, TheHashIsTheSameOnEveryMachine) {
  Draft draft;
  const Graph graph = draft.with_output(draft("nor_conv_3x3", {0}));
  EXPECT_EQ(to_string(hash(graph)), "43f48272b0a8e2a5c8d65149725eee04");
}

TEST(Canonical, DoublingSumsEndAndTextsHaveALimit) {
  Draft skips;
  int value = 0;
  for (int i = 0; i < 100; ++i) value = skips("add", {value, skips("skip_connect", {value})});
  for (const Equivalence level : levels) hash(skips.with_output(value), level);
  Draft convolutions;
  value = 0;
  for (int i = 0; i < 40; ++i)
    value = convolutions("relu", {convolutions("add", {value, convolutions("nor_conv_3x3", {value})})});
  const Graph graph = convolutions.with_output(value);
  for (const Equivalence level : levels) hash(graph, level);
  EXPECT_THROW(text(graph, Equivalence::isomorphism), Error);
}

// A random graph, and the same graph with its nodes in another order and the inputs of sums shuffled.
Graph random_graph(Random& random) {
  const std::vector<std::string> operations = {"nor_conv_3x3", "nor_conv_1x1", "skip_connect",
                                               "none",         "avg_pool_3x3", "relu"};
  Draft draft;
  int value = 0;
  const int count = 2 + static_cast<int>(random.below(10));
  for (int i = 0; i < count; ++i) {
    const int from = static_cast<int>(random.below(static_cast<std::uint64_t>(value) + 1));
    if (random.below(3) == 0) {
      value = draft("add", {from, static_cast<int>(random.below(static_cast<std::uint64_t>(value) + 1)), value});
    } else {
      value = draft(operations[random.below(operations.size())], {from});
    }
  }
  return draft.with_output(value);
}

Graph reordered(const Graph& graph, Random& random) {
  const std::size_t inputs = graph.inputs.size();
  std::vector<int> place(graph.value_count(), -1);
  std::iota(place.begin(), place.begin() + static_cast<std::ptrdiff_t>(inputs), 0);
  Graph other = graph;
  other.nodes.clear();
  while (other.nodes.size() < graph.nodes.size()) {
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const auto& sources = graph.nodes[i].inputs;
      const bool free =
          std::all_of(sources.begin(), sources.end(), [&](int v) { return place[static_cast<std::size_t>(v)] >= 0; });
      if (free && place[inputs + i] < 0) ready.push_back(i);
    }
    const std::size_t next = ready[random.below(ready.size())];
    Node node = graph.nodes[next];
    node.name = "m" + std::to_string(other.nodes.size());
    for (int& input : node.inputs) input = place[static_cast<std::size_t>(input)];
    random.shuffle(node.inputs);
    place[inputs + next] = static_cast<int>(other.value_count());
    other.nodes.push_back(std::move(node));
  }
  other.output = place[static_cast<std::size_t>(graph.output)];
  return other;
}

RC_GTEST_PROP(CanonicalProperty, OrderAndNamesDoNotMatter, (std::uint64_t seed)) {
  Random random(seed);
  const Graph graph = random_graph(random);
  const Graph other = reordered(graph, random);
  for (const Equivalence level : levels) RC_ASSERT(hash(graph, level) == hash(other, level));
  for (const Equivalence level : {Equivalence::isomorphism, Equivalence::skips, Equivalence::zeros}) {
    RC_ASSERT(text(graph, level) == text(other, level));
  }
}

TEST(Canonical, OfManyDartsNetworksNoTwoFallTogetherByChance) {
  const SearchSpace space = SearchSpace::load(NETWRIGHT_SOURCE_DIR "/spaces/darts.yaml");
  Random random(11);
  std::set<std::string> hashes;
  constexpr std::size_t count = 300;
  for (std::size_t i = 0; i < count; ++i) {
    hashes.insert(canonical_hash(space.fill(space.sample(random)).network, space.table()));
  }
  EXPECT_EQ(hashes.size(), count);  // among 10^18 networks equal ones do not turn up in 300
}

}  // namespace
}  // namespace netwright
