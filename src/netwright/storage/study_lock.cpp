#include "netwright/storage/study_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"

namespace netwright {
namespace {

std::string lock_path(const std::string& where, const std::string& study) {
  std::string name = study;
  for (char& c : name) {
    if (c == '/') c = '_';
  }
  return where + "." + name + ".lock";
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "?";
}

// Whether the path still names the open file: its last owner removes it, perhaps between our open and our lock.
bool still_there(int descriptor, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

std::string owner(const std::string& path) {
  try {
    return trim(read_file(path, 4096));
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

StudyLock::StudyLock(const std::string& where, const std::string& study) {
  if (where == "memory") return;
  path_ = lock_path(where, study);
  while (true) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
      throw Error(ExitCode::storage, std::string("the study cannot be locked: ") + std::strerror(errno),
                  "make the folder of the study database writable, or choose another with `storage:`", {path_, 0, 0});
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int cause = errno;
      ::close(descriptor_);
      if (cause == EINTR) continue;
      const std::string by = owner(path_);
      if (cause == EWOULDBLOCK) {
        throw Error(ExitCode::storage, "study '" + study + "' is being run already" + (by.empty() ? "" : " by " + by),
                    "wait for that process to end, or stop it", {path_, 0, 0});
      }
      throw Error(ExitCode::storage, std::string("the study cannot be locked: ") + std::strerror(cause),
                  "keep the study database on a file system that has locks", {path_, 0, 0});
    }
    if (still_there(descriptor_, path_)) break;
    ::close(descriptor_);
  }
  const std::string text = "process " + std::to_string(::getpid()) + " on " + host_name() + "\n";
  // The text is for people; the lock holds without it, as on a full disk.
  if (::ftruncate(descriptor_, 0) == 0 && ::write(descriptor_, text.data(), text.size()) < 0) errno = 0;
}

StudyLock::~StudyLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace netwright
