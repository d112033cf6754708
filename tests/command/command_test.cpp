// The command as a user meets it, with the example trainer in place of LibTorch.

#include <gtest/gtest.h>

#include <regex>

#include "command/process.h"
#include "netwright/base/json.h"

namespace netwright {
namespace {

std::string experiment(const std::string& name, const std::string& extra = "", int trials = 12) {
  return "name: " + name +
         "\n"
         "space:\n"
         "  name: regression\n"
         "  choices:\n"
         "    learning_rate: {real: [0.001, 1.0], log: true}\n"
         "    momentum: {real: [0.0, 0.9]}\n"
         "recipe: {epochs: 3}\n"
         "search: {strategy: {name: evolution, population: 4, tournament: 2}, budget: {trials: " +
         std::to_string(trials) +
         "}}\n"
         "retrain: false\n"
         "execution: {workers: 2, trainer: [" +
         std::string("/usr/bin/python3, " NETWRIGHT_SOURCE_DIR "/examples/trainer.py") + "]}\n" + extra;
}

Json json_of(const Outcome& outcome) {
  return Json::parse(outcome.out, nullptr, false);
}

TEST(Command, VersionHelpAndUsage) {
  const Sandbox sandbox;
  EXPECT_TRUE(std::regex_match(sandbox.run("--version").out, std::regex("netwright \\d+\\.\\d+\\.\\d+\n")));
  EXPECT_EQ(sandbox.run("--help").exit_code, 0);
  EXPECT_EQ(sandbox.run("").exit_code, 2);
  EXPECT_EQ(sandbox.run("runn x").exit_code, 2);
  EXPECT_EQ(sandbox.run("run").exit_code, 2);
  for (const char* verb : {"run", "check", "resume", "ls", "show", "best", "compare", "report", "export", "doctor",
                           "ask", "tell", "import", "narrow"}) {
    const Outcome help = sandbox.run(std::string(verb) + " --help");
    EXPECT_EQ(help.exit_code, 0) << verb;
    EXPECT_NE(help.out.find("--json"), std::string::npos) << verb;
  }
}

TEST(Command, RunsAStudyWithTheExampleTrainer) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment("first"));
  EXPECT_EQ(sandbox.run("check e.yaml").exit_code, 0) << sandbox.read("err.txt");
  const Outcome run = sandbox.run("run e.yaml");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("trial 12 complete"), std::string::npos) << run.err;
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/first/report.html"));
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/first/best.yaml"));

  const Json best = json_of(sandbox.run("best first --json"));
  ASSERT_TRUE(best.is_object()) << sandbox.read("out.txt") << sandbox.read("err.txt");
  EXPECT_TRUE(best.contains("schema"));
  EXPECT_TRUE(json_of(sandbox.run("ls --json")).is_object());
  EXPECT_TRUE(json_of(sandbox.run("show first --json")).is_object());
  EXPECT_TRUE(json_of(sandbox.run("show first 3 --json")).is_object());
  EXPECT_EQ(sandbox.run("report first").exit_code, 0);
  EXPECT_EQ(sandbox.run("ls").exit_code, 0);
  EXPECT_NE(sandbox.read("out.txt").find("first"), std::string::npos);

  // The configuration found is an experiment of its own.
  const Outcome again = sandbox.run("run runs/first/best.yaml");
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

TEST(Command, RunsAStudyUnderHyperband) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment("rungs", "", 20));
  const Outcome run = sandbox.run("run e.yaml --set recipe.epochs=9 --set 'search.schedule={name: hyperband, eta: 3}'");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json trials = json_of(sandbox.run("show rungs --json")).at("trials").at("search");
  EXPECT_GT(trials.value("complete", 0), 0);
  EXPECT_GT(trials.value("pruned", 0), 0);
  EXPECT_EQ(trials.value("failed", 0), 0);
}

