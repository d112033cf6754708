#include "netwright/storage/memory.h"

#include <algorithm>
#include <map>

#include "netwright/base/error.h"

namespace netwright {
namespace {

class MemoryStorage : public Storage {
 public:
  void create_study(const StudyRecord& study) override {
    if (!studies_.emplace(study.name, Study{study, {}, {}}).second) {
      throw invalid({}, "a study named '" + study.name + "' exists already",
                    "go on with it by `netwright resume " + study.name + "`, or choose another name");
    }
    order_.push_back(study.name);
  }

  void update_study(const StudyRecord& study) override { find(study.name).record = study; }

  std::optional<StudyRecord> find_study(const std::string& name) override {
    const auto found = studies_.find(name);
    if (found == studies_.end()) return std::nullopt;
    return found->second.record;
  }

  std::vector<StudyRecord> list_studies() override {
    std::vector<StudyRecord> records;
    for (const auto& name : order_) records.push_back(studies_.at(name).record);
    return records;
  }

  void add_trial(const std::string& study, const Trial& trial, const std::optional<StudyEvent>& event) override {
    if (!find(study).trials.emplace(trial.id, trial).second) {
      throw Error(ExitCode::storage, "trial " + std::to_string(trial.id) + " of study '" + study + "' exists already");
    }
    if (event) add_event(study, *event);
  }

  void update_trial(const std::string& study, const Trial& trial, const std::optional<StudyEvent>& event) override {
    Study& home = find(study);
    const auto found = home.trials.find(trial.id);
    if (found == home.trials.end()) {
      throw Error(ExitCode::storage, "study '" + study + "' has no trial " + std::to_string(trial.id));
    }
    std::vector<Measurement> measurements = std::move(found->second.measurements);
    for (std::size_t i = measurements.size(); i < trial.measurements.size(); ++i) {
      measurements.push_back(trial.measurements[i]);
    }
    found->second = trial;
    found->second.measurements = std::move(measurements);
    if (event) add_event(study, *event);
  }

  void add_event(const std::string& study, const StudyEvent& event) override { find(study).events.push_back(event); }

  std::vector<Trial> trials(const std::string& study) override {
    std::vector<Trial> all;
    for (const auto& [id, trial] : find(study).trials) all.push_back(trial);
    return all;
  }

  std::vector<StudyEvent> events(const std::string& study) override { return find(study).events; }

 private:
  struct Study {
    StudyRecord record;
    std::map<std::int64_t, Trial> trials;
    std::vector<StudyEvent> events;
  };

  Study& find(const std::string& name) {
    const auto found = studies_.find(name);
    if (found == studies_.end()) throw Error(ExitCode::storage, "there is no study '" + name + "'");
    return found->second;
  }

  std::map<std::string, Study> studies_;
  std::vector<std::string> order_;  // names in the order of creation
};

}  // namespace

std::unique_ptr<Storage> make_memory_storage() {
  return std::make_unique<MemoryStorage>();
}

}  // namespace netwright
