#include "netwright/space/search_space.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <set>

#include "space/space_text.h"

namespace netwright {
namespace {

using namespace std::string_literals;

const Value one = std::int64_t{1};
const Value two = std::int64_t{2};

std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name);
  return names;
}

// "b <- stem a": each node with what feeds it.
std::string wiring(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes) {
    text += node.name + " <-";
    for (const int input : node.inputs) {
      const Node* producer = graph.producer(input);
      text += " " + (producer != nullptr ? producer->name : graph.inputs[static_cast<std::size_t>(input)]);
    }
    text += "\n";
  }
  const Node* last = graph.producer(graph.output);
  return text + "-> " + (last != nullptr ? last->name : "input");
}

const std::string head = "input: [3, 8, 8]\nclasses: 2\n";

std::string chain(const std::string& elements, const std::string& more = {}) {
  return head + more + "network:\n" + elements + "  - {name: head, op: classifier}\n";
}

Graph fill(const std::string& text, const Configuration& configuration = {}) {
  return space_of(text).fill(configuration).network.graph;
}

// ---- chains ----

TEST(SearchSpace, FillsAChain) {
  const SearchSpace space =
      space_of(chain("  - {name: stem, op: conv_bn, channels: 4}\n  - {op: relu}\n  - {op: relu}\n"));
  EXPECT_EQ(space.size(), 1u);
  const Network network = space.fill({}).network;
  EXPECT_EQ(wiring(network.graph), "stem <- input\nrelu <- stem\nrelu_2 <- relu\nhead <- relu_2\n-> head");
  EXPECT_EQ(network.input, (Shape{3, 8, 8}));
  EXPECT_EQ(network.classes, 2);
  EXPECT_EQ(integer_of(network.graph.nodes[0].parameters, "channels", 0), 4);
  EXPECT_EQ(integer_of(network.graph.nodes[0].parameters, "kernel", 0), 3);  // defaults are filled in
  EXPECT_EQ(integer_of(network.graph.nodes[3].parameters, "features", 0), 2);
  EXPECT_EQ(network.graph.nodes[0].where.line, 4);
  EXPECT_EQ(network.graph.nodes[0].where.file, "space.yaml");
}

TEST(SearchSpace, CountsSourcesBackwardsAndStopsAtTheFirstElement) {
  const std::string text = chain(
      "  - {name: a, op: relu}\n"
      "  - {name: b, op: concat, from: [-2, -1]}\n"
      "  - {name: c, op: concat, from: [-2, -1], repeat: 2}\n"
      "  - {name: d, op: relu, from: a}\n");
  EXPECT_EQ(wiring(fill(text)), "a <- input\nb <- a a\nc.0 <- a b\nc.1 <- b c.0\nd <- a\nhead <- d\n-> head");
}

TEST(SearchSpace, RepeatsElementsInSequence) {
  const std::string text = chain(
      "  - {name: a, op: relu}\n  - {name: b, op: relu}\n"
      "  - {name: c, op: relu, from: a, repeat: 3}\n  - {name: gone, op: relu, repeat: 0}\n");
  EXPECT_EQ(wiring(fill(text)), "a <- input\nb <- a\nc.0 <- a\nc.1 <- c.0\nc.2 <- c.1\nhead <- c.2\n-> head");
}

TEST(SearchSpace, GroupsElementsInBlocks) {
  const std::string text = chain(
      "  - {name: a, op: relu}\n"
      "  - name: stage\n    repeat: 2\n    block:\n"
      "      - {name: x, op: relu}\n      - {name: y, op: concat, from: [-2, x]}\n");
  EXPECT_EQ(wiring(fill(text)),
            "a <- input\nstage.0.x <- a\nstage.0.y <- a stage.0.x\nstage.1.x <- stage.0.y\n"
            "stage.1.y <- stage.0.y stage.1.x\nhead <- stage.1.y\n-> head");
  const std::string own = chain(
      "  - {name: a, op: relu}\n  - {name: b, op: relu}\n"
      "  - name: side\n    from: a\n    block: [{name: x, op: relu}, {name: y, op: relu, from: -2}]\n");
  EXPECT_EQ(wiring(fill(own)), "a <- input\nb <- a\nside.x <- a\nside.y <- a\nhead <- side.y\n-> head");
}

