// What a study leaves behind, and reading stored studies back for the verbs that show them.
#pragma once

#include <memory>
#include <string>

#include "netwright/base/json.h"
#include "netwright/storage/study_lock.h"
#include "netwright/study/study.h"

namespace netwright {

struct StoredStudy {
  std::unique_ptr<Storage> storage;
  StudyState state;
  Experiment experiment;
  SearchSpace space;
  std::string folder;
};

// Opens a study by name. Throws an invalid Error that names the studies there are when it is absent.
StoredStudy open_study(const std::string& name, const std::string& storage_path);

// For verbs that change a study: no other process can until the lock is gone. Throws as open_study does, and an Error
// (storage) while another process runs the study.
std::unique_ptr<StudyLock> lock_study(const std::string& name, const std::string& storage_path);

// --storage's default: NETWRIGHT_STORAGE, else runs/netwright.db.
std::string default_storage();

// " --storage PATH" unless it is the default; for commands printed to be typed again.
std::string storage_argument(const std::string& storage_path);

// Writes model.ckpt, model.ts, best.yaml, architecture.svg and report.html below `folder`. What cannot be made (no
// checkpoint, a trainer of the user's own) is left out. Where the export fails, all else is written before its Error is
// thrown.
void write_artefacts(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                     const std::string& folder);

// Writes report.html alone and returns its path.
std::string write_report(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                         const std::string& folder);

// The machine-readable summary: best --json, show --json, run --json.
Json summary_document(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                      const std::string& folder);

// The end of run and resume on stdout.
void print_outcome(const Experiment& experiment, const SearchSpace& space, const StudyState& state,
                   const std::string& folder, bool json);

}  // namespace netwright
