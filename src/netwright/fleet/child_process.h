// A program that runs beside us, spoken to in lines. Nothing here blocks.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace netwright {

// Throws the Error that starting it would: the program is not there, or may not be executed.
void check_program(const std::string& program);

struct ChildOptions {
  std::vector<std::string> command;                              // program (looked up in PATH) and arguments
  std::vector<std::pair<std::string, std::string>> environment;  // set in addition to ours
  std::string log_path;  // its stderr is appended there; empty: its stderr is ours
  std::size_t max_line_bytes = std::size_t{1} << 20;
};

// The child has its own process group, which is killed with it, and dies when the thread that made it dies
// (PR_SET_PDEATHSIG). We ignore SIGPIPE from then on; the child does not.
class ChildProcess {
 public:
  enum class Output { open, closed, line_too_long };

  // Throws Error when the program cannot be found or executed.
  explicit ChildProcess(ChildOptions options);
  ~ChildProcess();  // kills and reaps
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  int input() const { return input_; }    // its stdin, -1 when closed
  int output() const { return output_; }  // its stdout, -1 when closed

  void queue(const std::string& line);  // to be written by write_queued(), with a newline
  void write_queued();                  // what its stdin takes now; a closed stdin drops everything
  bool has_queued() const { return !queued_.empty(); }
  void close_input();

  // Reads what is there (some of it, when there is very much). Lines that have come are got by next_line().
  Output read_available();
  std::optional<std::string> next_line();

  // Whether it has ended. Ends what is left of its process group, too.
  bool has_ended();
  void signal_group(int signal) const;
  // Waits until it has ended; only after SIGKILL.
  void reap();
  // "exit status 3", "signal 9 (SIGKILL)"; precondition: has ended.
  std::string how_it_ended() const;
  std::optional<int> ending_signal() const;
  // The last lines of its stderr, at most 2000 bytes; empty without a log.
  std::string last_errors() const;

 private:
  void start();

  ChildOptions options_;
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string queued_;
  std::string buffer_;      // what was read
  std::size_t taken_ = 0;   // of buffer_, by next_line
  std::size_t looked_ = 0;  // of buffer_, in vain for a newline
  std::size_t log_begin_ = 0;
  std::optional<int> status_;  // as waitpid gives it
};

}  // namespace netwright