TEST(SearchSpace, SumsAndConcatenatesNamesAndOperations) {
  const std::string text = chain(
      "  - {name: a, op: relu}\n"
      "  - {name: s, sum: [-1, {op: relu}, {op: relu, from: a}]}\n"
      "  - {name: k, concat: [a, s]}\n");
  EXPECT_EQ(wiring(fill(text)), "a <- input\ns.1 <- a\ns.a <- a\ns <- a s.1 s.a\nk <- a s\nhead <- k\n-> head");
  const std::string twice = chain("  - {name: s, sum: [-1, {op: relu}], repeat: 2}\n");
  EXPECT_EQ(wiring(fill(twice)),
            "s.0.1 <- input\ns.0 <- input s.0.1\ns.1.1 <- s.0\ns.1 <- s.0 s.1.1\nhead <- s.1\n-> head");
}

TEST(SearchSpace, KeepsTheAuxiliaryClassifierOutOfTheChain) {
  const std::string text = chain(
      "  - {name: a, op: conv_bn, channels: 4}\n  - {name: aux, op: auxiliary_classifier, from: a}\n"
      "  - {name: b, op: relu}\n",
      "auxiliary: aux\n");
  const Graph graph = fill(text);
  EXPECT_EQ(wiring(graph), "a <- input\naux <- a\nb <- a\nhead <- b\n-> head");
  EXPECT_EQ(graph.producer(graph.auxiliary_output)->name, "aux");
}

// ---- cells ----

TEST(SearchSpace, EndsABlockInACellWithTheElementWrittenLast) {
  const std::string text =
      chain("  - {name: s, cell: c}\n",
            "cells:\n  c:\n    inputs: [x]\n    nodes:\n"
            "      - name: b\n        repeat: 2\n"
            "        block: [{name: late, op: relu, from: early}, {name: early, op: relu, from: x}]\n"
            "      - {name: d, op: relu}\n");
  EXPECT_EQ(wiring(*fill(text).nodes[0].cell),
            "b.0.early <- x\nb.0.late <- b.0.early\nb.1.early <- x\nb.1.late <- b.1.early\nd <- b.1.early\n-> d");
  const std::string sequence = chain("  - {name: s, cell: c}\n",
                                     "cells:\n  c:\n    inputs: [x]\n    nodes:\n"
                                     "      - {name: b, repeat: 2, block: [{op: relu}, {op: identity}]}\n");
  EXPECT_EQ(wiring(*fill(sequence).nodes[0].cell),
            "b.0.relu <- x\nb.0.identity <- b.0.relu\nb.1.relu <- b.0.identity\nb.1.identity <- b.1.relu\n"
            "-> b.1.identity");
}

TEST(SearchSpace, LetsTheCellBeAChoice) {
  const SearchSpace space = space_of(chain("  - {name: s, cell: {choice: [a, b]}}\n",
                                           "cells:\n  a: {inputs: [x], nodes: [{op: relu}]}\n"
                                           "  b: {inputs: [x], nodes: [{op: identity}]}\n"));
  Configuration configuration;
  configuration.set("s.cell", "b"s);
  const Node node = space.fill(configuration).network.graph.nodes[0];
  EXPECT_EQ(node.cell->name, "b");
  EXPECT_EQ(node.decided_by, "s.cell");
}

