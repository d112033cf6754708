// One process runs a study at a time.
#pragma once

#include <string>

namespace netwright {

// Held from construction to destruction by an advisory lock on the file `<where>.<study>.lock`. The system releases it
// when the process ends in whatever way, so nothing stale is left to be removed by hand. A study in memory needs none.
class StudyLock {
 public:
  // `where` as in open_storage. Throws Error (ExitCode::storage) when another process runs the study, naming that
  // process, or when the file cannot be made.
  StudyLock(const std::string& where, const std::string& study);
  ~StudyLock();
  StudyLock(const StudyLock&) = delete;
  StudyLock& operator=(const StudyLock&) = delete;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace netwright
