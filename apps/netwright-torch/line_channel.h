// The trial protocol's two lines of communication: commands from stdin, reports to what stdout was at the start.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "netwright/trial/protocol.h"

namespace netwright {

// Takes stdout for itself: file descriptor 1 becomes a second stderr, so that no library's printing can get between the
// protocol's lines. Reads stdin on a thread of its own, so that a Stop is noticed while something is computed.
//
// One at a time, for the rest of the process. send() and wait() belong to one thread.
class LineChannel {
 public:
  LineChannel();
  ~LineChannel();
  LineChannel(const LineChannel&) = delete;
  LineChannel& operator=(const LineChannel&) = delete;

  // Throws an Error when the other side is gone.
  void send(const Report& report);

  // The next command, once there is one; nullopt when stdin is closed. A line that names a trial but is no command
  // fails that trial; any other throws its Error.
  std::optional<Command> wait();

  // Whether a Stop or Quit is waiting to be taken, or stdin is closed.
  bool must_stop() const { return must_stop_.load(std::memory_order_relaxed); }

 private:
  void read_lines();
  std::optional<std::string> next_line();
  void update_must_stop();

  struct Line {
    std::string text;
    bool ends_work = false;
  };

  int output_;
  int wake_[2];  // a byte here ends the reading thread
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Line> lines_;
  bool closed_ = false;
  std::atomic<bool> must_stop_{false};
  std::thread reader_;
};

}  // namespace netwright
