#include "apps/netwright/torch_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/text.h"

extern char** environ;

namespace netwright {

std::string torch_program() {
  if (const char* named = std::getenv("NETWRIGHT_TORCH"); named != nullptr && *named != '\0') return named;
  const auto beside = std::filesystem::path(program_path()).parent_path() / "netwright-torch";
  if (file_exists(beside)) return beside;
  if (const char* path = std::getenv("PATH")) {
    for (const auto& folder : split(path, ':')) {
      const auto candidate = std::filesystem::path(folder) / "netwright-torch";
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
  }
  throw Error(ExitCode::failure, "netwright-torch is neither beside this program nor on PATH",
              "build it with 'make build', or set NETWRIGHT_TORCH to its path");
}

ProgramResult run_program(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ExitCode::failure, std::string("pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    throw Error(ExitCode::failure, "cannot start " + command[0] + ": " + std::strerror(error));
  }
  ProgramResult result;
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(ends[0], buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    result.output.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

Json torch_json(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {torch_program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const ProgramResult result = run_program(command);
  if (result.exit_code != 0) {
    const bool told = result.exit_code <= static_cast<int>(ExitCode::no_valid_trial);  // by itself, on stderr
    if (told) throw Error(static_cast<ExitCode>(result.exit_code), "");
    throw Error(ExitCode::failure,
                "netwright-torch " + arguments.front() + " ended with exit code " + std::to_string(result.exit_code));
  }
  try {
    return Json::parse(result.output);
  } catch (const std::exception& error) {
    throw Error(ExitCode::failure, "netwright-torch " + arguments.front() + " printed no JSON: " + error.what());
  }
}

}  // namespace netwright
