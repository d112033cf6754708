#include <cmath>

#include "data/files.h"
#include "netwright/data/csv_table.h"
#include "netwright/data/tabular.h"

namespace netwright {
namespace {

using namespace testing;

class Csv : public ::testing::Test {
 protected:
  CsvDocument table(const std::string& content) {
    write_bytes(path_, content);
    return read_csv(path_);
  }
  void expect_table_error(const std::string& content, const std::string& part, int line) {
    write_bytes(path_, content);
    expect_invalid([&] { read_csv(path_); }, path_, part, line);
  }
  void expect_target_error(const std::string& content, const std::string& target, const std::string& part,
                           int line = 0) {
    const CsvDocument read = table(content);
    expect_invalid([&] { read_target(read, target); }, path_, part, line);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "data.csv";
};

TEST_F(Csv, ReadsQuotedFieldsAndLineEnds) {
  const CsvDocument read = table(
      "\xef\xbb\xbf"
      "a, \"b\" ,c\r\n1,\"x,\"\"y\"\"\",\r\n\r\n\" 2\n3\",  z  ,4\r\n");
  EXPECT_EQ(read.header, (std::vector<std::string>{"a", "\"b\"", "c"}));
  ASSERT_EQ(read.rows(), 2U);
  EXPECT_EQ(read.cell(0, 1), "x,\"y\"");
  EXPECT_EQ(read.cell(0, 2), "");
  EXPECT_EQ(read.cell(1, 0), " 2\n3");
  EXPECT_EQ(read.cell(1, 1), "z");
  EXPECT_EQ(read.cell(1, 2), "4");
  EXPECT_EQ(read.lines, (std::vector<int>{2, 4}));
}

TEST_F(Csv, SeparatorIsThatOfTheHeader) {
  EXPECT_EQ(table("a;b\n1,5;2\n").cell(0, 0), "1,5");
  EXPECT_EQ(table("a\tb\n1\t2").cell(0, 1), "2");
  EXPECT_EQ(table("a,b\n1,").cell(0, 1), "");
}

TEST_F(Csv, MalformedFilesAreToldWithTheirLine) {
  expect_table_error("a,b\n1,2\n1,2,3\n", "a row of 3 fields, and the header has 2", 3);
  expect_table_error("a,b\n\n1\n", "a row of 1 field,", 3);
  expect_table_error("a,b\n1,2\n\"1,2\n3,4\n", "a quote that is not closed", 3);
  expect_table_error("a,b\n\"1\"x,2\n", "text after a closing quote", 2);
  expect_table_error("a,a\n1,2\n", "two columns are called 'a'", 1);
  expect_table_error(",a\n1,2\n", "column 1 has no name", 1);
  expect_table_error("a,b\n", "no rows", 1);
  expect_table_error("", "an empty file", 0);
  expect_table_error("\n\n", "an empty file", 0);
}

TEST_F(Csv, LabelsAreClasses) {
  const Target text = read_target(table("x,kind\n1,b\n2,a\n3,b\n"), "");
  EXPECT_EQ(text.class_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(text.labels, (std::vector<std::int32_t>{1, 0, 1}));
  const Target numbers = read_target(table("kind,x\n10,1\n9,2\n-1,3\n"), "kind");
  EXPECT_EQ(numbers.class_names, (std::vector<std::string>{"-1", "9", "10"}));
}

TEST_F(Csv, MistakenTargetsAreExplained) {
  expect_target_error("x,kind\n1,a\n2,b\n", "kinds", "did you mean 'kind'", 1);
  expect_target_error("x,kind\n1,a\n2,\n", "", "no label", 3);
  expect_target_error("x,price\n1,3.5\n2,4\n", "", "is a fraction", 2);
  expect_target_error("x,kind\n1,a\n2,a\n", "", "every label");
  std::string accents;
  for (int i = 0; i < 40; ++i) accents += "é";  // two bytes each; cut between two, an odd byte before them or not
  for (const std::string before : {"", "b"}) {
    const std::string label = before + accents, shown = label.substr(0, 60 - before.size());
    expect_target_error("x,kind\n1," + label + "\n2," + label + "\n", "", "'" + shown + "…'");
  }
  expect_target_error("kind\na\nb\n", "", "one column only", 1);
  expect_target_error("x,kind\n1,a\n2,\xff\n", "", "UTF-8", 3);
  std::string many = "x,id\n";
  for (int i = 0; i < 1001; ++i) many += "1," + std::to_string(i) + "\n";
  expect_target_error(many, "", "more than 1000 different labels", 1002);
}

TEST_F(Csv, NumbersAreStandardisedByTheTrainingRows) {
  const CsvDocument read = table("x,constant,kind\n1,5,a\n3,5,b\n,5,a\n100,5,b\n");
  const Encoder encoder(read, 2, {0, 1, 2});  // mean 2, deviation 1; the last row is not training
  EXPECT_EQ(encoder.features(), 2);
  const auto rows = encoder.encode(read, {0, 1, 2, 3});
  EXPECT_EQ(rows, (std::vector<float>{-1, 0, 1, 0, 0, 0, 98, 0}));
}

TEST_F(Csv, TextsAreOneHotAndMissingOnesTheMean) {
  const CsvDocument read = table("colour,x,kind\nred,1,a\nblue,1,b\nred,1,a\nred,1,b\nNA,1,a\ngreen,1,b\n");
  const Encoder encoder(read, 2, {0, 1, 2, 3, 4});
  EXPECT_EQ(encoder.features(), 3);  // blue, red; green is not among the training rows
  const auto rows = encoder.encode(read, {0, 1, 4, 5});
  EXPECT_EQ(rows, (std::vector<float>{0, 1, 0, 1, 0, 0, 0.25F, 0.75F, 0, 0.25F, 0.75F, 0}));
}

TEST_F(Csv, ExtremeNumbersStayFinite) {
  const CsvDocument read = table("x,kind\n0,a\n1e-300,b\n0,a\n1e300,b\n+2,a\n1e-400,a\n");
  const Encoder encoder(read, 1, {0, 1, 2});
  for (const float value : encoder.encode(read, {0, 1, 2, 3, 4, 5})) EXPECT_TRUE(std::isfinite(value));
  const CsvDocument infinite = table("x,kind\n0,a\ninf,b\n");
  expect_invalid([&] { Encoder(infinite, 1, {0, 1}); }, path_, "no finite number", 3);
  const CsvDocument large = table("x,kind\n1e300,a\n-1e300,b\n");
  expect_invalid([&] { Encoder(large, 1, {0, 1}); }, path_, "too large to standardise");
}

TEST_F(Csv, AMistypedNumberAmongManyIsPointedAt) {
  std::string content = "x,kind\n";
  for (int i = 0; i < 1500; ++i) content += (i == 700 ? std::string("7o0") : std::to_string(i)) + ",a\n";
  const CsvDocument read = table(content);
  std::vector<std::int32_t> rows(1500);
  for (int i = 0; i < 1500; ++i) rows[static_cast<std::size_t>(i)] = i;
  expect_invalid([&] { Encoder(read, 1, rows); }, path_, "'7o0' here", 702);
}

TEST_F(Csv, OpensWithHeldOutOrOwnTestRows) {
  std::string content = "x,y,kind\n";
  for (int i = 0; i < 100; ++i)
    content += std::to_string(i) + "," + (i % 3 == 0 ? "u" : "v") + "," + (i % 2 == 0 ? "a" : "b") + "\n";
  write_bytes(path_, content);
  DataOptions options = options_for("csv", path_);
  const SearchData data = open_data(options);
  EXPECT_EQ(data.training.shape(), (Shape{3, 0, 0}));
  EXPECT_EQ(data.training.size(), 72);
  EXPECT_EQ(data.validation.size(), 8);
  EXPECT_EQ(open_test_data(options, FinalEvaluation()).size(), 20);

  options.test_path = folder_ / "test.csv";
  expect_invalid([&] { open_data(options); }, options.test_path, "no such file");
  write_bytes(options.test_path, "x,y,kind\n5,u,b\n6,w,a\n");
  EXPECT_EQ(open_data(options).training.size(), 90);
  const TestData test = open_test_data(options, FinalEvaluation());
  ASSERT_EQ(test.size(), 2);
  EXPECT_EQ(test.label(0), 1);
  EXPECT_EQ(test.row(0)[1], 1);
  const auto open_test = [&] { open_test_data(options, FinalEvaluation()); };
  write_bytes(options.test_path, "x,y,kind\n5,u,c\n");
  expect_invalid(open_test, options.test_path, "no class of the training data", 2);
  write_bytes(options.test_path, "x,kind,y\n5,a,u\n");
  expect_invalid(open_test, options.test_path, "columns are not those", 1);
  write_bytes(options.test_path, "x,y,kind\n5,u,a\nfive,u,a\n");
  expect_invalid(open_test, options.test_path, "'five' in the numeric column 'x'", 3);
}

}  // namespace
}  // namespace netwright
