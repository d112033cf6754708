#include "apps/netwright-torch/line_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "netwright/base/error.h"

namespace netwright {
namespace {

Error channel_error(const std::string& what) {
  return Error(ExitCode::failure, what + ": " + std::strerror(errno));
}

bool ends_work(const std::string& text) {
  try {
    const Command command = command_from_line(text);
    return std::holds_alternative<Stop>(command) || std::holds_alternative<Quit>(command);
  } catch (const Error&) {
    return false;  // wait() tells
  }
}

// The trial that a line is about although it is no whole command: an impossible network, say.
std::optional<std::int64_t> trial_of(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("trial") || !json.at("trial").is_number_integer()) return std::nullopt;
  return json.at("trial").get<std::int64_t>();
}

}  // namespace

LineChannel::LineChannel() {
  ::signal(SIGPIPE, SIG_IGN);
  output_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (output_ < 0) throw channel_error("cannot keep stdout");
  if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) throw channel_error("cannot redirect stdout");
  if (::pipe2(wake_, O_CLOEXEC) != 0) throw channel_error("cannot make a pipe");
  reader_ = std::thread([this] { read_lines(); });
}

LineChannel::~LineChannel() {
  while (::write(wake_[1], "", 1) < 0 && errno == EINTR) {
  }
  reader_.join();
  for (const int descriptor : {wake_[0], wake_[1], output_}) ::close(descriptor);
}

void LineChannel::send(const Report& report) {
  const std::string line = to_line(report) + "\n";
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t count = ::write(output_, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw channel_error("the orchestrator is gone");
    done += static_cast<std::size_t>(count);
  }
}

std::optional<Command> LineChannel::wait() {
  while (true) {
    const auto text = next_line();
    if (!text) return std::nullopt;
    try {
      return command_from_line(*text);
    } catch (const Error& error) {
      const auto trial = trial_of(*text);
      if (!trial) throw;
      Finished finished;
      finished.trial = *trial;
      finished.state = TrialState::failed;
      finished.reason = "error";
      finished.message = error.problem();
      send(finished);
    }
  }
}

std::optional<std::string> LineChannel::next_line() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return !lines_.empty() || closed_; });
  if (lines_.empty()) return std::nullopt;
  std::string text = std::move(lines_.front().text);
  lines_.pop_front();
  update_must_stop();
  return text;
}

// With the mutex held.
void LineChannel::update_must_stop() {
  must_stop_ = closed_ || std::any_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.ends_work; });
}

void LineChannel::read_lines() {
  std::string pending;
  char buffer[1 << 14];
  while (true) {
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) break;
    if (waiting[1].revents != 0) break;
    if (waiting[0].revents == 0) continue;
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    pending.append(buffer, static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      std::string text = pending.substr(begin, end - begin);
      if (text.empty()) continue;
      const bool ends = ends_work(text);
      const std::lock_guard lock(mutex_);
      lines_.push_back({std::move(text), ends});
      update_must_stop();
      arrived_.notify_one();
    }
    pending.erase(0, begin);
  }
  const std::lock_guard lock(mutex_);
  closed_ = true;
  update_must_stop();
  arrived_.notify_one();
}

}  // namespace netwright
