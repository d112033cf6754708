#include "netwright/base/yaml.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "netwright/base/error.h"
#include "netwright/base/random.h"

namespace netwright {
namespace {

Yaml parse(const std::string& text) {
  return parse_yaml(text, "f.yaml");
}

template <class Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ExitCode::done, "");
}

void expect_invalid(const std::string& text, int line, int column, const std::string& words) {
  const Error error = error_of([&] { parse(text); });
  EXPECT_EQ(error.code(), ExitCode::invalid);
  EXPECT_EQ(error.where().file, "f.yaml");
  EXPECT_EQ(error.where().line, line) << error.what();
  EXPECT_EQ(error.where().column, column) << error.what();
  EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  EXPECT_FALSE(error.remedy().empty());
}

bool same(const Yaml& a, const Yaml& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() || a.entries.size() != b.entries.size())
    return false;
  if (a.is_scalar() && (a.reads_as_number() != b.reads_as_number() || a.reads_as_boolean() != b.reads_as_boolean()))
    return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!same(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key || !same(a.entries[i].value, b.entries[i].value)) return false;
  }
  return true;
}

Yaml random_tree(Random& random, int depth) {
  static const std::string characters = "ab1 :#-?,[]{}&*!|>'\"%@`\\\n\t~=.0+";
  const auto random_text = [&] {
    std::string text;
    for (std::uint64_t i = random.below(7); i > 0; --i) text += characters[random.below(characters.size())];
    return text;
  };
  Yaml node;
  const std::uint64_t kind = random.below(depth > 0 ? 5 : 3);
  if (kind == 0) {
    node.kind = Yaml::Kind::null;
  } else if (kind <= 2) {
    static const std::vector<std::string> words = {"true", "3", "0.5", "-1e3", "null", "~", "yes", "- a", "a: b"};
    node.kind = Yaml::Kind::scalar;
    node.text = kind == 1 ? random_text() : words[random.below(words.size())];
    node.quoted = true;
  } else if (kind == 3) {
    node.kind = Yaml::Kind::sequence;
    for (std::uint64_t i = random.below(4); i > 0; --i) node.items.push_back(random_tree(random, depth - 1));
  } else {
    node.kind = Yaml::Kind::mapping;
    for (std::uint64_t i = random.below(4); i > 0; --i) node.set("k" + random_text(), random_tree(random, depth - 1));
  }
  return node;
}

TEST(Yaml, KnowsWhereEverythingIs) {
  const Yaml root = parse("a: 1\nb:\n  - x\n  - {c: 2}\n");
  EXPECT_EQ(root.find("b")->items[1].find("c")->where.line, 4);
  EXPECT_EQ(root.find("b")->items[1].find("c")->where.column, 9);
  EXPECT_EQ(root.entries[1].where.line, 2);
  EXPECT_EQ(root.find("missing"), nullptr);
}

TEST(Yaml, TellsKindsApart) {
  const Yaml root = parse("{i: 3, f: 0.5, b: true, t: '3', n: , e: 1e3, w: relu, z: '', p: +4}");
  EXPECT_EQ(root.find("i")->as_integer("i"), 3);
  EXPECT_EQ(root.find("p")->as_integer("p"), 4);
  EXPECT_EQ(root.find("e")->as_integer("e"), 1000);
  EXPECT_EQ(root.find("f")->as_number("f"), 0.5);
  EXPECT_TRUE(root.find("b")->as_boolean("b"));
  EXPECT_FALSE(root.find("t")->reads_as_integer());
  EXPECT_EQ(root.find("t")->as_text("t"), "3");
  EXPECT_TRUE(root.find("n")->is_null());
  EXPECT_EQ(root.find("z")->as_text("z"), "");
  EXPECT_FALSE(root.find("w")->reads_as_number());
  EXPECT_TRUE(parse("").is_null());
}

