#include "netwright/fleet/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "netwright/base/error.h"
#include "netwright/base/printable.h"
#include "netwright/base/text.h"

extern char** environ;

namespace netwright {
namespace {

Error cannot_start(const std::string& program, const std::string& cause) {
  return Error(ExitCode::failure, "the trainer '" + program + "' cannot be started: " + cause,
               "check the path and that the file is executable");
}

// The file that the shell would run; found before forking, as looking it up may allocate.
std::string find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path, ':')) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + program;
    struct stat status {};
    if (::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  throw cannot_start(program, "it is not in PATH");
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    const bool replaced =
        std::any_of(changes.begin(), changes.end(), [&](const auto& change) { return change.first == name; });
    if (!replaced) all.push_back(text);
  }
  for (const auto& [name, value] : changes) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

void close_descriptor(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

// Both ends above the standard three, so that duplicating them onto those never meets itself.
struct Pipe {
  int read = -1;
  int write = -1;

  explicit Pipe(const std::string& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw cannot_start(program, std::strerror(errno));
    read = above_standard(ends[0]);
    write = above_standard(ends[1]);
    if (read < 0 || write < 0) throw cannot_start(program, std::strerror(errno));
  }
  ~Pipe() {
    close_descriptor(read);
    close_descriptor(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  static int above_standard(int descriptor) {
    if (descriptor > 2) return descriptor;
    const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    ::close(descriptor);
    return moved;
  }
};

int release(int& descriptor) {
  return std::exchange(descriptor, -1);
}

void ignore_broken_pipes() {
  struct sigaction present {};
  if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

std::size_t file_size(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

}  // namespace

ChildProcess::ChildProcess(ChildOptions options) : options_(std::move(options)) {
  if (options_.command.empty()) throw cannot_start("", "no program is named");
  start();
}

ChildProcess::~ChildProcess() {
  if (!has_ended()) {
    signal_group(SIGKILL);
    reap();
  }
  close_descriptor(input_);
  close_descriptor(output_);
}

void check_program(const std::string& program) {
  const std::string path = find_program(program);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw cannot_start(program, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw cannot_start(program, "it is no file");
  if (::access(path.c_str(), X_OK) != 0) throw cannot_start(program, std::strerror(errno));
}

void ChildProcess::start() {
  const std::string& name = options_.command.front();
  const std::string program = find_program(name);
  std::vector<std::string> environment = environment_with(options_.environment);
  std::vector<char*> arguments = pointers(options_.command);
  std::vector<char*> variables = pointers(environment);
  Pipe to_child(name);
  Pipe from_child(name);
  Pipe trouble(name);  // closed by a successful exec, else carries its errno
  int log = -1;
  if (!options_.log_path.empty()) {
    log = ::open(options_.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) {
      throw Error(ExitCode::failure, std::string("cannot write: ") + std::strerror(errno),
                  "choose a folder that you may write to", {options_.log_path, 0, 0});
    }
    log_begin_ = file_size(log);
    log = Pipe::above_standard(log);
  }
  ignore_broken_pipes();

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {  // only async-signal-safe calls from here on
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it died before it could be watched
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_DFL);
    ::dup2(to_child.read, STDIN_FILENO);
    ::dup2(from_child.write, STDOUT_FILENO);
    if (log >= 0) ::dup2(log, STDERR_FILENO);
    ::execve(program.c_str(), arguments.data(), variables.data());
    const int cause = errno;
    [[maybe_unused]] const auto written = ::write(trouble.write, &cause, sizeof cause);
    ::_exit(127);
  }
  const int fork_error = errno;
  close_descriptor(log);
  if (pid_ < 0) throw cannot_start(name, std::strerror(fork_error));
  ::setpgid(pid_, pid_);  // as the child does: whoever comes first

  close_descriptor(trouble.write);
  int cause = 0;
  ssize_t count = 0;
  do {
    count = ::read(trouble.read, &cause, sizeof cause);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof cause) {
    reap();
    throw cannot_start(name, std::strerror(cause));
  }
  input_ = release(to_child.write);
  output_ = release(from_child.read);
  ::fcntl(input_, F_SETFL, O_NONBLOCK);
  ::fcntl(output_, F_SETFL, O_NONBLOCK);
}

void ChildProcess::queue(const std::string& line) {
  if (input_ >= 0) queued_ += line + "\n";
}

void ChildProcess::write_queued() {
  std::size_t done = 0;
  while (input_ >= 0 && done < queued_.size()) {
    const ssize_t count = ::write(input_, queued_.data() + done, queued_.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {  // it reads no more; its end is noticed elsewhere
      close_input();
      return;
    }
  }
  queued_.erase(0, done);
}

void ChildProcess::close_input() {
  close_descriptor(input_);
  queued_.clear();
}

ChildProcess::Output ChildProcess::read_available() {
  if (output_ < 0) return Output::closed;
  if (taken_ > 0) {
    buffer_.erase(0, taken_);
    looked_ -= taken_;
    taken_ = 0;
  }
  char bytes[1 << 16];
  for (int reads = 0; reads < 16; ++reads) {
    const ssize_t count = ::read(output_, bytes, sizeof bytes);
    if (count > 0) {
      buffer_.append(bytes, static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else if (count < 0 && errno == EAGAIN) {
      break;
    } else {
      close_descriptor(output_);
      return Output::closed;
    }
  }
  const auto newline = buffer_.rfind('\n');
  const std::size_t unfinished = newline == std::string::npos ? buffer_.size() : buffer_.size() - newline - 1;
  return unfinished > options_.max_line_bytes ? Output::line_too_long : Output::open;
}

std::optional<std::string> ChildProcess::next_line() {
  const auto newline = buffer_.find('\n', std::max(looked_, taken_));
  if (newline == std::string::npos) {
    looked_ = buffer_.size();
    return std::nullopt;
  }
  std::string line = buffer_.substr(taken_, newline - taken_);
  taken_ = looked_ = newline + 1;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

bool ChildProcess::has_ended() {
  if (status_ || pid_ < 0) return true;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
    return false;
  }
  signal_group(SIGKILL);  // what it started; its number is not given away before it is reaped
  reap();
  return true;
}

void ChildProcess::signal_group(int signal) const {
  if (!status_ && pid_ > 0) ::kill(-pid_, signal);
}

void ChildProcess::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = status;
}

std::optional<int> ChildProcess::ending_signal() const {
  if (status_ && WIFSIGNALED(*status_)) return WTERMSIG(*status_);
  return std::nullopt;
}

std::string ChildProcess::how_it_ended() const {
  if (const auto signal = ending_signal()) {
    const char* name = ::sigabbrev_np(*signal);
    return "signal " + std::to_string(*signal) + (name == nullptr ? "" : " (SIG" + std::string(name) + ")");
  }
  return "exit status " + std::to_string(WEXITSTATUS(status_.value_or(0)));
}

std::string ChildProcess::last_errors() const {
  constexpr std::size_t most = 2000;
  const int log = options_.log_path.empty() ? -1 : ::open(options_.log_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (log < 0) return "";
  const std::size_t end = file_size(log);
  const std::size_t begin = std::max(std::min(log_begin_, end), end > most ? end - most : 0);
  std::string tail(end - begin, '\0');
  const ssize_t count = ::pread(log, tail.data(), tail.size(), static_cast<off_t>(begin));
  ::close(log);
  tail.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const auto newline = tail.find('\n');
  if (begin > log_begin_ && newline != std::string::npos) tail.erase(0, newline + 1);  // a line cut in two
  return printable(trim(tail));
}

}  // namespace netwright
