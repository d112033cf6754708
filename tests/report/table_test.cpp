#include "netwright/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <stdexcept>

#include "netwright/base/text.h"
#include "report/example_study.h"

namespace netwright {
namespace {

using testing::HasSubstr;
using testing::Not;

Table example() {
  Table table({{"name"}, {"value", true}, {"note", false, true}});
  table.add({"a", "1.5", "short"});
  table.add({"longer", "12", "a note that is rather long"});
  return table;
}

TEST(Table, AlignsColumns) {
  EXPECT_EQ(example().text(0, false),
            "name    value  note\n"
            "a         1.5  short\n"
            "longer     12  a note that is rather long\n");
}

TEST(Table, ShrinksToTheTerminal) {
  EXPECT_EQ(example().text(28, false),
            "name    value  note\n"
            "a         1.5  short\n"
            "longer     12  a note that…\n");
  for (const int width : {1, 5, 10, 20, 40}) {
    for (const auto& line : split(example().text(width, false), '\n')) EXPECT_LE(display_width(line), width);
  }
}

TEST(Table, KeepsOneLineARow) {
  Table table({{"text"}});
  table.add({"two\nlines\x1b[31m"});
  EXPECT_EQ(table.text(0, false), "text\ntwo lines [31m\n");
  EXPECT_THROW(table.add({"a", "b"}), std::logic_error);
}

TEST(Table, ColoursOnlyWhenAsked) {
  Table table({{"state"}});
  table.add({Cell("failed", Style::bad)});
  EXPECT_THAT(table.text(0, true), HasSubstr("\x1b[31mfailed\x1b[0m"));
  EXPECT_THAT(table.text(0, false), Not(HasSubstr("\x1b")));
}

TEST(Table, MeasuresUnicode) {
  EXPECT_EQ(display_width("naïve"), 5);
  EXPECT_EQ(display_width("網路"), 4);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);
  EXPECT_EQ(display_width("\xFF\xC3"), 2);  // malformed bytes stand for themselves
  Table table({{"name"}, {"n", true}});
  table.add({"網路", "1"});
  table.add({"naïve", "2"});
  EXPECT_EQ(table.text(0, false), "name   n\n網路   1\nnaïve  2\n");
}

TEST(Table, OfTrials) {
  const ReportInput input = example_study();
  const Table table = trial_table(ranking(input.trials, input.objectives), input.objectives);
  const std::string text = table.text(100, false);
  EXPECT_THAT(text, HasSubstr("accuracy"));
  EXPECT_THAT(text, HasSubstr("complete"));
  for (const auto& line : split(text, '\n')) EXPECT_LE(display_width(line), 100);
}

TEST(Terminal, HonoursTheEnvironment) {
  setenv("COLUMNS", "72", 1);
  EXPECT_EQ(terminal().width, 72);
  setenv("COLUMNS", "wide", 1);
  EXPECT_NE(terminal().width, 72);
  unsetenv("COLUMNS");
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(terminal().colour);
  unsetenv("NO_COLOR");
}

}  // namespace
}  // namespace netwright
