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

class Storage {
 public:
  virtual ~Storage() = default;
  // Throws an invalid Error when a study of that name exists.
  virtual void create_study(const StudyRecord& study) = 0;
  virtual void update_study(const StudyRecord& study) = 0;
  virtual std::optional<StudyRecord> find_study(const std::string& name) = 0;
  virtual std::vector<StudyRecord> list_studies() = 0;
  // Adds a trial; the id must be new.
  virtual void add_trial(const std::string& study, const Trial& trial) = 0;
  // Replaces the trial, except measurements: only those beyond the stored number are added. With `finished_order` the
  // trial gets the next place in the order of telling (once; later calls keep it).
  virtual void update_trial(const std::string& study, const Trial& trial, bool finished_order) = 0;
  // All trials by id.
  virtual std::vector<Trial> trials(const std::string& study) = 0;
  // Ids in the order in which they were finished.
  virtual std::vector<std::int64_t> finish_order(const std::string& study) = 0;
};

// `where`: "memory", or the path of an SQLite file, made when absent. Throws Error with ExitCode::storage naming the
// path and cause.
std::unique_ptr<Storage> open_storage(const std::string& where);

}  // namespace netwright
