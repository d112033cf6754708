#include "netwright/base/file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "netwright/base/error.h"

namespace netwright {
namespace {

// Closes the descriptor on every way out.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

Error cannot(const std::string& action, const std::string& path, int cause) {
  std::string remedy;
  if (cause == ENOSPC || cause == EDQUOT) remedy = "free some space on that disk";
  if (cause == EROFS || cause == EACCES || cause == EPERM || cause == ENOTDIR || cause == ENOENT)
    remedy = "choose a folder that you may write to";
  // What the user can mend by naming another place is invalid input; the rest is a failure of the machine.
  return Error(remedy.empty() ? ExitCode::failure : ExitCode::invalid, "cannot " + action + ": " + std::strerror(cause),
               remedy, {path, 0, 0});
}

}  // namespace

std::string read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    throw invalid({path, 0, 0}, std::string("cannot open: ") + std::strerror(errno),
                  "check the path and its permissions");
  }
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw invalid({path, 0, 0}, "is a folder", "give the path of a file");
  }
  std::string content;
  if (status.st_size > 0) content.reserve(static_cast<std::size_t>(status.st_size));
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw invalid({path, 0, 0}, std::string("cannot read: ") + std::strerror(errno), "check the disk");
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > limit) {
      throw invalid({path, 0, 0}, "larger than " + std::to_string(limit) + " bytes",
                    "this is not the file it should be");
    }
    content.append(buffer, static_cast<std::size_t>(count));
  }
}

void write_file_atomically(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  try {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) throw cannot("write", path, errno);
    std::size_t done = 0;
    while (done < content.size()) {
      const ssize_t count = ::write(file.get(), content.data() + done, content.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw cannot("write", path, errno);
      done += static_cast<std::size_t>(count);
    }
    if (::fsync(file.get()) != 0) throw cannot("flush", path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw cannot("replace", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

void make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw cannot("make the folder", path, error.value());
}

bool file_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

std::string program_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string blake2b_hex(std::string_view content, std::size_t bytes) {
  unsigned char digest[crypto_generichash_BYTES_MAX];
  crypto_generichash(digest, bytes, reinterpret_cast<const unsigned char*>(content.data()), content.size(), nullptr, 0);
  std::string hex(2 * bytes + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), digest, bytes);
  hex.pop_back();
  return hex;
}

}  // namespace netwright
