// Places trials on the fleet's slots and follows each to its end: measurements, retries after a crash, pausing on an
// interrupt.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "netwright/study/study.h"

namespace netwright {

// Work for one free slot.
struct Job {
  Trial* trial = nullptr;
  Command command;            // Start or Test
  bool start_stored = false;  // the trial is already stored as running: one commit less
};

// Where the work comes from: the search, the retraining, the tests.
class JobSource {
 public:
  virtual ~JobSource() = default;
  // The next job for a free slot; nullopt when there is none now. Asked again after every event.
  virtual std::optional<Job> next() = 0;
  // A measurement has been added to the trial; false stops it (it ends as pruned).
  virtual bool measured(Trial& trial) = 0;
  // The job is over. The trial's state is complete, paused, pruned or failed and not yet stored; `result` holds a
  // Test's metrics.
  virtual void ended(Trial& trial, const Json& result) = 0;
  // Whether to start nothing more (budget, too many failures); running jobs go on.
  virtual bool closed() const = 0;
};

class Runner {
 public:
  Runner(const StudyContext& context, StudyState& state, double elapsed);

  // Runs until the source has nothing left and nothing runs. False when interrupted.
  bool run(JobSource& source);

  // Seconds since the study began, pauses excluded.
  double elapsed() const;

 private:
  struct Slot {
    bool ready = false;
    bool busy = false;
    bool stopping = false;  // told to stop; ends as pruned when `pruned`, else as paused
    bool pruned = false;
    Job job;
  };

  void place(int slot, Job job);
  void handle(const FleetEvent& event, JobSource& source);
  void measured(int slot, const Measured& report, JobSource& source);
  void finished(int slot, const Finished& report, JobSource& source);
  void require_objectives(Trial& trial, const Job& job) const;
  void died(int slot, const SlotDied& death, JobSource& source);
  void end(int slot, JobSource& source, const Json& result);
  bool any_busy() const;
  void stop_all();

  const StudyContext& context_;
  StudyState& state_;
  std::vector<Slot> slots_;
  std::vector<Job> again_;  // crashed jobs to be started once more
  bool told_of_stop_ = false;
  double elapsed_before_;
  double began_;
};

// Marks a trial as running from `now` (seconds of the study's clock); in memory alone.
void begin_attempt(Trial& trial, double now);

// Total seconds of a monotonic clock.
double monotonic_seconds();

}  // namespace netwright
