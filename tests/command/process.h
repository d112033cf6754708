// Runs the built command as a user would, in a folder of its own.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace netwright {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// A temporary working folder and the command in it.
class Sandbox {
 public:
  Sandbox() {
    std::string pattern = (std::filesystem::temp_directory_path() / "netwright-command-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Sandbox() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::string read(const std::string& name) const { return slurp(folder_ / name); }

  // Starts `netwright <arguments>` (a shell line) as a process group of its own; its pid is the group's.
  pid_t start(const std::string& arguments) const {
    for (const char* name : {"out.txt", "err.txt"}) {  // who waits for a line must not find a command's before
      std::error_code ignored;
      std::filesystem::remove(folder_ / name, ignored);
    }
    const pid_t child = ::fork();
    if (child == 0) {
      ::setpgid(0, 0);
      if (::chdir(folder_.c_str()) != 0) ::_exit(126);
      const std::string line = "exec '" NETWRIGHT_BINARY_DIR "/netwright' " + arguments + " >out.txt 2>err.txt";
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    return child;
  }

  Outcome wait(pid_t child) const {
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read("out.txt"), read("err.txt")};
  }

  Outcome run(const std::string& arguments) const { return wait(start(arguments)); }

 private:
  std::filesystem::path folder_;
};

// Waits until `condition` holds; false after a minute.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 1200; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace netwright