TEST(SearchSpace, SharesCellsOfEqualParameters) {
  const SearchSpace space =
      space_of(chain("  - {name: stem, op: conv_bn, channels: $channels}\n"
                     "  - {name: s1, cell: unit, repeat: 2}\n"
                     "  - {name: s2, cell: unit, channels: 2 * $channels, stride: 2}\n",
                     "parameters: {channels: 4}\n"
                     "cells:\n  unit:\n    inputs: [x]\n"
                     "    parameters: {channels: $channels, stride: 1}\n"
                     "    nodes:\n"
                     "      - {name: b, op: {choice: [relu, identity]}, from: a}\n"
                     "      - {name: a, op: conv_bn, from: x, channels: $channels, stride: $stride}\n"
                     "    output: b\n"));
  ASSERT_EQ(space.choices().size(), 1u);
  EXPECT_EQ(space.choices()[0].name, "unit.b.op");
  Configuration configuration;
  configuration.set("unit.b.op", "identity"s);
  const Graph graph = space.fill(configuration).network.graph;
  ASSERT_EQ(node_names(graph), (std::vector<std::string>{"stem", "s1.0", "s1.1", "s2", "head"}));
  EXPECT_EQ(graph.nodes[1].operation, "cell");
  EXPECT_EQ(graph.nodes[1].cell, graph.nodes[2].cell);
  EXPECT_NE(graph.nodes[1].cell, graph.nodes[3].cell);
  EXPECT_EQ(integer_of(graph.nodes[3].parameters, "channels", 0), 8);
  EXPECT_EQ(wiring(*graph.nodes[3].cell), "a <- x\nb <- a\n-> b");  // any order in the file
  EXPECT_EQ(graph.nodes[3].cell->nodes[1].decided_by, "unit.b.op");
}

TEST(SearchSpace, NestsCellsAndCountsRepeatsByParameter) {
  const std::string text = chain("  - {name: s, cell: outer, depth: 3}\n",
                                 "cells:\n"
                                 "  outer:\n    inputs: [x]\n    parameters: {depth: 1}\n"
                                 "    nodes: [{name: first, op: relu}, {name: in, cell: inner, repeat: $depth - 1}]\n"
                                 "  inner: {inputs: [x], nodes: [{op: relu}], output: relu}\n");
  const Graph graph = fill(text);
  EXPECT_EQ(wiring(*graph.nodes[0].cell), "first <- x\nin.0 <- first\nin.1 <- in.0\n-> in.1");
  EXPECT_EQ(graph.nodes[0].cell->nodes[1].cell->name, "inner");
}

TEST(SearchSpace, LetsAnElementThatIsLeftOutStandForItsSource) {
  const std::string text =
      chain("  - {name: s, cell: c}\n",
            "cells:\n  c:\n    inputs: [x]\n    nodes:\n      - {name: a, op: relu}\n"
            "      - {name: b, op: relu, repeat: {integer: [0, 1]}}\n      - {name: d, op: relu, from: b}\n");
  Configuration configuration;
  configuration.set("c.b.repeat", std::int64_t{0});
  EXPECT_EQ(wiring(*fill(text, configuration).nodes[0].cell), "a <- x\nd <- a\n-> d");
  configuration.set("c.b.repeat", one);
  EXPECT_EQ(wiring(*fill(text, configuration).nodes[0].cell), "a <- x\nb.0 <- a\nd <- b.0\n-> d");
}

