// Where trainers run.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "netwright/trial/protocol.h"

namespace netwright {

// What became of a slot.
struct SlotReady {
  Ready ready;
};  // its trainer has answered Hello
struct SlotReport {
  Report report;
};                      // Measured or Finished
struct SlotDied {       // the trainer is gone or silent beyond the time limit; a new one is started by itself
  std::string reason;   // crash, timeout, oom, protocol
  std::string message;  // signal or exit status, last lines of its stderr
};

struct FleetEvent {
  int slot = 0;
  std::variant<SlotReady, SlotReport, SlotDied> what;
};

class Fleet {
 public:
  virtual ~Fleet() = default;
  virtual int slots() const = 0;
  // Sends a command to a slot's trainer. Start and Test need an idle, ready slot.
  virtual void send(int slot, const Command& command) = 0;
  // Waits at most `seconds` and returns what happened, possibly nothing.
  virtual std::vector<FleetEvent> poll(double seconds) = 0;
  // Ends every trainer: Quit, then after a grace period SIGTERM, then SIGKILL. Called by the destructor too.
  virtual void shutdown() = 0;
};

struct ProcessFleetOptions {
  std::vector<std::string> command;  // program and arguments of the trainer
  int workers = 1;
  Hello hello;                    // sent to every new trainer
  double silence_seconds = 3600;  // a trainer that says nothing for so long while it has a trial is killed: timeout
  double start_seconds = 120;     // time to answer Hello
  double grace_seconds = 5;
  std::string log_folder;  // stderr of each trainer is appended to trainer-<slot>.log there; empty: it is ours
  std::size_t max_line_bytes = std::size_t{1} << 20;  // a trainer that writes a longer line is ended: protocol
};

// N trainer processes on this machine. Each gets OMP_NUM_THREADS etc. of hello.threads, its own process group, and dies
// with us (PR_SET_PDEATHSIG): make and poll the fleet from a thread that lives as long as it. Throws Error when the
// program cannot be started at all. poll() hands out the reports that came before a trainer's end before that end; it
// throws Error when a trainer ends three times in a row without having been ready, or answers hello with `finished`,
// trial 0 (ExitCode::invalid where its reason is "invalid"). A Continue or Stop for a slot without a trial is dropped.
std::unique_ptr<Fleet> make_process_fleet(ProcessFleetOptions options);

}  // namespace netwright
