// Errors that end a run. A failed trial is a state, not an exception (see trial/trial.h).
#pragma once

#include <stdexcept>
#include <string>

namespace netwright {

// Exit codes of the command; documented in docs/command.md.
enum class ExitCode : int {
  done = 0,
  failure = 1,
  usage = 2,
  invalid = 3,  // invalid configuration or data
  storage = 4,  // storage unavailable
  too_many_failures = 5,
  no_valid_trial = 6,
  interrupted = 75,  // resumable
};

// A place in an input file; line and column count from 1, 0 means unknown.
struct Location {
  std::string file;
  int line = 0;
  int column = 0;
};

// "file:line:column", leaving out what is unknown; empty when there is no file.
std::string to_string(const Location& location);

// what() reads "file:line:column: problem\n  remedy: what to do".
class Error : public std::runtime_error {
 public:
  explicit Error(ExitCode code, const std::string& problem, const std::string& remedy = {}, Location where = {});

  ExitCode code() const { return code_; }
  const std::string& problem() const { return problem_; }
  const std::string& remedy() const { return remedy_; }
  const Location& where() const { return where_; }

 private:
  ExitCode code_;
  std::string problem_;
  std::string remedy_;
  Location where_;
};

// The commonest error: input that the user has to mend (exit code 3).
Error invalid(Location where, const std::string& problem, const std::string& remedy);

}  // namespace netwright
