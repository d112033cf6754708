// A fleet without processes: evaluates a trial by a function, in the order and at the pace the test wants.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "netwright/fleet/fleet.h"
#include "netwright/study/study.h"

namespace netwright {

class FakeFleet : public Fleet {
 public:
  using Evaluate = std::function<std::vector<Report>(const Start&)>;

  FakeFleet(int slots, Evaluate evaluate) : slots_(slots), evaluate_(std::move(evaluate)) {
    for (int slot = 0; slot < slots; ++slot) events_.push_back({slot, SlotReady{}});
  }

  int slots() const override { return slots_; }

  void send(int slot, const Command& command) override {
    if (const auto* start = std::get_if<Start>(&command)) {
      started.push_back(*start);
      for (const auto& report : evaluate_(*start)) events_.push_back({slot, SlotReport{report}});
    } else if (const auto* test = std::get_if<Test>(&command)) {
      tested.push_back(test->trial);
      Finished finished;
      finished.trial = test->trial;
      finished.metrics = {{"test_accuracy", 0.5 + 0.001 * static_cast<double>(test->trial)}};
      events_.push_back({slot, SlotReport{finished}});
    } else if (std::holds_alternative<Stop>(command)) {
      ++stops;
    }
  }

  std::vector<FleetEvent> poll(double) override {
    if (before_poll) before_poll();
    if (events_.empty()) return {};
    // One at a time: the order of events is the order of sending.
    FleetEvent event = events_.front();
    events_.pop_front();
    return {event};
  }

  void shutdown() override {}
  void inject(FleetEvent event) { events_.push_front(std::move(event)); }

  std::vector<Start> started;
  std::vector<std::int64_t> tested;
  int stops = 0;
  std::function<void()> before_poll;

 private:
  int slots_;
  Evaluate evaluate_;
  std::deque<FleetEvent> events_;
};

// A trainer whose accuracy depends on the configuration alone.
inline std::vector<Report> instant_reports(const Start& start) {
  double accuracy = 0.1;
  for (const auto& [name, value] : start.configuration.values()) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) accuracy += 0.01 * static_cast<double>(*integer);
    if (const auto* real = std::get_if<double>(&value)) accuracy += 0.1 * *real;
  }
  Measured measured;
  measured.trial = start.trial;
  measured.measurement = {start.fidelity, 0.001, {{"accuracy", accuracy}, {"loss", 1 - accuracy}}};
  Finished finished;
  finished.trial = start.trial;
  if (start.keep_checkpoint) finished.checkpoint = "trials/" + std::to_string(start.trial) + "/model.ckpt";
  return {measured, finished};
}

class SilentObserver : public StudyObserver {
 public:
  void phase(const std::string& name, std::int64_t) override { phases.push_back(name); }
  void trial_changed(const Trial& trial) override { ends[trial.id] += is_finished(trial.state) ? 1 : 0; }
  void note(const std::string& text) override { notes.push_back(text); }
  std::vector<std::string> phases;
  std::vector<std::string> notes;
  std::map<std::int64_t, int> ends;  // times that a trial was shown as finished
};

}  // namespace netwright