#ifdef NETWRIGHT_WITH_TORCH
// What was found is a configuration; there is no trained network to hand over.
TEST(Command, AOneShotSearchWithoutRetrainingEndsWithItsConfiguration) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "no Fashion-MNIST";
  const Sandbox sandbox;
  sandbox.write("e.yaml",
                "name: cell\n"
                "data: {format: fashion-mnist, train_limit: 64, validation_fraction: 0.1, validation_limit: 32}\n"
                "space: {file: nas-bench-201.yaml, parameters: {channels: 4, cells: 1}}\n"
                "recipe: {epochs: 1, batch: 16}\n"
                "search: {strategy: darts}\n"
                "retrain: false\n");
  const Outcome run = sandbox.run("run e.yaml");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/cell/best.yaml"));
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/cell/report.html"));
  EXPECT_FALSE(std::filesystem::exists(sandbox.folder() / "runs/cell/model.ckpt"));
  EXPECT_EQ(sandbox.run("check runs/cell/best.yaml").exit_code, 0) << sandbox.read("err.txt");
  EXPECT_EQ(sandbox.run("best cell --json").exit_code, 0) << sandbox.read("err.txt");
}

TEST(Command, AnExportThatFailsTakesNothingElseAway) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "no Fashion-MNIST";
  const Sandbox sandbox;
  const std::filesystem::path program = sandbox.write("torch",
                                                      "#!/bin/sh\n"
                                                      "if [ \"$1\" = export ]; then echo 'no room' >&2; exit 1; fi\n"
                                                      "exec '" NETWRIGHT_BINARY_DIR "/netwright-torch' \"$@\"\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  sandbox.write("e.yaml",
                "name: small\n"
                "data: {format: fashion-mnist, train_limit: 64, validation_fraction: 0.1, validation_limit: 32}\n"
                "space: {file: nas-bench-201.yaml, parameters: {channels: 4, cells: 1}}\n"
                "recipe: {epochs: 1, batch: 16}\n"
                "search: {strategy: random, budget: {trials: 1}}\n"
                "retrain: {top: 1, baseline: none, recipe: {epochs: 1}}\n");
  ::setenv("NETWRIGHT_TORCH", program.c_str(), 1);
  const Outcome run = sandbox.run("run e.yaml");
  ::unsetenv("NETWRIGHT_TORCH");
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_NE(run.err.find("no room"), std::string::npos) << run.err;
  EXPECT_NE(run.out.find("final network: trial 2"), std::string::npos) << run.out;
  for (const char* file : {"model.ckpt", "best.yaml", "report.html"}) {
    EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/small" / file)) << file;
  }
  EXPECT_EQ(sandbox.run("resume small").exit_code, 0) << sandbox.read("err.txt");
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/small/model.ts"));
}
#endif

TEST(Command, AStudyNameThatExistsIsRefusedAndNothingIsWrittenOver) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment("taken", "", 3));
  ASSERT_EQ(sandbox.run("run e.yaml").exit_code, 0) << sandbox.read("err.txt");
  const std::string before = sandbox.read("runs/taken/report.html");
  const Outcome second = sandbox.run("run e.yaml");
  EXPECT_EQ(second.exit_code, 3);
  EXPECT_NE(second.err.find("a study named 'taken' exists"), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("netwright resume taken"), std::string::npos) << second.err;
  EXPECT_EQ(sandbox.read("runs/taken/report.html"), before);
  EXPECT_EQ(sandbox.run("resume absent").exit_code, 3);
  EXPECT_NE(sandbox.read("err.txt").find("taken"), std::string::npos);
}

std::int64_t complete_trials(const Sandbox& sandbox, const std::string& study) {
  const std::string out = sandbox.read("out.txt");
  const Outcome show = sandbox.run("show " + study + " --json");
  const Json document = json_of(show);
  if (!document.is_object() || !document.contains("trials")) return -1;
  return document.at("trials").at("search").value("complete", std::int64_t{0});
}

TEST(Command, KilledAndResumedItLosesNoFinishedTrialAndCountsNoneTwice) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment("killed", "", 40));
  int kills = 0;
  pid_t child = sandbox.start("run e.yaml");
  for (; kills < 3; ++kills) {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    ::kill(child, SIGKILL);  // trainers die with it
    ::waitpid(child, nullptr, 0);
    const std::int64_t before = complete_trials(sandbox, "killed");
    child = sandbox.start("resume killed");
    if (before > 0) {
      EXPECT_TRUE(eventually([&] { return std::filesystem::exists(sandbox.folder() / "err.txt"); }));
    }
  }
  const Outcome end = sandbox.wait(child);
  ASSERT_EQ(end.exit_code, 0) << end.err;
  EXPECT_EQ(end.err.find("not what this version's strategy"), std::string::npos) << end.err;
  EXPECT_EQ(complete_trials(sandbox, "killed"), 40);
}