TEST(Yaml, ChecksTypesAndRanges) {
  const Yaml root = parse("a: x\nb: 7\nc: [1]\n");
  EXPECT_EQ(error_of([&] { root.find("a")->as_integer("a"); }).where().line, 1);
  EXPECT_NE(std::string(error_of([&] { root.find("b")->as_integer("b", 0, 5); }).what()).find("between 0 and 5"),
            std::string::npos);
  EXPECT_NE(std::string(error_of([&] { root.find("c")->as_text("c"); }).what()).find("a list"), std::string::npos);
  EXPECT_THROW(root.find("b")->as_boolean("b"), Error);
  EXPECT_THROW(parse("9999999999999999999999").as_integer("x"), Error);
}

TEST(Yaml, RefusesWhatIsNoStrictYaml) {
  expect_invalid("a: 1\na: 2\n", 2, 1, "duplicate key 'a'");
  expect_invalid("{a: {b: 1, b: 2}}", 1, 12, "duplicate key 'b'");
  expect_invalid("[a]: 1\n", 1, 1, "not plain text");
  expect_invalid("a: 1\n---\nb: 2\n", 3, 1, "second document");
  EXPECT_GT(error_of([] { parse("a: [1, 2\nb: 3\n"); }).where().line, 0);
  for (const char* open : {"a: 'x", "a: 'x\nb: 2\n", "a: \"x\n\n", "- 'x # c\n"}) {
    const Error error = error_of([&] { parse(open); });
    EXPECT_GT(error.where().line, 0);
    EXPECT_NE(std::string(error.what()).find("never closed"), std::string::npos) << error.what();
  }
  EXPECT_EQ(parse("a: |\n  x\n").find("a")->text, "x\n");
  EXPECT_EQ(parse("a: 1  # c").find("a")->text, "1");
  EXPECT_THROW(parse("a: *missing\n"), Error);
  EXPECT_THROW(parse(std::string(500, '[') + std::string(500, ']')), Error);
  EXPECT_THROW(parse(std::string((std::size_t{4} << 20) + 1, ' ')), Error);
}

TEST(Yaml, CopiesAliasesButNoBombs) {
  const Yaml root = parse("a: &x [1, 2]\nb: *x\n");
  EXPECT_EQ(root.find("b")->items[1].as_integer("b"), 2);
  EXPECT_EQ(root.find("b")->where.line, 2);
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string inner = std::string("*") + static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i > 0 ? ", " : "") + inner;
    bomb += "]\n";
  }
  const Error error = error_of([&] { parse(bomb); });
  EXPECT_NE(std::string(error.what()).find("aliases"), std::string::npos);
  EXPECT_THROW(parse("a: &a [*a]\n"), Error);
}

RC_GTEST_PROP(Yaml, ComesBackFromItsText, (std::uint64_t seed)) {
  Random random(seed);
  const Yaml tree = random_tree(random, 4);
  const std::string text = dump_yaml(tree);
  RC_LOG() << text;
  RC_ASSERT(same(parse(text), tree));
}

TEST(Yaml, QuestionMarksInListsComeBack) {  // yaml-cpp reads a '?' before a bracket or a comma as a key
  Yaml list;
  list.kind = Yaml::Kind::sequence;
  for (const char* text : {"0@?", "0.1?'", "?"}) {
    Yaml item;
    item.kind = Yaml::Kind::scalar;
    item.quoted = true;
    item.text = text;
    list.items.push_back(item);
  }
  EXPECT_TRUE(same(parse(dump_yaml(list)), list)) << dump_yaml(list);
}

RC_GTEST_PROP(Yaml, NeverCrashesOnText, (std::uint64_t seed)) {
  Random random(seed);
  static const std::string characters = "ab:- \n[]{}&*'\"#,|>?!%@`\t~1.";
  std::string text;
  for (std::uint64_t i = random.below(60); i > 0; --i) text += characters[random.below(characters.size())];
  try {
    const Yaml tree = parse(text);
    RC_LOG() << text << "\n=>\n" << dump_yaml(tree);
    RC_ASSERT(same(parse(dump_yaml(tree)), tree));
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ExitCode::invalid);
  }
}