TEST(SearchSpace, ChoosesEdges) {
  const SearchSpace space = space_of(chain(
      "  - {name: s, cell: c, from: [input, input]}\n",
      "cells:\n  c:\n    inputs: [p0, p1]\n    nodes:\n"
      "      - {name: n0, sum: {choose: 2, of: [p0, p1], op: {choice: [avg_pool_3x3, skip_connect]}, stride: 1}}\n"
      "      - name: n1\n        sum: {choose: 2, of: [p0, p1, n0], op: {choice: [avg_pool_3x3, skip_connect]}, "
      "stride: {p0: 1, default: 1}}\n"
      "    output: {concat: [n0, n1]}\n"));
  std::vector<std::string> names;
  for (const auto& choice : space.choices()) names.push_back(choice.name);
  EXPECT_EQ(names, (std::vector<std::string>{"c.n0.op1", "c.n0.op2", "c.n1.inputs", "c.n1.op1", "c.n1.op2"}));
  EXPECT_EQ(std::get<Categorical>(space.choices()[2].domain).options,
            (std::vector<Value>{"p0,p1"s, "p0,n0"s, "p1,n0"s}));
  EXPECT_EQ(space.size(), 4u * 12u);
  Configuration configuration;
  configuration.set("c.n0.op1", "avg_pool_3x3"s);
  configuration.set("c.n0.op2", "skip_connect"s);
  configuration.set("c.n1.inputs", "p1,n0"s);
  configuration.set("c.n1.op1", "skip_connect"s);
  configuration.set("c.n1.op2", "avg_pool_3x3"s);
  const Graph graph = space.fill(configuration).network.graph;
  const Graph& cell = *graph.nodes[0].cell;
  EXPECT_EQ(wiring(cell),
            "n0.p0 <- p0\nn0.p1 <- p1\nn0 <- n0.p0 n0.p1\nn1.p1 <- p1\nn1.n0 <- n0\nn1 <- n1.p1 n1.n0\n"
            "output <- n0 n1\n-> output");
  EXPECT_EQ(cell.nodes[3].operation, "skip_connect");
  EXPECT_EQ(cell.nodes[3].decided_by, "c.n1.op1");
  EXPECT_EQ(cell.nodes[4].operation, "avg_pool_3x3");
}

TEST(SearchSpace, LetsAnEdgesSourceBeAChoice) {
  const std::string text = chain(
      "  - {name: a, op: relu}\n  - {name: b, op: relu}\n  - {name: c, op: relu, from: {choice: [a, b, input]}}\n");
  Configuration configuration;
  configuration.set("c.from", "a"s);
  EXPECT_EQ(wiring(fill(text, configuration)), "a <- input\nb <- a\nc <- a\nhead <- c\n-> head");
  configuration.set("c.from", "input"s);
  EXPECT_EQ(wiring(fill(text, configuration)), "a <- input\nb <- a\nc <- input\nhead <- c\n-> head");
}

// ---- holes ----

TEST(SearchSpace, NamesInlineChoicesByTheirPath) {
  const SearchSpace space = space_of(
      chain("  - {name: stage, op: conv_bn, channels: 4, kernel: {choice: [3, 5]}, repeat: {integer: [1, 3]}}\n"
            "  - {name: b, block: [{name: in, op: conv_bn, kernel: {choice: [1, 3]}}]}\n"));
  std::vector<std::string> names;
  for (const auto& choice : space.choices()) names.push_back(choice.name);
  EXPECT_EQ(names, (std::vector<std::string>{"stage.repeat", "stage.0.kernel", "stage.1.kernel", "stage.2.kernel",
                                             "b.in.kernel"}));
  EXPECT_TRUE(space.choices()[1].conditions.empty());
  ASSERT_EQ(space.choices()[3].conditions.size(), 1u);
  EXPECT_EQ(space.choices()[3].conditions[0].parent, "stage.repeat");
  EXPECT_EQ(space.choices()[3].conditions[0].values, (std::vector<Value>{std::int64_t{3}}));
  EXPECT_EQ(space.size(), (2u + 4u + 8u) * 2u);
}

TEST(SearchSpace, OpensAParameterOnlyWhereTheOperationHasIt) {
  const SearchSpace space =
      space_of(chain("  - {name: a, op: {choice: [relu, sep_conv]}, kernel: {choice: [3, 5]}}\n"));
  EXPECT_EQ(space.size(), 3u);
  Configuration configuration;
  configuration.set("a.op", "relu"s);
  EXPECT_NO_THROW(space.validate(configuration));
  EXPECT_EQ(space.fill(configuration).network.graph.nodes[0].operation, "relu");
  configuration.set("a.op", "sep_conv"s);
  EXPECT_THROW(space.validate(configuration), Error);
  configuration.set("a.kernel", std::int64_t{5});
  EXPECT_NO_THROW(space.validate(configuration));
}

