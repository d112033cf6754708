// netwright-torch trainer from outside, by the trial protocol.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "netwright/base/file.h"
#include "netwright/trial/protocol.h"
#include "train/example.h"

extern char** environ;

namespace netwright {
namespace {

namespace fs = std::filesystem;

// A trainer as a child process; stderr goes to a file.
class TrainerProcess {
 public:
  TrainerProcess(const std::string& program, const std::string& log) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    std::string name = program, verb = "trainer";
    char* arguments[] = {name.data(), verb.data(), nullptr};
    const int error = ::posix_spawn(&child_, name.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = ::fdopen(out[0], "r");
    if (error != 0) throw std::runtime_error("cannot start " + program);
  }
  ~TrainerProcess() {
    close_input();
    std::fclose(from_);
    if (child_ > 0) wait();
  }

  void send_line(const std::string& line) {
    const std::string text = line + "\n";
    ASSERT_EQ(::write(to_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void send(const Command& command) { send_line(to_line(command)); }

  // Every line must be a report: nothing else may come out of stdout.
  Report read() {
    char* line = nullptr;
    std::size_t capacity = 0;
    const ssize_t length = ::getline(&line, &capacity, from_);
    std::string text(line == nullptr ? "" : line, length > 0 ? static_cast<std::size_t>(length) - 1 : 0);
    std::free(line);
    if (length <= 0) throw std::runtime_error("the trainer closed its stdout");
    return report_from_line(text);
  }
  template <class T>
  T read_as() {
    return std::get<T>(read());
  }

  void close_input() {
    if (to_ >= 0) ::close(to_);
    to_ = -1;
  }
  int wait() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t child_ = 0;
  int to_ = -1;
  FILE* from_ = nullptr;
};

class Trainer : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    program_ = NETWRIGHT_BINARY_DIR "/netwright-torch";
    if (!file_exists(program_)) GTEST_SKIP() << program_ << " has not been built";
    std::string pattern = (fs::temp_directory_path() / "netwright-trainer-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    write_table();
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // Three classes that lines tell apart.
  void write_table() const {
    std::ofstream table(folder_ + "/table.csv");
    table << "a,b,kind\n";
    Random random(3);
    for (int i = 0; i < 150; ++i) {
      const double a = random.uniform() + i % 3, b = random.uniform();
      table << a << ',' << b << ",k" << i % 3 << '\n';
    }
  }

  Hello hello() const {
    Hello hello;
    hello.study = "test";
    hello.folder = folder_;
    hello.data.format = "csv";
    hello.data.path = folder_ + "/table.csv";
    hello.data.validation_fraction = 0.3;
    return hello;
  }

  static Network network() {
    Network network;
    network.input = {2, 0, 0};
    network.classes = 3;
    network.graph.inputs = {"input"};
    network.graph.nodes = {testing::make_node("hidden", "dense", {0}, {{"features", std::int64_t{16}}}),
                           testing::make_node("head", "classifier", {1}, {{"features", std::int64_t{3}}})};
    network.graph.output = 2;
    return network;
  }

  Start start(std::int64_t trial, double epochs) const {
    Start start;
    start.trial = trial;
    start.network = network();
    start.recipe = Recipe();
    start.recipe->epochs = epochs;
    start.recipe->batch = 16;
    start.recipe->optimizer.learning_rate = 0.1;
    start.seed = 5;
    start.fidelity = epochs;
    start.folder = folder_ + "/trials/" + std::to_string(trial);
    return start;
  }

  TrainerProcess launch() const { return TrainerProcess(program_, folder_ + "/stderr"); }

  // Answers every measurement with Continue until the trial has finished.
  static Finished follow(TrainerProcess& trainer, std::vector<Measurement>* measurements = nullptr) {
    while (true) {
      const Report report = trainer.read();
      if (const auto* finished = std::get_if<Finished>(&report)) return *finished;
      if (measurements != nullptr) measurements->push_back(std::get<Measured>(report).measurement);
      trainer.send(Continue{});
    }
  }

  std::string folder_;
  std::string program_;
};

TEST_F(Trainer, TrainsKeepsAndTests) {
  auto trainer = launch();
  trainer.send(hello());
  const auto ready = trainer.read_as<Ready>();
  EXPECT_EQ(ready.input, (Shape{2, 0, 0}));
  EXPECT_EQ(ready.classes, 3);
  EXPECT_GT(ready.about.at("training").get<int>(), 0);
  EXPECT_TRUE(ready.about.contains("torch"));

  Start first = start(1, 4);
  first.keep_checkpoint = true;
  first.measure_latency = true;
  trainer.send(first);
  std::vector<Measurement> measurements;
  const Finished finished = follow(trainer, &measurements);
  EXPECT_EQ(finished.state, TrialState::complete) << finished.message;
  ASSERT_EQ(measurements.size(), 4U);
  EXPECT_EQ(measurements.back().fidelity, 4);
  EXPECT_GT(measurements.back().metrics.at("accuracy"), 0.7);
  EXPECT_EQ(measurements.back().metrics.at("parameters"), 2 * 16 + 16 + 16 * 3 + 3);
  EXPECT_GT(measurements.back().metrics.at("macs"), 0);
  EXPECT_GT(measurements.back().metrics.at("latency_ms"), 0);
  EXPECT_TRUE(file_exists(finished.checkpoint));

  trainer.send(netwright::Test{1, finished.checkpoint});
  const auto tested = trainer.read_as<Finished>();
  EXPECT_EQ(tested.state, TrialState::complete) << tested.message;
  EXPECT_GT(tested.metrics.at("test_accuracy").get<double>(), 0.7);
  EXPECT_TRUE(tested.metrics.contains("test_loss"));
  EXPECT_TRUE(tested.metrics.contains("test_top5"));
  EXPECT_EQ(tested.metrics.at("confusion").size(), 3U);

  trainer.send(start(2, 1));
  EXPECT_EQ(follow(trainer).state, TrialState::complete);
  trainer.send(Quit{});
  EXPECT_EQ(trainer.wait(), 0);
}

TEST_F(Trainer, StopsPausedAndGoesOnToTheSameNetwork) {
  auto trainer = launch();
  trainer.send(hello());
  trainer.read_as<Ready>();

  Start straight = start(1, 4);
  straight.keep_checkpoint = true;
  trainer.send(straight);
  std::vector<Measurement> all;
  follow(trainer, &all);

  trainer.send(start(2, 4));
  trainer.read_as<Measured>();
  trainer.send(Continue{});
  trainer.read_as<Measured>();
  trainer.send(Stop{});
  const auto paused = trainer.read_as<Finished>();
  EXPECT_EQ(paused.state, TrialState::paused);
  ASSERT_TRUE(file_exists(paused.checkpoint));

  Start rest = start(2, 4);
  rest.checkpoint = paused.checkpoint;
  trainer.send(rest);
  std::vector<Measurement> later;
  EXPECT_EQ(follow(trainer, &later).state, TrialState::complete);
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later.back().metrics, all.back().metrics);
}

TEST_F(Trainer, StopAtAnyTimePausesSoon) {
  auto trainer = launch();
  trainer.send(hello());
  trainer.read_as<Ready>();
  Start endless = start(1, 1e5);
  endless.recipe->train_fraction = 0.5;
  trainer.send(endless);
  trainer.read_as<Measured>();
  trainer.send(Continue{});
  trainer.send(Stop{});
  Report report = trainer.read();
  while (std::holds_alternative<Measured>(report)) report = trainer.read();
  EXPECT_EQ(std::get<Finished>(report).state, TrialState::paused);
}

TEST_F(Trainer, FailuresAreTheTrialsOwn) {
  auto trainer = launch();
  trainer.send(hello());
  trainer.read_as<Ready>();

  Start wrong = start(1, 1);
  wrong.network->input = {7, 0, 0};
  trainer.send(wrong);
  auto finished = trainer.read_as<Finished>();
  EXPECT_EQ(finished.state, TrialState::failed);
  EXPECT_EQ(finished.reason, "error");
  EXPECT_NE(finished.message.find("7"), std::string::npos) << finished.message;

  Start wild = start(2, 20);
  wild.recipe->optimizer.learning_rate = 1e6;
  trainer.send(wild);
  finished = follow(trainer);
  EXPECT_EQ(finished.state, TrialState::failed);
  EXPECT_EQ(finished.reason, "nan");

  Start huge = start(3, 1);
  huge.network->graph.nodes[0].parameters["features"] = std::int64_t{1} << 44;
  trainer.send(huge);
  finished = trainer.read_as<Finished>();
  EXPECT_EQ(finished.state, TrialState::failed);
  EXPECT_EQ(finished.trial, 3);

  trainer.send(netwright::Test{4, folder_ + "/absent.ckpt"});
  EXPECT_EQ(trainer.read_as<Finished>().state, TrialState::failed);

  trainer.send(start(5, 1));
  EXPECT_EQ(follow(trainer).state, TrialState::complete);
}

TEST_F(Trainer, DamagedCheckpointFallsBackToTheOneBefore) {
  auto trainer = launch();
  trainer.send(hello());
  trainer.read_as<Ready>();
  Start first = start(1, 1);
  first.recipe->epochs = 3;
  first.keep_checkpoint = true;
  trainer.send(first);
  const std::string checkpoint = follow(trainer).checkpoint;
  Start second = first;
  second.fidelity = 2;
  second.checkpoint = checkpoint;
  trainer.send(second);
  follow(trainer);
  std::string bytes = read_file(checkpoint);
  bytes[bytes.size() - 1] ^= 1;
  std::ofstream(checkpoint, std::ios::binary) << bytes;

  Start third = second;
  third.fidelity = 3;
  trainer.send(third);
  std::vector<Measurement> measurements;
  EXPECT_EQ(follow(trainer, &measurements).state, TrialState::complete);
  EXPECT_EQ(measurements.size(), 2U);  // epochs 2 and 3: it went on from epoch 1
  EXPECT_NE(read_file(folder_ + "/stderr").find("warning"), std::string::npos);

  std::ofstream(checkpoint, std::ios::binary) << "nothing";
  std::ofstream(checkpoint + ".previous", std::ios::binary) << "nothing";
  trainer.send(third);
  EXPECT_EQ(trainer.read_as<Finished>().reason, "error");
}

TEST_F(Trainer, EndsWhenStdinCloses) {
  auto idle = launch();
  idle.send(hello());
  idle.read_as<Ready>();
  idle.close_input();
  EXPECT_EQ(idle.wait(), 0);

  auto busy = launch();
  busy.send(hello());
  busy.read_as<Ready>();
  busy.send(start(1, 1e5));
  busy.read_as<Measured>();
  busy.close_input();
  busy.wait();
}

TEST_F(Trainer, UnreadableDataAndLinesAreTold) {
  auto lost = launch();
  Hello nowhere = hello();
  nowhere.data.path = folder_ + "/absent.csv";
  lost.send(nowhere);
  const auto finished = lost.read_as<Finished>();
  EXPECT_EQ(finished.trial, 0);
  EXPECT_NE(finished.message.find("absent.csv"), std::string::npos);
  EXPECT_EQ(lost.wait(), 3);

  auto confused = launch();
  confused.send_line("good morning");
  EXPECT_EQ(confused.wait(), 1);
  EXPECT_NE(read_file(folder_ + "/stderr").find("good morning"), std::string::npos);
}

}  // namespace
}  // namespace netwright
