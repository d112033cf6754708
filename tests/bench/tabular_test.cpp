#include "netwright/bench/tabular.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/bench/configuration_columns.h"
#include "netwright/space/nas_bench_201.h"

namespace netwright {
namespace {

using testing::HasSubstr;

SearchSpace space_of(const std::string& text) {
  return SearchSpace::parse(parse_yaml(text, "space.yaml"), Yaml{}, std::nullopt, std::nullopt);
}

class TabularTest : public testing::Test {
 protected:
  std::string file(const std::string& content) {
    const std::string path = testing::TempDir() + "netwright-table-" +
                             testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
    std::ofstream(path) << content;
    return path;
  }
  static std::string error_of(const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }
  const SearchSpace space_ =
      space_of("choices: {kind: [a, b], depth: {integer: [1, 3], when: {kind: b}}, rate: {real: [0.0, 1.0]}}\n");
};

constexpr const char* header = "valid_accuracy_e12,valid_accuracy_e200,test_accuracy_e200,train_seconds_per_epoch";

TEST_F(TabularTest, ReadsChoicesFromTheirColumns) {
  const TabularEvaluator table(
      space_, file(std::string("kind,depth,rate,") + header + "\r\na,,0.5,80,90,91,2\r\nb,3,1,70,95,96,4\r\n"));
  ASSERT_EQ(table.size(), 2U);
  Configuration shallow({{"kind", std::string("a")}, {"rate", 0.5}});
  const Measurement measurement = table.evaluate(shallow, 0, 12);
  EXPECT_EQ(measurement.fidelity, 12);
  EXPECT_DOUBLE_EQ(measurement.metrics.at("accuracy"), 0.8);
  EXPECT_DOUBLE_EQ(measurement.seconds, 12 * 2 + 0.2117 * 2 + 1.2406);
  EXPECT_EQ(measurement.metrics.size(), 1U) << "the search sees nothing else";
  EXPECT_EQ(table.test_accuracy(shallow), 91);
  EXPECT_EQ(table.best_test_accuracy(), 96);
  Configuration deep({{"kind", std::string("b")}, {"depth", std::int64_t{3}}, {"rate", 1.0}});
  EXPECT_EQ(table.final_validation_accuracy(deep), 95);
  deep.set("depth", std::int64_t{2});
  EXPECT_THAT(error_of([&] { table.evaluate(deep, 0, 12); }), HasSubstr("no row for depth=2; kind=b; rate=1.0"));
  EXPECT_THAT(error_of([&] { table.evaluate(shallow, 0, 3); }), HasSubstr("12 epochs"));
}

TEST_F(TabularTest, ReadsCanonicalTexts) {
  const TabularEvaluator table(space_,
                               file(std::string("arch,") + header + "\ndepth=3; kind=b; rate=1.0,70,95,96,4\n"));
  EXPECT_EQ(table.test_accuracy(Configuration({{"kind", std::string("b")}, {"depth", std::int64_t{3}}, {"rate", 1.0}})),
            96);
}

TEST_F(TabularTest, MistakesAreNamedWithTheirLine) {
  const std::string head = std::string("kind,depth,rate,") + header + "\n";
  const auto refusal = [&](const std::string& rows) { return error_of([&] { TabularEvaluator(space_, file(rows)); }); };
  EXPECT_THAT(refusal(head + "a,,0.5,80,90,91,2\na,,0.5,80,90,91,2\n"),
              HasSubstr(".csv:3:1: the architecture has come"));
  EXPECT_THAT(refusal(head + "a,,0.5,80,90,91\n"), HasSubstr(".csv:2:1: 6 cells"));
  EXPECT_THAT(refusal(head + "c,,0.5,80,90,91,2\n"), HasSubstr(".csv:2:1: 'c' is no value of choice 'kind'"));
  EXPECT_THAT(refusal(head + "b,,0.5,80,90,91,2\n"), HasSubstr("'depth'"));
  EXPECT_THAT(refusal(head + "a,,0.5,x,90,91,2\n"), HasSubstr("'x' in column 'valid_accuracy_e12'"));
  EXPECT_THAT(refusal(head + "a,,0.5,80,90,91,-2\n"), HasSubstr("negative seconds"));
  EXPECT_THAT(refusal(head), HasSubstr("no rows"));
  EXPECT_THAT(refusal(""), HasSubstr("no header"));
  EXPECT_THAT(refusal(std::string("kind,dept,rate,") + header + "\n"), HasSubstr("did you mean 'dept'?"));
  EXPECT_THAT(error_of([&] { TabularEvaluator(space_, "/nowhere.csv"); }), HasSubstr("/nowhere.csv"));
}

TEST_F(TabularTest, AllOfNasBench201IsThere) {
  const char* folder = std::getenv("NETWRIGHT_REFERENCE_DATA");
  const std::string path =
      std::string(folder ? folder : NETWRIGHT_SOURCE_DIR "/../shared/data") + "/nas-bench-201/cifar10.csv.gz";
  if (!file_exists(path)) GTEST_SKIP() << "no " << path << "; set NETWRIGHT_REFERENCE_DATA";
  const TabularEvaluator table(SearchSpace::load(NETWRIGHT_SOURCE_DIR "/spaces/nas-bench-201.yaml"), path);
  EXPECT_EQ(table.size(), 15625U);
  EXPECT_NEAR(table.best_test_accuracy(), 94.37, 0.005);
  const Configuration first = nas_bench_201_configuration(
      "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|");
  EXPECT_DOUBLE_EQ(table.evaluate(first, 0, 12).metrics.at("accuracy"), 0.633640);
  EXPECT_EQ(table.test_accuracy(first), 85.8633);
  // A table cut short is refused rather than searched.
  const std::string cut = testing::TempDir() + "netwright-cut.csv.gz";
  std::ofstream(cut, std::ios::binary) << read_file(path).substr(0, 100000);
  EXPECT_THAT(error_of([&] { TabularEvaluator(table.space(), cut); }), HasSubstr("netwright-cut.csv.gz"));
}

}  // namespace
}  // namespace netwright