TEST(SearchSpace, UsesNamedChoicesAndExpressionsOfThem) {
  const SearchSpace space =
      space_of(chain("  - {name: a, op: conv_bn, channels: $width}\n"
                     "  - {name: b, op: conv_bn, channels: 2 * $width + $input_channels}\n",
                     "choices:\n  width: {integer: [4, 12], step: 4}\n"));
  Configuration configuration;
  configuration.set("width", std::int64_t{8});
  const Graph graph = space.fill(configuration).network.graph;
  EXPECT_EQ(integer_of(graph.nodes[1].parameters, "channels", 0), 19);
  EXPECT_EQ(space.size(), 3u);
}

TEST(SearchSpace, AddsOperationsOfItsOwn) {
  const SearchSpace space = space_of(
      chain("  - {name: a, op: {choice: [wide, relu]}}\n", "operations: {wide: {base: sep_conv_3x3, kernel: 9}}\n"));
  Configuration configuration;
  configuration.set("a.op", "wide"s);
  const Node node = space.fill(configuration).network.graph.nodes[0];
  EXPECT_EQ(node.operation, "sep_conv_3x3");  // a row that every reader of the network knows
  EXPECT_EQ(integer_of(node.parameters, "kernel", 0), 9);
  EXPECT_EQ(integer_of(space.table().find("wide")->defaults, "kernel", 0), 9);
}

TEST(SearchSpace, FillsTheRecipe) {
  const std::string text = chain("  - {op: relu}\n",
                                 "choices: {rate: {choice: [0.1, 0.2]}}\n"
                                 "recipe:\n  epochs: 3\n  batch: 2 * $classes\n"
                                 "  optimizer:\n    name: {choice: [sgd, adam]}\n    learning_rate: $rate\n"
                                 "    momentum: {choice: [0.5, 0.6], when: {recipe.optimizer.name: sgd}}\n");
  const SearchSpace space = space_of(text);
  EXPECT_EQ(space.size(), 2u * (2u + 1u));
  Configuration configuration;
  configuration.set("rate", 0.2);
  configuration.set("recipe.optimizer.name", "adam"s);
  const Recipe recipe = space.fill(configuration).recipe;
  EXPECT_EQ(recipe.epochs, 3);
  EXPECT_EQ(recipe.batch, 4);
  EXPECT_EQ(recipe.optimizer.learning_rate, 0.2);
  EXPECT_EQ(recipe.optimizer.momentum, 0.9);  // its choice is not active: the default
  EXPECT_EQ(recipe.optimizer.name, "adam");

  // The experiment's recipe overrides key by key; a choice that it decides leaves the space.
  const SearchSpace other = space_of(text, "{epochs: 7, optimizer: {learning_rate: {real: [0.1, 0.3]}}}");
  EXPECT_EQ(other.find("rate"), nullptr);
  ASSERT_NE(other.find("recipe.optimizer.learning_rate"), nullptr);
  EXPECT_EQ(other
                .fill(other
                          .fixed(configuration_from_json(
                              Json::parse(R"({"recipe.optimizer.name": "sgd", "recipe.optimizer.momentum": 0.5})")))
                          .sample(*std::make_unique<Random>(1)))
                .recipe.epochs,
            7);
}

TEST(SearchSpace, MayHoldHyperparametersAlone) {
  const SearchSpace space = space_of("choices: {x: {real: [0, 1]}, y: [a, b]}\n");
  EXPECT_TRUE(std::isinf(space.log10_size()));
  EXPECT_EQ(space.size(), std::nullopt);
  Random random(1);
  EXPECT_TRUE(space.fill(space.sample(random)).network.graph.nodes.empty());
}

TEST(SearchSpace, TakesInputAndClassesFromTheData) {
  const Yaml yaml = parse_yaml(chain("  - {op: conv_bn, channels: $input_channels}\n"), "space.yaml");
  const SearchSpace space = SearchSpace::parse(yaml, Yaml{}, Shape{1, 16, 16}, 5);
  const Network network = space.fill({}).network;
  EXPECT_EQ(network.input, (Shape{1, 16, 16}));
  EXPECT_EQ(integer_of(network.graph.nodes[0].parameters, "channels", 0), 1);
  EXPECT_EQ(integer_of(network.graph.nodes[1].parameters, "features", 0), 5);
}