TEST(Command, ControlCStoresAndPrintsTheResumeCommand) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment("stopped", "", 400));
  const pid_t child = sandbox.start("run e.yaml");
  ASSERT_TRUE(eventually([&] { return sandbox.read("err.txt").find("trial 5 ") != std::string::npos; }));
  ::kill(child, SIGINT);
  const Outcome end = sandbox.wait(child);
  EXPECT_EQ(end.exit_code, 75) << end.err;
  EXPECT_NE(end.err.find("netwright resume stopped"), std::string::npos) << end.err;
  EXPECT_GE(complete_trials(sandbox, "stopped"), 4);
}

TEST(Command, BadInputIsRefusedWithItsPlace) {
  const Sandbox sandbox;
  const auto expect_refused = [&](const std::string& text, const std::string& message) {
    sandbox.write("bad.yaml", text);
    for (const char* verb : {"check", "run"}) {
      const Outcome outcome = sandbox.run(std::string(verb) + " bad.yaml");
      EXPECT_EQ(outcome.exit_code, 3) << text << outcome.err;
      EXPECT_NE(outcome.err.find(message), std::string::npos) << outcome.err;
      EXPECT_NE(outcome.err.find("remedy: "), std::string::npos) << outcome.err;
    }
    EXPECT_FALSE(std::filesystem::exists(sandbox.folder() / "runs"));
  };
  expect_refused(experiment("x", "sead: 1\n"), "bad.yaml:11:1: unknown key 'sead'");
  expect_refused(experiment("x", "name: y\n"), "bad.yaml:11:1: duplicate key 'name'");
  expect_refused(experiment("x", "seed: soon\n"), "bad.yaml:11:7: 'seed' must be an integer");
  expect_refused("a: [1, 2\nb: 3\n", "bad.yaml:2");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int j = 1; j < 10; ++j) bomb += ", " + alias;
    bomb += "]\n";
  }
  expect_refused(bomb, "more than 100000 nodes");
  std::string empty_space = experiment("x");
  empty_space.replace(empty_space.find("{real: [0.0, 0.9]}"), 18, "[]");
  expect_refused(empty_space, "bad.yaml:6:");
  std::string wrong_strategy = experiment("x");
  wrong_strategy.replace(wrong_strategy.find("evolution"), 9, "evolutoin");
  expect_refused(wrong_strategy, "did you mean 'evolution'?");
  expect_refused(experiment("\"a\\0b\\e[31m\""), "the study's name 'a?b?[31m' cannot be a folder's name");
  EXPECT_EQ(sandbox.run("run absent.yaml").exit_code, 3);
}

TEST(Command, WhatATrainerWritesIsShownSafely) {
  const Sandbox sandbox;
  sandbox.write("trainer.py",
                "import json, os, sys\n"
                "print(json.dumps({'type': 'ready'}), flush=True)\n"
                "for line in sys.stdin:\n"
                "  if json.loads(line)['type'] == 'start':\n"
                "    os.write(2, b'caf\\xe9 \\x1b[31m\\r50 %\\n')\n"
                "    os.abort()\n");
  sandbox.write("e.yaml", experiment("raw", "", 2));
  const Outcome run = sandbox.run(
      "run e.yaml --set 'execution.trainer=[/usr/bin/python3, trainer.py]' --set search.budget.failed_trials=0");
  EXPECT_EQ(run.exit_code, 5) << run.err;
  EXPECT_NE(run.err.find("caf? ?[31m?50 %"), std::string::npos) << run.err;
  EXPECT_EQ(run.err.find('\x1b'), std::string::npos) << run.err;
  const Json shown = json_of(sandbox.run("show raw 1 --json"));
  ASSERT_TRUE(shown.is_object()) << sandbox.read("err.txt");
  EXPECT_NE(shown.at("trial").at("message").get<std::string>().find("caf? "), std::string::npos);
}

