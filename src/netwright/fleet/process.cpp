// The fleet of local processes. One poll() is a loop of: start what is due, read and judge what came, look at clocks,
// and wait for the next of these.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <thread>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"
#include "netwright/fleet/child_process.h"
#include "netwright/fleet/fleet.h"

namespace netwright {
namespace {

constexpr int most_failed_starts = 3;      // in a row, until the run is given up
constexpr double quick_death_seconds = 1;  // a trainer that lives shorter is not started again at once
constexpr double first_backoff = 0.1;      // seconds, doubled with each such death
constexpr double longest_backoff = 10;     // seconds
constexpr double closing_seconds = 0.5;    // a trainer that has closed its stdout is given so long to end
constexpr double look_seconds = 0.5;       // how often ends are looked for that no closed pipe tells of
constexpr double closing_look_seconds = 0.005;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// How many processes the kernel has killed for want of memory: of our control group, or of the machine.
std::uint64_t count_oom_kills() {
  std::uint64_t total = 0;
  for (const char* path : {"/sys/fs/cgroup/memory.events", "/proc/vmstat"}) {
    std::ifstream file(path);
    std::string key;
    std::uint64_t value = 0;
    while (file >> key >> value) {
      if (key == "oom_kill") total += value;
    }
  }
  return total;
}

struct Slot {
  enum class State { down, starting, idle, busy, closing };

  State state = State::down;
  std::unique_ptr<ChildProcess> child;  // null while down
  std::int64_t trial = 0;               // while busy
  double began = 0;                     // the process
  double heard = 0;                     // last sign of life, or when we last gave it something to do
  double closed = 0;                    // its stdout
  double restart = 0;                   // while down
  bool ready = false;                   // the process has answered hello
  int failed_starts = 0;                // in a row
  int quick_deaths = 0;                 // in a row
};

class ProcessFleet : public Fleet {
 public:
  explicit ProcessFleet(ProcessFleetOptions options) : options_(std::move(options)), oom_kills_(count_oom_kills()) {
    if (!options_.log_folder.empty()) make_folders(options_.log_folder);
    slots_.resize(static_cast<std::size_t>(std::max(1, options_.workers)));
    for (std::size_t i = 0; i < slots_.size(); ++i) start(i);
  }

  ~ProcessFleet() override { shutdown(); }

  int slots() const override { return static_cast<int>(slots_.size()); }
  void send(int slot, const Command& command) override;
  std::vector<FleetEvent> poll(double seconds) override;
  void shutdown() override;

 private:
  void start(std::size_t number);
  void look_after(std::size_t number);
  void read(std::size_t number);
  void judge(std::size_t number, const std::string& line);
  void accept(std::size_t number, Report report);
  void check_clocks(std::size_t number);
  void kill(std::size_t number, const std::string& reason, const std::string& message);
  void ended_by_itself(std::size_t number);
  void died(std::size_t number, const std::string& reason, const std::string& message);
  bool wait(double until);
  double next_look(const Slot& slot) const;
  void add_event(std::size_t number, std::variant<SlotReady, SlotReport, SlotDied> what) {
    events_.push_back({static_cast<int>(number), std::move(what)});
  }