// ---- sizes ----

TEST(SearchSpace, CountsConditionalChoicesExactly) {
  const std::string text =
      "choices:\n  a: [x, y, z]\n  b: {choice: [1, 2, 3], when: {a: [x, y]}}\n"
      "  c: {choice: [p, q], when: {b: [1, 2]}}\n  d: {choice: [1, 2, 3, 4, 5], when: {a: z, e: t}}\n  f: {integer: "
      "[1, 7]}\n";
  // e has to come before d
  const std::string ordered = "choices:\n  e: [s, t]\n" + text.substr(9);
  // a in {x, y}: b 1, 2 with c, b 3 without: 2 * (2*2 + 1) = 10, times e 2; a = z: e s 1, e t 5.
  EXPECT_EQ(space_of(ordered).size(), (10u * 2u + 6u) * 7u);
}

TEST(SearchSpace, CountsALongChainOfConditionsQuickly) {
  std::string text = "choices:\n  c0: [a, b]\n";
  for (int i = 1; i < 60; ++i) {
    text += "  c" + std::to_string(i) + ": {choice: [a, b], when: {c" + std::to_string(i - 1) + ": a}}\n";
  }
  EXPECT_EQ(space_of(text).size(), 61u);
  std::string wide = "choices:\n";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    wide += "  p" + n + ": [a, b]\n  q" + n + ": {choice: [a, b], when: {p" + n + ": a}}\n";
  }
  EXPECT_EQ(space_of(wide).size(), 12157665459056928801u);  // 3^40
  EXPECT_NEAR(space_of(wide).log10_size(), 40 * std::log10(3.0), 1e-12);
  EXPECT_EQ(space_of(wide + "  more: [a, b]\n").size(), std::nullopt);
  EXPECT_NEAR(space_of(wide + "  more: [a, b]\n").log10_size(), 40 * std::log10(3.0) + std::log10(2.0), 1e-9);
}

// Small random spaces with conditions, counted by trying everything.
RC_GTEST_PROP(SearchSpace, CountsWhatEnumerationCounts, (std::uint64_t seed)) {
  Random random(seed);
  std::string text = "choices:\n";
  const int count = 1 + static_cast<int>(random.below(6));
  for (int i = 0; i < count; ++i) {
    text += "  c" + std::to_string(i) + ": {integer: [0, " + std::to_string(random.below(3)) + "]";
    std::string when;
    for (int j = 0; j < i; ++j) {
      if (random.below(3) == 0) when += (when.empty() ? "" : ", ") + ("c" + std::to_string(j)) + ": 0";
    }
    text += (when.empty() ? "" : ", when: {" + when + "}") + "}\n";
  }
  const SearchSpace space = space_of(text);
  std::uint64_t found = 0;
  const auto enumerate = [&](const auto& self, std::size_t at, Configuration& configuration) -> void {
    if (at == space.choices().size()) {
      space.validate(configuration);
      ++found;
      return;
    }
    const Choice& choice = space.choices()[at];
    if (!space.is_active(choice, configuration)) return self(self, at + 1, configuration);
    for (const auto& value : grid_values(choice, 1)) {
      configuration.set(choice.name, value);
      self(self, at + 1, configuration);
    }
    configuration.erase(choice.name);
  };
  Configuration configuration;
  enumerate(enumerate, 0, configuration);
  RC_ASSERT(space.size() == found);
}

// ---- configurations ----

const char* const mixed =
    "choices:\n  a: [x, y, z]\n  b: {integer: [1, 9], when: {a: [x, y]}}\n  c: {real: [0, 1], when: {a: y}}\n"
    "  d: [only]\n  e: {choice: [p, q], when: {b: [1, 2, 3]}}\n  f: {real: [1e-4, 1], log: true}\n";