TEST(Yaml, MappingsMayBeLarge) {
  std::string text;
  for (int i = 0; i < 49'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(parse(text).entries.size(), 49'000U);
  EXPECT_EQ(error_of([&] { parse(text + "k7: 1\n"); }).where().line, 49'001);
}

TEST(Yaml, WhatIsSetKnowsWhereItComesFrom) {
  Yaml root = parse("recipe: {epochs: 3}\nname: x\n");
  set_by_path(root, "foo.bar=1");
  EXPECT_EQ(root.entries.back().where.file, "--set foo.bar");
  EXPECT_EQ(root.find("foo")->where.file, "--set foo.bar");
  set_by_path(root, "name.x=5");
  EXPECT_EQ(root.find("name")->where.file, "--set name.x");
}

TEST(Yaml, SetsByPath) {
  Yaml root = parse("recipe: {epochs: 3}\nlist: [{a: 1}]\n");
  set_by_path(root, "recipe.epochs=5");
  set_by_path(root, "recipe.optimizer.name=adam");
  set_by_path(root, "list.0.a=[1, 2]");
  EXPECT_EQ(root.find("recipe")->find("epochs")->as_integer("epochs"), 5);
  EXPECT_EQ(root.find("recipe")->find("optimizer")->find("name")->text, "adam");
  EXPECT_EQ(root.find("list")->items[0].find("a")->items.size(), 2u);
  for (const char* wrong : {"recipe", "=3", "a..b=1", "list.7=1", "list.x=1"}) {
    EXPECT_EQ(error_of([&] { set_by_path(root, wrong); }).code(), ExitCode::usage) << wrong;
  }
}

TEST(MappingReader, AsksForEveryKey) {
  const Yaml root = parse("trials: 3\nname: x\nmode: fst\n");
  MappingReader reader(root, "budget");
  EXPECT_EQ(reader.integer("trials", 1, 0, 10), 3);
  EXPECT_EQ(reader.number("seconds", 2.5, 0, 10), 2.5);
  EXPECT_EQ(reader.text("name", ""), "x");
  EXPECT_NE(std::string(error_of([&] {
                          reader.one_of("mode", "", {"fast", "slow"});
                        }).what())
                .find("'fast'"),
            std::string::npos);
  EXPECT_NO_THROW(reader.finish());
  EXPECT_THROW(reader.required("seed"), Error);
  const Yaml misspelt = parse("\ntrails: 3\n");
  MappingReader strict(misspelt, "budget");
  strict.integer("trials", 1, 0, 10);
  const Error error = error_of([&] { strict.finish(); });
  EXPECT_EQ(error.where().line, 2);
  EXPECT_NE(std::string(error.what()).find("did you mean 'trials'?"), std::string::npos);
  EXPECT_THROW(MappingReader(parse("[1]"), "budget"), Error);
}

// Such bytes would be written on into JSON, which has none, and read back as another text.
TEST(Yaml, TextThatIsNotUtf8IsRefusedWithItsLine) {
  expect_invalid("a: 1\nb: caf\xe9\n", 2, 1, "not UTF-8");
  expect_invalid(std::string("\xff\xfe"
                             "a\0:\0 \0b\0",
                             10),
                 1, 1, "not UTF-8");  // UTF-16
  expect_invalid("\xfe\xff\xff: 1", 1, 1, "not UTF-8");
  expect_invalid(std::string("a: b\nc: \0", 9), 2, 1, "not UTF-8");
  expect_invalid("a: b\x01", 1, 1, "not UTF-8");
  expect_invalid(R"(a: "x\N")", 1, 4, "escape");
  EXPECT_EQ(parse("\xef\xbb\xbf"
                  "a: \xc3\xa9")
                .find("a")
                ->text,
            "\xc3\xa9")
      << "a byte-order mark is passed over";
}

}  // namespace
}  // namespace netwright
