// Every mistake in a space file is refused at its line, with a remedy.
#include <gtest/gtest.h>

#include "space/space_text.h"

namespace netwright {
namespace {

const std::string head = "input: [3, 8, 8]\nclasses: 2\n";  // two lines

// The elements begin at line 4.
std::string chain(const std::string& elements) {
  return head + "network:\n" + elements + "  - {name: head, op: classifier}\n";
}

// `nodes` begin at line 7; the cell is called c.
std::string cell(const std::string& inputs, const std::string& nodes, const std::string& output = {}) {
  return head + "cells:\n  c:\n    inputs: " + inputs + "\n    nodes:\n" + nodes + output +
         "network:\n  - {name: s, cell: c}\n  - {name: head, op: classifier}\n";
}

TEST(SpaceErrors, UnknownKeys) {
  expect_refusal(head + "netwerk: []\nnetwork: [{op: classifier}]\n", 3,
                 {"unknown key 'netwerk'", "did you mean 'network'?"});
  expect_refusal(head + "cells: {c: {input: [x], nodes: [{op: relu}]}}\nnetwork: [{op: classifier}]\n", 3, {"inputs"});
  expect_refusal(chain("  - {name: b, block: [{op: relu}], repeet: 2}\n"), 4, {"repeet", "did you mean 'repeat'?"});
  expect_refusal(head + "operations: {wide: {base: sep_conv, kernl: 9}}\nnetwork: [{op: classifier}]\n", 3,
                 {"did you mean 'kernel'?"});
  EXPECT_NE(std::string(refusal(head + "classes: 3\nnetwork: [{op: classifier}]\n").what()).find("duplicate key"),
            std::string::npos);
}

// Repetitions multiply: a few lines may not ask for millions of nodes.
TEST(SpaceErrors, NetworksBeyondMeasure) {
  expect_refusal(
      chain("  - {name: a, repeat: 1000, block: [{name: b, repeat: 1000, block: [{op: relu, repeat: 99}]}]}\n"), 4,
      {"more than 100000 nodes", "less often"});
  expect_refusal(cell("[x]", "      - {name: a, repeat: 999, block: [{name: b, repeat: 999, block: [{op: relu}]}]}\n"),
                 7, {"more than 100000 nodes"});
  // A cell is one graph in memory, however often it occurs; as modules it would be many.
  expect_refusal(head +
                     "cells:\n"
                     "  a: {inputs: [x], nodes: [{op: relu, repeat: 100}]}\n"
                     "  b: {inputs: [x], nodes: [{cell: a, repeat: 100}]}\n"
                     "  c: {inputs: [x], nodes: [{cell: b, repeat: 100}]}\n"
                     "network:\n  - {name: s, cell: c}\n  - {name: head, op: classifier}\n",
                 8, {"more than 100000 nodes"});
  expect_refusal(chain("  - {name: a, repeat: 200, block: [{op: {choice: [relu, identity]}, repeat: 200}]}\n"), 4,
                 {"more than 10000 choices"});
}

TEST(SpaceErrors, UnknownOperationsParametersCellsAndNames) {
  expect_refusal(chain("  - {op: sepconv}\n"), 4, {"unknown operation 'sepconv'", "did you mean 'sep_conv'?"});
  expect_refusal(chain("  - {op: {choice: [relu, rellu]}}\n"), 4, {"unknown operation 'rellu'"});
  expect_refusal(chain("  - {op: conv_bn, kernal: 3}\n"), 4, {"unknown parameter 'kernal'", "did you mean 'kernel'?"});
  expect_refusal(chain("  - {op: {choice: [relu, identity]}, kernel: 3}\n"), 4, {"unknown parameter 'kernel'"});
  expect_refusal(chain("  - {cell: cel}\n"), 4, {"unknown cell 'cel'"});
  expect_refusal(chain("  - {op: conv_bn, channels: 2 * $chanels}\n"), 4, {"unknown name '$chanels'"});
  expect_refusal(chain("  - {name: stem, op: relu}\n  - {op: relu, from: stm}\n"), 5,
                 {"unknown source 'stm'", "did you mean 'stem'?"});
  expect_refusal(cell("[x]", "      - {op: relu, from: y}\n"), 7, {"unknown source 'y'"});
  expect_refusal(chain("  - {op: relu}\n") + "auxiliary: aux\n", 6, {"unknown element 'aux'"});
  expect_refusal(head + "operations: {wide: {base: sepconv}}\nnetwork: [{op: classifier}]\n", 3, {"unknown operation"});
}

TEST(SpaceErrors, WrongTypesAndRanges) {
  expect_refusal("input: 3\nclasses: 2\nnetwork: [{op: classifier}]\n", 1, {"[channels, height, width]"});
  expect_refusal("input: [3, 8, 0]\nclasses: 2\nnetwork: [{op: classifier}]\n", 1, {"between 1 and"});
  expect_refusal("input: [3, 8, 8]\nclasses: two\nnetwork: [{op: classifier}]\n", 2, {"integer"});
  expect_refusal(head + "network: {op: classifier}\n", 3, {"must be a list"});
  expect_refusal(head + "network: []\n", 3, {"at least one element"});
  expect_refusal(chain("  - relu\n"), 4, {"must be a mapping"});
  expect_refusal(chain("  - {name: a}\n"), 4, {"exactly one of op, cell, sum, concat and block"});
  expect_refusal(chain("  - {op: relu, sum: [a]}\n"), 4, {"both 'op' and 'sum'"});
  expect_refusal(chain("  - {op: conv_bn, kernel: big}\n"), 4, {"'kernel' of operation 'conv_bn' must be an integer"});
  expect_refusal(chain("  - {op: conv_bn, kernel: 3.5}\n"), 4, {"must be an integer"});
  expect_refusal(chain("  - {op: conv_bn, kernel: 0}\n"), 4, {"between 1 and"});
  expect_refusal(chain("  - {op: conv_bn, kernel: {choice: [3, -3]}}\n"), 4, {"is -3", "between 1 and"});
  expect_refusal(chain("  - {op: conv_bn, stride: [1, 2]}\n"), 4, {"{choice: [a, b]}"});
  expect_refusal(chain("  - {op: conv_bn, activation: 3}\n"), 4, {"must be text"});
  expect_refusal(chain("  - {op: conv_bn, activation: rellu}\n"), 4, {"rellu", "did you mean 'relu'?"});
  expect_refusal(chain("  - {op: dropout, probability: 1.5}\n"), 4, {"between 0 and"});
  expect_refusal(chain("  - {op: relu, repeat: -1}\n"), 4, {"'repeat'", "between 0 and"});
  expect_refusal(chain("  - {op: relu, repeat: often}\n"), 4, {"'repeat'"});
  expect_refusal(chain("  - {op: relu, from: 1}\n"), 4, {"-1 is the element before"});
  expect_refusal(chain("  - {op: relu, from: [-1, -1]}\n"), 4, {"takes 1 input, not 2"});
  expect_refusal(chain("  - {op: conv_bn, channels: 3 $ 4}\n"), 4, {"cannot read the expression"});
}

TEST(SpaceErrors, RepeatsWithoutBound) {
  expect_refusal(chain("  - {op: relu, repeat: {integer: [0, 1000000]}}\n"), 4, {"'repeat'", "too many values"});
  expect_refusal(chain("  - {op: relu, repeat: {integer: [0, 12000]}}\n"), 4, {"'repeat'", "between 0 and 10000"});
  expect_refusal(chain("  - {op: relu, repeat: {real: [0, 2]}}\n"), 4, {"'repeat'"});
}

TEST(SpaceErrors, EmptyAndReversedChoices) {
  expect_refusal(chain("  - {op: {choice: []}}\n"), 4, {"no options", "space is empty"});
  expect_refusal(head + "choices:\n  w: {integer: [9, 3]}\nnetwork: [{op: conv_bn, channels: $w}, {op: classifier}]\n",
                 4, {"9 is above 3", "[3, 9]"});
  expect_refusal(head + "choices:\n  w: [a, a]\nnetwork: [{op: $w}, {op: classifier}]\n", 4, {"twice"});
}

TEST(SpaceErrors, Conditions) {
  const std::string tail = "network: [{op: classifier}]\n";
  expect_refusal("choices:\n  a: {choice: [x], when: {b: 1}}\n  b: [1, 2]\n", 2, {"'b'", "no choice before it"});
  expect_refusal("choices:\n  width: [1, 2]\n  a: {choice: [x], when: {widht: 1}}\n", 3, {"did you mean 'width'?"});
  expect_refusal("choices:\n  b: [1, 2]\n  a: {choice: [x], when: {b: 3}}\n", 3, {"never holds", "one of 1, 2"});
  expect_refusal("choices:\n  b: {real: [0, 1]}\n  a: {choice: [x], when: {b: 1}}\n", 3, {"real choice"});
}

TEST(SpaceErrors, CyclesArePrinted) {
  expect_refusal(cell("[x]",
                      "      - {name: a, op: relu, from: c}\n"
                      "      - {name: b, op: relu, from: a}\n"
                      "      - {name: c, sum: [{op: relu, from: x}, {op: relu, from: b}]}\n"),
                 7, {"a cycle: ", "a → b → c → a"});
  expect_refusal(cell("[x]", "      - {name: a, op: relu, from: a}\n"), 7, {"a → a"});
  expect_refusal(chain("  - {name: a, op: relu, from: c}\n  - {name: b, op: relu}\n  - {name: c, op: relu}\n"), 4,
                 {"a → b → c → a"});
  expect_refusal(chain("  - {name: a, op: relu}\n  - {name: b, op: relu, from: c}\n  - {name: c, op: relu, from: a}\n"),
                 5, {"comes later", "write 'c' first"});
  expect_refusal(head + "cells:\n  c: {inputs: [x], nodes: [{cell: d}]}\n  d: {inputs: [x], nodes: [{cell: c}]}\n" +
                     "network: [{cell: c}, {op: classifier}]\n",
                 4, {"c → d → c"});
}

TEST(SpaceErrors, NamesTwice) {
  expect_refusal(chain("  - {name: a, op: relu}\n  - {name: a, op: relu}\n"), 5, {"'a' is taken"});
  expect_refusal(chain("  - {name: input, op: relu}\n"), 4, {"'input' is taken"});
  expect_refusal(chain("  - {name: a b, op: relu}\n"), 4, {"cannot be a name"});
  expect_refusal("parameters: {w: 1}\nchoices: {w: [1]}\n", 2, {"'w'"});
  expect_refusal(head + "parameters: {classes: 1}\nnetwork: [{op: classifier}]\n", 3, {"'classes'"});
  expect_refusal(head + "operations: {relu: {base: identity}}\nnetwork: [{op: classifier}]\n", 3, {"exists already"});
  expect_refusal(cell("[x, x]", "      - {op: relu, from: x}\n"), 5, {"two inputs"});
}

TEST(SpaceErrors, WhatIsUsedNowhere) {
  expect_refusal(head + "choices:\n  w: [1, 2]\nnetwork: [{op: classifier}]\n", 4, {"'w' is used nowhere"});
  expect_refusal(head + "cells:\n  c: {inputs: [x], nodes: [{op: relu}]}\nnetwork: [{op: classifier}]\n", 4,
                 {"'c' is used nowhere"});
}

TEST(SpaceErrors, ShapesThatDoNotFit) {
  // A channel mismatch names the node, the nodes that feed it, their shapes and the place.
  expect_refusal(chain("  - {name: a, op: conv_bn, channels: 4}\n  - {name: b, op: conv_bn, channels: 8}\n"
                       "  - {name: s, sum: [a, b]}\n"),
                 6, {"'s'", "'a' 4x8x8", "'b' 8x8x8"});
  expect_refusal(chain("  - {op: conv_bn, channels: 4, groups: 3}\n"), 4, {"groups"});
  expect_refusal(head + "network:\n  - {name: a, op: conv_bn}\n", 4, {"ends in 3x8x8 at 'a'", "classifier"});
  expect_refusal(head + "network:\n  - {op: global_pool}\n  - {name: l, op: linear, features: 3}\n", 5,
                 {"not in 2 numbers"});
  // One that only some configurations have says with which.
  expect_refusal(
      chain("  - {name: a, op: conv_bn, channels: 4}\n  - {name: b, op: conv_bn, channels: {choice: [4, 8]}}\n"
            "  - {name: s, sum: [a, b]}\n"),
      6, {"'b' 8x8x8", "with b.channels=8"});
}

TEST(SpaceErrors, CellUse) {
  const std::string nodes = "      - {name: a, sum: [{op: relu, from: x}, {op: relu, from: y}]}\n";
  expect_refusal(cell("[x, y]", nodes), 9, {"2 inputs (x, y), and 1 are given"});
  expect_refusal(head + "cells:\n  c: {inputs: [x], parameters: {stride: 1}, nodes: [{op: relu}]}\nnetwork:\n" +
                     "  - {cell: c, strid: 2}\n  - {op: classifier}\n",
                 6, {"unknown parameter 'strid'", "did you mean 'stride'?"});
  expect_refusal(cell("[x, y]", "      - {op: relu}\n"), 7, {"takes 1 input, not 0"});
}

TEST(SpaceErrors, ChosenEdges) {
  const auto with = [](const std::string& sum) {
    return cell("[x]", "      - {name: a, op: relu}\n      - {name: b, sum: " + sum + "}\n");
  };
  expect_refusal(with("{choose: 3, of: [x, a], op: relu}"), 8, {"between 1 and 2"});
  expect_refusal(with("{of: [x, a], op: relu}"), 8, {"lacks 'choose'"});
  expect_refusal(with("{choose: 1, of: [x, x], op: relu}"), 8, {"listed twice"});
  expect_refusal(with("{choose: 1, of: [x, z], op: relu}"), 8, {"unknown source 'z'"});
  expect_refusal(with("{choose: 1, of: [x, a], op: sep_conv, stride: {z: 1}}"), 8, {"unknown key 'z'"});
  expect_refusal(with("{choose: 1, of: [x, a], op: sep_conv, strid: 1}"), 8, {"did you mean 'stride'?"});
}

TEST(SpaceErrors, Auxiliary) {
  expect_refusal(chain("  - {name: aux, op: auxiliary_classifier}\n") + "auxiliary: aux\n", 4, {"needs a 'from'"});
  expect_refusal(chain("  - {name: a, op: relu}\n  - {name: aux, op: auxiliary_classifier, from: a}\n"
                       "  - {op: relu, from: aux}\n") +
                     "auxiliary: aux\n",
                 6, {"nothing can take input from it"});
}

TEST(SpaceErrors, Recipes) {
  const std::string space = chain("  - {op: relu}\n");
  expect_refusal(space + "recipe:\n  epoch: 3\n", 7, {"did you mean 'epochs'?"});
  expect_refusal(space, 2, {"did you mean 'momentum'?"}, "optimizer:\n  momentun: {real: [0, 1]}\n", "experiment.yaml");
  expect_refusal(space, 1, {"between 1 and"}, "batch: {choice: [0, 32]}\n", "experiment.yaml");
  expect_refusal(space, 1, {"did you mean 'sgd'?"}, "optimizer: {name: {choice: [sgd, sdg]}}\n", "experiment.yaml");
}

TEST(SpaceErrors, RepeatsThatHoldChoicesMustBeCountable) {
  expect_refusal(head + "cells:\n  c:\n    inputs: [x]\n    parameters: {n: 2}\n    nodes:\n" +
                     "      - {name: a, op: {choice: [relu, identity]}, repeat: $n}\n" +
                     "network: [{cell: c}, {op: classifier}]\n",
                 8, {"parameter of the cell"});
}

TEST(SpaceErrors, NothingAtAll) {
  EXPECT_EQ(refusal("").where().line, 1);
  expect_refusal("name: x\n", 1, {"neither a network nor choices"});
  expect_refusal("network: [{op: classifier}]\n", 1, {"how large the network's input is"});
  expect_refusal("[1, 2]\n", 1, {"mapping"});
}

}  // namespace
}  // namespace netwright
