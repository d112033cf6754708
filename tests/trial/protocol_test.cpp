#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "netwright/base/error.h"
#include "netwright/base/random.h"
#include "netwright/trial/architecture_record.h"
#include "netwright/trial/protocol.h"

namespace netwright {
namespace {

using testing::HasSubstr;

std::string report_error(const std::string& line) {
  try {
    report_from_line(line);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failure);
    return error.what();
  }
  return "";
}

Network small_network() {
  auto cell = std::make_shared<Graph>();
  cell->name = "cell";
  cell->inputs = {"x"};
  Node inner;
  inner.name = "n1";
  inner.operation = "nor_conv_3x3";
  inner.parameters = {{"channels", std::int64_t{16}}, {"affine", true}};
  inner.inputs = {0};
  inner.decided_by = "cell.op";
  cell->nodes = {inner};
  cell->output = 1;
  Node stem;
  stem.name = "stem";
  stem.operation = "conv_bn";
  stem.inputs = {0};
  Node instance;
  instance.name = "stage.0";
  instance.operation = "cell";
  instance.cell = cell;
  instance.inputs = {1};
  Network network;
  network.input = {1, 28, 28};
  network.classes = 10;
  network.graph.name = "net";
  network.graph.inputs = {"input"};
  network.graph.nodes = {stem, instance};
  network.graph.output = 2;
  return network;
}

std::vector<Command> commands() {
  Hello hello;
  hello.study = "demo \"x\"";
  hello.folder = "/runs/demo";
  hello.data.format = "csv";
  hello.data.split_seed = 12;
  hello.threads = 3;
  hello.device = "cuda:1";
  Start start;
  start.trial = 5;
  start.purpose = "baseline";
  start.configuration.set("op", std::string("none"));
  start.configuration.set("rate", 1.0);
  start.network = small_network();
  start.recipe = Recipe();
  start.recipe->epochs = 2.5;
  start.seed = std::numeric_limits<std::uint64_t>::max();
  start.fidelity = 2.5;
  start.checkpoint = "/runs/demo/trials/5/model.ckpt";
  start.folder = "/runs/demo/trials/5";
  start.keep_checkpoint = start.measure_latency = true;
  Start plain;
  plain.trial = 6;
  plain.folder = "/f";
  plain.fidelity = 1;
  return {hello, start, plain, netwright::Test{5, "/m.ckpt"}, Continue{}, Stop{}, Quit{}};
}

std::vector<Report> reports() {
  Ready ready;
  ready.trainer = "mine 1.0";
  ready.input = Shape{3, 32, 32};
  ready.classes = 10;
  ready.about = {{"training", 100}};
  Ready row;
  row.input = Shape{54, 0, 0};
  const Measured measured{3, {0.5, 1.25, {{"accuracy", 0.5}, {"loss", std::numeric_limits<double>::infinity()}}}};
  Measured detailed = measured;
  detailed.measurement.details["signs"] = to_json(std::vector<CollapseSign>{{"eigenvalue", "it rose"}});
  Finished complete;
  complete.trial = 3;
  complete.checkpoint = "a.ckpt";
  complete.metrics = {{"test_accuracy", 0.5}};
  Finished failed;
  failed.trial = 3;
  failed.state = TrialState::failed;
  failed.reason = "nan";
  failed.message = "line\nline \xc3\xbc";
  return {ready, Ready{}, row, measured, complete, failed, detailed};
}

TEST(Protocol, LinesReadBackAsTheyWereWritten) {
  for (const auto& command : commands()) {
    const std::string line = to_line(command);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const Command back = command_from_line(line);
    EXPECT_EQ(back.index(), command.index());
    EXPECT_EQ(to_line(back), line);
  }
  for (const auto& report : reports()) {
    const std::string line = to_line(report);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const Report back = report_from_line(line);
    EXPECT_EQ(back.index(), report.index());
    EXPECT_EQ(to_line(back), line);
  }
}

TEST(Protocol, ContentSurvives) {
  const Start start = std::get<Start>(command_from_line(to_line(commands()[1])));
  EXPECT_EQ(start.seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(start.configuration, std::get<Start>(commands()[1]).configuration);
  EXPECT_EQ(start.recipe->epochs, 2.5);
  EXPECT_EQ(start.network->graph.nodes.at(1).cell->nodes.at(0).decided_by, "cell.op");
  const Start plain = std::get<Start>(command_from_line(to_line(commands()[2])));
  EXPECT_FALSE(plain.network || plain.recipe || plain.keep_checkpoint || plain.measure_latency);
  EXPECT_EQ(std::get<Ready>(report_from_line(to_line(reports()[2]))).input, (Shape{54, 0, 0}));
  const auto measured = std::get<Measured>(report_from_line(to_line(reports()[3])));
  EXPECT_TRUE(std::isinf(measured.measurement.metrics.at("loss")));
  EXPECT_TRUE(measured.measurement.details.is_null());
  const auto detailed = std::get<Measured>(report_from_line(to_line(reports()[6])));
  EXPECT_EQ(collapse_signs_from_json(detailed.measurement.details.at("signs")).at(0).text, "it rose");
}

TEST(Protocol, WhatMayBeLeftOut) {
  EXPECT_EQ(std::get<Ready>(report_from_line(R"({"type":"ready"})")).classes, 0);
  EXPECT_FALSE(std::get<Ready>(report_from_line(R"({"type":"ready","input":null})")).input);
  const auto measured = std::get<Measured>(
      report_from_line(R"( {"metrics":{"loss":null,"accuracy":1}, "fidelity":1, "trial":2, "type":"measured"} )"));
  EXPECT_EQ(measured.measurement.seconds, 0);
  EXPECT_TRUE(std::isnan(measured.measurement.metrics.at("loss")));
  const auto failed = std::get<Finished>(report_from_line(R"({"type":"finished","trial":0,"state":"failed"})"));
  EXPECT_EQ(failed.reason, "error");
}

TEST(Protocol, BytesThatAreNotUtf8CanBeWritten) {
  Finished finished;
  finished.message = "caf\xe9";
  EXPECT_NO_THROW(report_from_line(to_line(Report(finished))));
}

TEST(Protocol, MistakesQuoteTheLine) {
  const std::string garbage = "Epoch 1/10 " + std::string(500, 'x') + "\x1b[31m";
  EXPECT_THAT(report_error(garbage), HasSubstr("not JSON in the line: Epoch 1/10 xxx"));
  EXPECT_THAT(report_error(garbage), HasSubstr("(516 bytes)"));
  EXPECT_LT(report_error(garbage).size(), 400u);
  EXPECT_THAT(report_error("\x1b[31m\xff"), testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(report_error(R"({"type":"measured","trial":1,"fidelity":1,"metrics":{"a":1},"details":[1]})"),
              HasSubstr("'details' is not an object"));
  EXPECT_THAT(report_error(R"({"type":"measured","trial":1,"fidelity":1,"metric":{"a":1}})"),
              HasSubstr("'metrics' is missing"));
  EXPECT_THAT(report_error(R"({"type":"ready","clases":3})"), HasSubstr("'classes'"));
  EXPECT_THAT(report_error(R"({"type":"raedy"})"), HasSubstr("raedy"));
}

TEST(Protocol, WrongReportsAreErrors) {
  for (const char* line : {"",
                           "null",
                           "3",
                           "[]",
                           "{}",
                           R"({"type":3})",
                           R"({"type":"hello"})",
                           R"({"type":"ready"} x)",
                           R"({"type":"ready","input":[3,32]})",
                           R"({"type":"ready","input":[0]})",
                           R"({"type":"ready","input":[-1]})",
                           R"({"type":"ready","input":[1.5]})",
                           R"({"type":"ready","input":[18446744073709551615]})",
                           R"({"type":"ready","classes":-1})",
                           R"({"type":"ready","classes":18446744073709551615})",
                           R"({"type":"ready","trainer":3})",
                           R"({"type":"measured","trial":1,"fidelity":1,"metrics":{}})",
                           R"({"type":"measured","trial":1,"fidelity":1,"metrics":[1]})",
                           R"({"type":"measured","trial":1,"fidelity":1,"metrics":{"a":"b"}})",
                           R"({"type":"measured","trial":1,"fidelity":-1,"metrics":{"a":1}})",
                           R"({"type":"measured","trial":1,"fidelity":1e999,"metrics":{"a":1}})",
                           R"({"type":"measured","trial":1,"fidelity":"1","metrics":{"a":1}})",
                           R"({"type":"measured","trial":1,"fidelity":1,"seconds":-1,"metrics":{"a":1}})",
                           R"({"type":"measured","trial":1.5,"fidelity":1,"metrics":{"a":1}})",
                           R"({"type":"measured","fidelity":1,"metrics":{"a":1}})",
                           R"({"type":"finished","trial":1})",
                           R"({"type":"finished","trial":1,"state":"pruned"})",
                           R"({"type":"finished","trial":1,"state":"running"})",
                           R"({"type":"finished","trial":1,"state":"complete","metrics":[]})",
                           R"({"type":"finished","trial":1,"state":"complete","checkpoint":null})"}) {
    EXPECT_NE(report_error(line), "") << line;
  }
}

TEST(Protocol, WrongCommandsAreErrors) {
  const std::string hello = to_line(commands()[0]);
  const std::string start = to_line(commands()[1]);
  const auto changed = [](std::string line, const std::string& from, const std::string& to) {
    const auto place = line.find(from);
    EXPECT_NE(place, std::string::npos) << from;
    return line.replace(place, from.size(), to);
  };
  for (const auto& line :
       {changed(hello, "\"protocol\":1", "\"protocol\":2"), changed(hello, "\"threads\":3", "\"threads\":3e9"),
        changed(hello, "\"threads\":3", "\"threads\":9999999999"), changed(hello, "\"format\"", "\"fromat\""),
        changed(start, "18446744073709551615", "-1"), changed(start, "18446744073709551615", "1.5"),
        changed(start, "\"nodes\"", "\"noodles\""), changed(start, "\"batch\":64", "\"batch\":-64"),
        changed(start, "\"folder\"", "\"folds\""), std::string(R"({"type":"continue","trial":1})"),
        std::string(R"({"type":"ready"})"), std::string(R"({"type":"test","trial":1})")}) {
    EXPECT_THROW(command_from_line(line), Error) << line;
  }
}

TEST(Protocol, DeepNestingIsRefused) {
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_THAT(report_error(R"({"type":"ready","about":)" + deep + "}"), HasSubstr("too deeply"));
  const std::string brackets(1000, '[');  // in a text they nest nothing
  EXPECT_EQ(report_error(R"({"type":"ready","trainer":"\"\\)" + brackets + "\"}"), "");
}

// Any change of a byte, and any cut, reads or is refused by an Error.
TEST(Protocol, DamagedLinesNeverCrash) {
  Random random(1);
  std::vector<std::string> lines;
  for (const auto& command : commands()) lines.push_back(to_line(command));
  for (const auto& report : reports()) lines.push_back(to_line(report));
  for (int i = 0; i < 20000; ++i) {
    std::string line = lines[random.below(lines.size())];
    for (std::uint64_t changes = random.below(3); changes < 3; ++changes) {
      line[random.below(line.size())] = static_cast<char>(random.below(256));
    }
    if (random.below(5) == 0) line.resize(random.below(line.size()));
    try {
      command_from_line(line);
    } catch (const Error&) {
    }
    try {
      report_from_line(line);
    } catch (const Error&) {
    }
  }
}

// Every line that the documentation shows in full reads.
TEST(Protocol, DocumentedLinesRead) {
  std::ifstream file(NETWRIGHT_SOURCE_DIR "/docs/trial-protocol.md");
  int read = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.size() < 3 || line[1] != ' ' || line[2] != '{' || line.find("…") != std::string::npos) continue;
    if (line[0] == '>') {
      EXPECT_NO_THROW(command_from_line(line.substr(2))) << line;
      ++read;
    } else if (line[0] == '<') {
      EXPECT_NO_THROW(report_from_line(line.substr(2))) << line;
      ++read;
    }
  }
  EXPECT_GE(read, 8);
}

// So does the network that it shows.
TEST(Protocol, DocumentedNetworkReads) {
  std::ifstream file(NETWRIGHT_SOURCE_DIR "/docs/trial-protocol.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto begin = text.find("```json\n");
  ASSERT_NE(begin, std::string::npos);
  const auto end = text.find("```", begin + 8);
  const Network network = network_from_json(Json::parse(text.substr(begin + 8, end - begin - 8)));
  EXPECT_EQ(network.graph.nodes.size(), 3u);
  ASSERT_TRUE(network.graph.nodes[1].cell);
}

}  // namespace
}  // namespace netwright
