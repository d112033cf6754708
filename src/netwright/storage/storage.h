// Where studies are kept. Each call is durable when it returns: what was stored survives kill -9 and power loss. Only a
// trial in the state running may be taken back by a power loss (not by kill -9), to what it was when another call last
// returned: a study that resumes proposes and runs it again, so nothing is lost but time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "netwright/base/json.h"
#include "netwright/trial/trial.h"

namespace netwright {

struct StudyRecord {
  std::string name;
  std::string state;  // searching, retraining, testing, complete, failed
  std::uint64_t seed = 0;
  std::string experiment;  // the experiment file's full text, with --set applied and space included
  double created = 0;      // Unix seconds
  double elapsed = 0;      // seconds of running so far, pauses excluded
  Json notes;              // machine, versions, comparison, …: free, small
};

// What happened in a search, in order: enough to bring its strategy and its schedule to the state they had.
enum class EventKind {
  proposed,  // by the strategy, for a start that the schedule allowed
  resumed,   // a paused trial, by the schedule
  paused,    // the trial reached its target and the schedule keeps it for later
  finished,  // complete, pruned or failed
  imported,  // from outside; the strategy alone is told
  closed     // no trial: nothing new may start from here on
};

std::string_view to_string(EventKind kind);
EventKind event_kind_from_string(std::string_view text);  // throws Error on an unknown word

struct StudyEvent {
  EventKind kind = EventKind::proposed;
  std::int64_t trial = 0;
  double fidelity = 0;  // that the trial had then
  double time = 0;      // seconds since the study began, on its own clock (pauses excluded)
  int worker = -1;      // slot that had the trial until then; -1: none, or it only begins

  bool operator==(const StudyEvent&) const = default;
};

class Storage {
 public:
  virtual ~Storage() = default;
  // Throws an invalid Error when a study of that name exists.
  virtual void create_study(const StudyRecord& study) = 0;
  virtual void update_study(const StudyRecord& study) = 0;
  virtual std::optional<StudyRecord> find_study(const std::string& name) = 0;
  virtual std::vector<StudyRecord> list_studies() = 0;
  // Adds a trial; the id must be new. With `event` the study's log gets that event, in the same transaction.
  virtual void add_trial(const std::string& study, const Trial& trial,
                         const std::optional<StudyEvent>& event = std::nullopt) = 0;
  // Replaces the trial, except measurements: only those beyond the stored number are added. `event` as above.
  virtual void update_trial(const std::string& study, const Trial& trial,
                            const std::optional<StudyEvent>& event = std::nullopt) = 0;
  virtual void add_event(const std::string& study, const StudyEvent& event) = 0;
  // All trials by id.
  virtual std::vector<Trial> trials(const std::string& study) = 0;
  // The log, in order.
  virtual std::vector<StudyEvent> events(const std::string& study) = 0;
};

// `where`: "memory", or the path of an SQLite file, made when absent. Throws Error with ExitCode::storage naming the
// path and cause.
std::unique_ptr<Storage> open_storage(const std::string& where);

}  // namespace netwright