RC_GTEST_PROP(SearchSpace, SamplesAreValid, (std::uint64_t seed)) {
  const SearchSpace space = space_of(mixed);
  Random random(seed);
  const Configuration configuration = space.sample(random);
  space.validate(configuration);
  Random again(seed);
  RC_ASSERT(space.sample(again) == configuration);
}

RC_GTEST_PROP(SearchSpace, MutationChangesExactlyOneChoiceWhoseParentsDidNotChange, (std::uint64_t seed)) {
  const SearchSpace space = space_of(mixed);
  Random random(seed);
  const Configuration parent = space.sample(random);
  const Configuration child = space.mutate(parent, random);
  space.validate(child);
  int changed = 0;
  for (const auto& choice : space.choices()) {
    const Value* before = parent.find(choice.name);
    const Value* after = child.find(choice.name);
    if (before != nullptr && after != nullptr && *before != *after) ++changed;
  }
  RC_ASSERT(changed == 1);
}

TEST(SearchSpace, MutatesEveryOpenChoiceEquallyOften) {
  const SearchSpace space = space_of("choices: {a: [x, y], b: {integer: [1, 100]}, c: [only], d: {real: [0, 1]}}\n");
  Random random(3);
  const Configuration parent = space.sample(random);
  std::map<std::string, int> counts;
  for (int i = 0; i < 9'000; ++i) {
    const Configuration child = space.mutate(parent, random);
    for (const auto& [name, value] : child.values()) counts[name] += value != *parent.find(name) ? 1 : 0;
  }
  EXPECT_EQ(counts["c"], 0);
  for (const char* name : {"a", "b", "d"}) EXPECT_NEAR(counts[name], 3'000, 250) << name;
}

TEST(SearchSpace, ValidatesByName) {
  const SearchSpace space = space_of(mixed);
  const auto problem = [&](const char* json) -> std::string {
    try {
      space.validate(configuration_from_json(Json::parse(json)));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(problem(R"({"a": "z", "d": "only", "f": 0.5})"), "");
  EXPECT_NE(problem(R"({"a": "z", "f": 0.5})").find("lacks choice 'd'"), std::string::npos);
  EXPECT_NE(problem(R"({"a": "w", "d": "only", "f": 0.5})").find("one of x, y, z"), std::string::npos);
  EXPECT_NE(problem(R"({"a": "z", "b": 3, "d": "only", "f": 0.5})").find("not active"), std::string::npos);
  EXPECT_NE(problem(R"({"a": "z", "d": "only", "f": 0.5, "g": 1})").find("no choice 'g'"), std::string::npos);
  EXPECT_NE(problem(R"({"a": "z", "d": "only", "f": 5.0})").find("logarithmic"), std::string::npos);
}

TEST(SearchSpace, FixesChoices) {
  const SearchSpace space = space_of(mixed);
  Configuration values;
  values.set("a", "y"s);
  values.set("f", one);  // an integer for a real choice
  const SearchSpace fixed = space.fixed(values);
  EXPECT_EQ(fixed.choices().size(), space.choices().size());
  Random random(5);
  for (int i = 0; i < 50; ++i) {
    const Configuration configuration = fixed.sample(random);
    EXPECT_EQ(*configuration.find("a"), Value("y"s));
    EXPECT_EQ(*configuration.find("f"), Value(1.0));
    EXPECT_NO_THROW(space.validate(configuration));
    EXPECT_EQ(*fixed.mutate(configuration, random).find("a"), Value("y"s));
  }
  values.set("a", "w"s);
  EXPECT_THROW(space.fixed(values), Error);
  values.erase("a");
  values.set("aa", "y"s);
  EXPECT_THROW(space.fixed(values), Error);
  EXPECT_THROW(space_of("choices: {a: [x]}").mutate(Configuration({{"a", "x"s}}), random), std::logic_error);
}

}  // namespace
}  // namespace netwright