  ProcessFleetOptions options_;
  std::vector<Slot> slots_;
  std::vector<FleetEvent> events_;  // not yet handed out
  std::optional<Error> fatal_;      // thrown once the events are handed out
  std::uint64_t oom_kills_;
  bool shut_down_ = false;
};

void ProcessFleet::start(std::size_t number) {
  Slot& slot = slots_[number];
  const std::string threads = std::to_string(options_.hello.threads);
  ChildOptions child;
  child.command = options_.command;
  child.environment = {{"OMP_NUM_THREADS", threads}, {"OPENBLAS_NUM_THREADS", threads}, {"MKL_NUM_THREADS", threads}};
  // Threads that spin while they wait slow every other trainer down, and on a shared machine their own by several
  // times.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) child.environment.emplace_back("OMP_WAIT_POLICY", "passive");
  child.max_line_bytes = options_.max_line_bytes;
  if (!options_.log_folder.empty()) {
    child.log_path = options_.log_folder + "/trainer-" + std::to_string(number) + ".log";
  }
  slot.child = std::make_unique<ChildProcess>(std::move(child));
  slot.state = Slot::State::starting;
  slot.ready = false;
  slot.began = slot.heard = now();
  slot.child->queue(to_line(options_.hello));
  slot.child->write_queued();
}

void ProcessFleet::send(int slot_number, const Command& command) {
  Slot& slot = slots_.at(static_cast<std::size_t>(slot_number));
  const auto* start = std::get_if<Start>(&command);
  const auto* test = std::get_if<Test>(&command);
  if (start != nullptr || test != nullptr) {
    if (slot.state != Slot::State::idle) throw std::logic_error("a trial was sent to a slot that is not ready");
    slot.state = Slot::State::busy;
    slot.trial = start != nullptr ? start->trial : test->trial;
  } else if (!std::holds_alternative<Continue>(command) && !std::holds_alternative<Stop>(command)) {
    throw std::logic_error("the fleet itself sends hello and quit");
  } else if (slot.state != Slot::State::busy) {
    return;  // its trial has ended meanwhile
  }
  slot.heard = now();
  slot.child->queue(to_line(command));
  slot.child->write_queued();
}

std::vector<FleetEvent> ProcessFleet::poll(double seconds) {
  const double until = now() + seconds;
  while (!shut_down_) {
    for (std::size_t i = 0; i < slots_.size() && !fatal_; ++i) look_after(i);
    if (!events_.empty()) break;
    if (fatal_) throw *fatal_;
    if (now() >= until) break;
    if (!wait(until)) break;
  }
  return std::exchange(events_, {});
}

// Everything about one slot that is due now.
void ProcessFleet::look_after(std::size_t number) {
  Slot& slot = slots_[number];
  if (slot.state == Slot::State::down) {
    if (now() < slot.restart) return;
    start(number);
  }
  slot.child->write_queued();
  read(number);
  if (slot.child == nullptr) return;
  if (slot.child->has_ended()) {
    read(number);  // what it wrote before its end
    if (slot.child != nullptr) ended_by_itself(number);
    return;
  }
  check_clocks(number);
}

void ProcessFleet::read(std::size_t number) {
  Slot& slot = slots_[number];
  const auto output = slot.child->read_available();
  while (auto line = slot.child->next_line()) {
    judge(number, *line);
    if (slot.child == nullptr) return;
  }
  if (output == ChildProcess::Output::line_too_long) {
    kill(number, "protocol", "it wrote a line longer than " + std::to_string(options_.max_line_bytes) + " bytes");
  } else if (output == ChildProcess::Output::closed && slot.state != Slot::State::closing) {
    slot.state = Slot::State::closing;
    slot.closed = now();
  }
}

void ProcessFleet::judge(std::size_t number, const std::string& line) {
  slots_[number].heard = now();
  try {
    accept(number, report_from_line(line));
  } catch (const Error& error) {
    kill(number, "protocol", error.problem());
  }
}

// Whether a report is in its place decides between an event and the end of the trainer.
void ProcessFleet::accept(std::size_t number, Report report) {
  Slot& slot = slots_[number];
  const auto* finished = std::get_if<Finished>(&report);
  const auto* measured = std::get_if<Measured>(&report);
  if (slot.state == Slot::State::starting) {
    if (auto* ready = std::get_if<Ready>(&report)) {
      slot.state = Slot::State::idle;
      slot.ready = true;
      add_event(number, SlotReady{std::move(*ready)});
      return;
    }
    if (finished != nullptr && finished->trial == 0 && finished->state == TrialState::failed) {
      // It cannot work at all, e.g. for bad data; another one could not either. The message may hold its own remedy.
      const std::string mark = "\n  remedy: ";
      const auto split = finished->message.find(mark);
      fatal_.emplace(finished->reason == "invalid" ? ExitCode::invalid : ExitCode::failure,
                     finished->message.empty() ? "the trainer refused to start" : finished->message.substr(0, split),
                     split == std::string::npos ? "" : finished->message.substr(split + mark.size()));
      return;
    }
    return kill(number, "protocol", "its first message was not 'ready'");
  }
  const std::int64_t trial = finished != nullptr ? finished->trial : measured != nullptr ? measured->trial : -1;
  if (slot.state != Slot::State::busy || trial != slot.trial) {
    return kill(number, "protocol",
                trial < 0 ? "it wrote 'ready' twice"
                          : "it reported on trial " + std::to_string(trial) +
                                (slot.state == Slot::State::busy ? " while it had trial " + std::to_string(slot.trial)
                                                                 : " while it had none"));
  }
  if (finished != nullptr) slot.state = Slot::State::idle;
  add_event(number, SlotReport{std::move(report)});
}

void ProcessFleet::check_clocks(std::size_t number) {
  const Slot& slot = slots_[number];
  const double time = now();
  if (slot.state == Slot::State::starting && time - slot.began > options_.start_seconds) {
    kill(number, "timeout", "it was not ready within " + human_seconds(options_.start_seconds));
  } else if (slot.state == Slot::State::busy && time - slot.heard > options_.silence_seconds) {
    kill(number, "timeout", "it said nothing for " + human_seconds(options_.silence_seconds));
  } else if (slot.state == Slot::State::closing && time - slot.closed > closing_seconds) {
    kill(number, "protocol", "it closed its standard output");
  }
}

void ProcessFleet::kill(std::size_t number, const std::string& reason, const std::string& message) {
  ChildProcess& child = *slots_[number].child;
  child.signal_group(SIGKILL);
  if (!child.has_ended()) child.reap();
  died(number, reason, "the trainer was ended because " + message);
}

void ProcessFleet::ended_by_itself(std::size_t number) {
  const ChildProcess& child = *slots_[number].child;
  const std::uint64_t kills = count_oom_kills();
  const bool oom = child.ending_signal() == SIGKILL && kills > oom_kills_;
  oom_kills_ = kills;
  died(number, oom ? "oom" : "crash",
       "the trainer ended with " + child.how_it_ended() + (oom ? ": out of memory" : ""));
}

// The slot's process is gone: tells it, and decides when the next one starts.
void ProcessFleet::died(std::size_t number, const std::string& reason, const std::string& message) {
  Slot& slot = slots_[number];
  const std::string errors = slot.child->last_errors();
  const std::string full = message + (errors.empty() ? "" : "\nlast lines of its stderr:\n" + errors);
  slot.quick_deaths = now() - slot.began < quick_death_seconds ? slot.quick_deaths + 1 : 0;
  slot.failed_starts = slot.ready ? 0 : slot.failed_starts + 1;
  slot.child.reset();
  slot.state = Slot::State::down;
  slot.restart = now();
  const int bad_ends = std::max(slot.quick_deaths, slot.failed_starts);
  if (bad_ends > 1) slot.restart += std::min(longest_backoff, first_backoff * std::exp2(bad_ends - 2));
  add_event(number, SlotDied{reason, full});
  if (slot.failed_starts >= most_failed_starts) {
    fatal_.emplace(ExitCode::failure,
                   "the trainer '" + options_.command.front() + "' failed to start " +
                       std::to_string(most_failed_starts) + " times; the last time: " + full,
                   "run the trainer by hand to see why: " + join(options_.command, " "));
  }
}

// When something is due for the slot even if no pipe stirs.
double ProcessFleet::next_look(const Slot& slot) const {
  const double time = now();
  switch (slot.state) {
    case Slot::State::down:
      return slot.restart;
    case Slot::State::starting:
      return std::min(time + look_seconds, slot.began + options_.start_seconds);
    case Slot::State::idle:
      return time + look_seconds;
    case Slot::State::busy:
      return std::min(time + look_seconds, slot.heard + options_.silence_seconds);
    case Slot::State::closing:
      return time + closing_look_seconds;
  }
  return time;
}

// False when a signal came: the caller may want to do something about it.
bool ProcessFleet::wait(double until) {
  std::vector<pollfd> files;
  for (const auto& slot : slots_) {
    until = std::min(until, next_look(slot));
    if (slot.child == nullptr) continue;
    if (slot.child->output() >= 0) files.push_back({slot.child->output(), POLLIN, 0});
    if (slot.child->has_queued()) files.push_back({slot.child->input(), POLLOUT, 0});
  }
  const double milliseconds = std::ceil(1000 * std::max(0.0, until - now()));
  return ::poll(files.data(), files.size(), static_cast<int>(std::min(milliseconds, 1e6))) >= 0 || errno != EINTR;
}

void ProcessFleet::shutdown() {
  if (shut_down_) return;
  shut_down_ = true;
  std::vector<std::unique_ptr<ChildProcess>> children;
  for (auto& slot : slots_) {
    slot.state = Slot::State::down;
    if (slot.child == nullptr) continue;
    slot.child->queue(to_line(Quit{}));
    children.push_back(std::move(slot.child));
  }
  // Waits for all of them together; what they still write is read, so that none hangs in writing.
  const auto wait_for_ends = [&children](double seconds) {
    const double until = now() + seconds;
    while (true) {
      std::erase_if(children, [](const auto& child) { return child->has_ended(); });
      if (children.empty() || now() >= until) return;
      for (auto& child : children) {
        child->write_queued();
        if (!child->has_queued()) child->close_input();
        child->read_available();
        while (child->next_line()) {
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  wait_for_ends(options_.grace_seconds);
  for (const auto& child : children) child->signal_group(SIGTERM);
  wait_for_ends(std::min(1.0, options_.grace_seconds));
  children.clear();  // kills the rest
}

}  // namespace

std::unique_ptr<Fleet> make_process_fleet(ProcessFleetOptions options) {
  return std::make_unique<ProcessFleet>(std::move(options));
}

}  // namespace netwright
