// Which trial gets how much more fidelity.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "netwright/base/yaml.h"
#include "netwright/trial/objective.h"
#include "netwright/trial/trial.h"

namespace netwright {

// What a free slot should do.
struct Decision {
  enum class Kind {
    start_new,  // a new trial
    resume,     // a paused one, from its checkpoint
    wait,       // nothing until something running ends or pauses
    finished    // nothing ever again
  };
  Kind kind = Kind::start_new;
  std::int64_t trial = 0;  // resume: which paused trial
  double fidelity = 0;     // start_new, resume: epochs in total until it is next decided on
};

// The calls come in this order for each trial: next (start_new), started, measured (at least once, at the target or
// before), then reached (false: paused, later next (resume), measured, …) or finished. A schedule is a function of its
// calls alone, so a resumed study makes them again. The same calls give the same decisions.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // `may_start` false: there will be no new trials (the budget is used or the space is exhausted), and every later call
  // says so too. Then start_new is not an answer, and a rung that was to have more trials goes on with those it has.
  virtual Decision next(bool may_start) = 0;
  // A trial that `next` let start was created with this id.
  virtual void started(std::int64_t trial) = 0;
  // A running trial reports; false stops it now (it becomes pruned).
  virtual bool measured(const Trial& trial, const Measurement& measurement) = 0;
  // The trial has reached its target fidelity. True: it is complete; false: it is paused until `next` resumes it.
  virtual bool reached(const Trial& trial) = 0;
  // The trial is complete, pruned or failed.
  virtual void finished(const Trial& trial) = 0;
};

struct ScheduleContext {
  std::vector<Objective> objectives;
  double full_fidelity = 0;  // epochs of the recipe
  const Yaml& options;       // `search.schedule` mapping with its `name`; strict
};

struct ScheduleRow {
  std::string name;
  std::string summary;
  std::unique_ptr<Schedule> (*make)(const ScheduleContext&);
};

std::vector<ScheduleRow> schedules();
std::unique_ptr<Schedule> make_schedule(const ScheduleContext& context);

}  // namespace netwright