TEST(Command, AFolderInThePlaceOfTheStudysIsRefused) {
  const Sandbox sandbox;
  std::filesystem::create_directories(sandbox.folder() / "runs/mine");
  sandbox.write("e.yaml", experiment("mine", "", 3));
  sandbox.write("runs/mine/thesis.txt", "years of work");
  const Outcome outcome = sandbox.run("run e.yaml");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_NE(outcome.err.find("runs/mine: "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("remedy: move it away"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("resume"), std::string::npos) << "there is no study to resume: " << outcome.err;
  EXPECT_EQ(sandbox.read("runs/mine/thesis.txt"), "years of work");
}

TEST(Command, ATrainerThatIsNotThereIsRefusedBeforeTheStudyIsMade) {
  const Sandbox sandbox;
  for (const char* program : {"/absent/trainer", "no-such-trainer", "./e.yaml", "/tmp"}) {
    sandbox.write("e.yaml", experiment("x") + "# \n");
    const std::string set = std::string(" --set execution.trainer=") + program;
    for (const char* verb : {"check", "run"}) {
      const Outcome outcome = sandbox.run(verb + std::string(" e.yaml") + set);
      EXPECT_EQ(outcome.exit_code, 3) << program << outcome.err;
      EXPECT_NE(outcome.err.find("--set execution.trainer:1:1"), std::string::npos) << outcome.err;
      EXPECT_NE(outcome.err.find(program), std::string::npos) << outcome.err;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(sandbox.folder() / "runs"));
}

TEST(Command, TooManyFailuresAreExplainedAndTheStudyGoesOnOnceMended) {
  const Sandbox sandbox;
  sandbox.write("trainer.sh",
                "#!/bin/sh\n"
                "[ -e mended ] && exec /usr/bin/python3 " NETWRIGHT_SOURCE_DIR
                "/examples/trainer.py\n"
                "echo '{\"type\": \"ready\"}'\n"
                "while read -r line; do\n"
                "  trial=$(echo \"$line\" | sed -n 's/.*\"trial\":\\([0-9]*\\).*/\\1/p')\n"
                "  [ -z \"$trial\" ] || echo \"{\\\"type\\\": \\\"finished\\\", \\\"trial\\\": $trial, "
                "\\\"state\\\": \\\"failed\\\", \\\"message\\\": \\\"no disk\\\"}\"\n"
                "done\n");
  sandbox.write("e.yaml", experiment("failing", "", 20));
  const Outcome run = sandbox.run(
      "run e.yaml --set 'execution.trainer=[/bin/sh, trainer.sh]' --set search.budget.failed_trials=2"
      " --set storage=elsewhere.db");
  EXPECT_EQ(run.exit_code, 5) << run.err;
  EXPECT_NE(run.err.find("no disk"), std::string::npos) << run.err;
  EXPECT_EQ(run.out.find("report.html"), std::string::npos) << "there is none: " << run.out;
  const std::string command = "resume failing --storage " + (sandbox.folder() / "elsewhere.db").string();
  EXPECT_NE(run.err.find("'netwright " + command + "'"), std::string::npos) << run.err;
  sandbox.write("mended", "");
  const Outcome resumed = sandbox.run(command);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("report.html"), std::string::npos) << resumed.out;

  // What is complete needs no trainer any more.
  std::filesystem::remove(sandbox.folder() / "trainer.sh");
  std::filesystem::remove(sandbox.folder() / "runs/failing/report.html");
  EXPECT_EQ(sandbox.run(command).exit_code, 0) << sandbox.read("err.txt");
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/failing/report.html"));
}

TEST(Command, AStudyKilledWhileItWasMadeCanBeResumed) {
  const Sandbox sandbox;
  sandbox.write("e.yaml", experiment("early", "", 400));
  const pid_t child = sandbox.start("run e.yaml");
  ASSERT_TRUE(eventually([&] { return sandbox.read("err.txt").find("trial 2 ") != std::string::npos; }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  std::filesystem::remove_all(sandbox.folder() / "runs/early");  // the storage alone is left
  const pid_t again = sandbox.start("resume early");
  EXPECT_TRUE(eventually([&] { return sandbox.read("err.txt").find("trial 9 ") != std::string::npos; }));
  ::kill(again, SIGINT);
  EXPECT_EQ(sandbox.wait(again).exit_code, 75);
  EXPECT_TRUE(std::filesystem::exists(sandbox.folder() / "runs/early/experiment.yaml"));
}

TEST(Command, UnwritablePlacesAreRefused) {
  const Sandbox sandbox;
  sandbox.write("file", "not a folder");
  sandbox.write("e.yaml", experiment("x", "runs: file/below\n"));
  const Outcome outcome = sandbox.run("run e.yaml");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("file/below"), std::string::npos) << outcome.err;
  sandbox.write("e.yaml", experiment("x", "runs: /proc/netwright\n"));  // read-only even for root
  EXPECT_EQ(sandbox.run("run e.yaml").exit_code, 3) << sandbox.read("err.txt");
}

}  // namespace
}  // namespace netwright
