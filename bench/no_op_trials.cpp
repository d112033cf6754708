// What a trial costs apart from its training: proposal, two durable commits, placing, telling.
//
//   build/bench_no_op_trials [TRIALS] [DATABASE]     default 10000 trials, a database in the present folder
//
// The fleet answers at once and trains nothing; study, strategy and SQLite are the real ones.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <string>

#include "netwright/fleet/fleet.h"
#include "netwright/study/study.h"

namespace netwright {
namespace {

class InstantFleet : public Fleet {
 public:
  InstantFleet() { events_.push_back({0, SlotReady{}}); }
  int slots() const override { return 1; }
  void send(int slot, const Command& command) override {
    const auto* start = std::get_if<Start>(&command);
    if (start == nullptr) return;
    Measured measured;
    measured.trial = start->trial;
    measured.measurement = {start->fidelity, 0, {{"accuracy", 0.5}}};
    Finished finished;
    finished.trial = start->trial;
    events_.push_back({slot, SlotReport{measured}});
    events_.push_back({slot, SlotReport{finished}});
  }
  std::vector<FleetEvent> poll(double) override {
    std::vector<FleetEvent> events(events_.begin(), events_.end());
    events_.clear();
    return events;
  }
  void shutdown() override {}

 private:
  std::deque<FleetEvent> events_;
};

class Quiet : public StudyObserver {
 public:
  void phase(const std::string&, std::int64_t) override {}
  void trial_changed(const Trial&) override {}
  void note(const std::string& text) override { std::fprintf(stderr, "note: %s\n", text.c_str()); }
};

double run(const std::string& trials, const std::string& database) {
  const Experiment experiment = parse_experiment(
      parse_yaml("name: no-op\nspace: {name: line, choices: {x: {real: [0, 1]}, y: {real: [0, 1]}, kind: [a, b, c]}}\n"
                 "search: {strategy: {name: evolution, population: 50, tournament: 5}, budget: {trials: " +
                     trials + "}}\nretrain: false\nexecution: {trainer: [none]}\n",
                 "no_op_trials"));
  const SearchSpace space = make_space(experiment, std::nullopt, std::nullopt);
  const auto storage = open_storage(database);
  StudyRecord record;
  record.name = experiment.name;
  record.state = "searching";
  record.experiment = experiment.full_text;
  storage->create_study(record);
  InstantFleet fleet;
  Quiet observer;
  std::atomic<int> interrupts{0};
  const auto begin = std::chrono::steady_clock::now();
  run_study({experiment, space, *storage, fleet, observer, ".", interrupts});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace
}  // namespace netwright

int main(int argc, char** argv) {
  const std::string trials = argc > 1 ? argv[1] : "10000";
  const std::string database = argc > 2 ? argv[2] : "no_op_trials.db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database + suffix);
  const double seconds = netwright::run(trials, database);
  const double count = std::atof(trials.c_str());
  std::printf("%s trials in %.2f s: %.3f ms a trial\n", trials.c_str(), seconds, 1e3 * seconds / count);
  return 0;
}
