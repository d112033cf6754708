#include "apps/netwright/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "netwright/base/text.h"
#include "netwright/study/runner.h"

namespace netwright {
namespace {

bool can_redraw() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string(term) != "dumb";
}

std::size_t terminal_columns() {
  if (const char* columns = std::getenv("COLUMNS")) {
    const int value = std::atoi(columns);
    if (value > 10) return static_cast<std::size_t>(value);
  }
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10) return size.ws_col;
  return 80;
}

std::string metric_text(const std::string& metric, double value) {
  char buffer[64];
  if (metric.find("accuracy") != std::string::npos || metric == "top5") {
    std::snprintf(buffer, sizeof buffer, "%.2f %%", 100 * value);
    return buffer;
  }
  if (metric == "parameters" || metric == "macs") return human_count(value);
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

// How a search in a supernet fares after its last epoch; empty for other trials. `separator` stands between the parts.
std::string health_text(const Trial& trial, const std::string& separator) {
  if (trial.measurements.empty() || !trial.measurements.back().details.contains("architecture")) {
    return {};
  }
  const auto& metrics = trial.measurements.back().metrics;
  std::string text = "epoch " + number_text(trial.fidelity) + "/" + number_text(trial.target_fidelity);
  // What matters most first: a terminal may have no room for the rest.
  const std::vector<std::pair<const char*, const char*>> shown = {
      {"accuracy", "decoded"},        {"supernet_accuracy", "supernet"}, {"skip_connections", "skips"},
      {"changed_choices", "changed"}, {"eigenvalue", "eigenvalue"},      {"entropy", "entropy"},
      {"train_loss", "train loss"}};
  for (const auto& [metric, words] : shown) {
    const auto found = metrics.find(metric);
    if (found != metrics.end()) text += separator + words + " " + metric_text(metric, found->second);
  }
  const auto collapse = metrics.find("collapse");
  if (collapse != metrics.end() && collapse->second > 0) text += separator + "collapsing";
  return text;
}

}  // namespace

Progress::Progress(std::vector<Objective> objectives, bool quiet)
    : objectives_(std::move(objectives)), quiet_(quiet), terminal_(can_redraw()) {}

Progress::~Progress() {
  erase();
}

void Progress::phase(const std::string& name, std::int64_t trials) {
  phase_ = name;
  planned_ = trials;
  phase_began_ = monotonic_seconds();
  ended_ = failed_ = 0;
  running_.clear();
  health_.clear();
  if (!terminal_) print_line(name + (trials > 0 ? ": " + std::to_string(trials) + " trials" : ""));
}

void Progress::trial_changed(const Trial& trial) {
  const std::string number = "trial " + std::to_string(trial.id);
  if (trial.state == TrialState::running) {
    running_[trial.id] = trial.target_fidelity > 0 ? trial.fidelity / trial.target_fidelity : 0;
    health_ = health_text(trial, " · ");
    if (!terminal_ && !health_.empty() && trial.fidelity != health_told_) print_line(health_text(trial, "  "));
    health_told_ = trial.fidelity;
  } else {
    running_.erase(trial.id);
    health_.clear();
    std::string line = number + " " + std::string(to_string(trial.state));
    if (is_finished(trial.state)) {
      if (trial.copied_from == 0) ++ended_;
      if (trial.state == TrialState::failed) ++failed_;
    }
    if (trial.copied_from != 0) line += " (same network as trial " + std::to_string(trial.copied_from) + ")";
    if (!trial.reason.empty()) line += ": " + trial.reason;
    for (const auto& objective : objectives_) {
      if (const auto value = last_metric(trial, objective.metric)) {
        line += "  " + objective.metric + " " + metric_text(objective.metric, *value);
      }
    }
    if (const auto value = score(trial, objectives_.front()); value && trial.state == TrialState::complete) {
      if (best_trial_ == 0 || *value > best_) {
        best_ = *value;
        best_trial_ = trial.id;
        line += "  best so far";
      }
    }
    if (phase_ == "testing") {
      if (const auto accuracy = last_metric(trial, "test_accuracy"))
        line += "  test " + metric_text("accuracy", *accuracy);
    }
    if (!terminal_) print_line(line);
  }
  if (terminal_ && monotonic_seconds() - last_draw_ > 0.1) draw();
}

void Progress::waited() {
  if (terminal_ && !phase_.empty() && monotonic_seconds() - last_draw_ > 0.4) draw();
}

void Progress::note(const std::string& text) {
  erase();
  std::fprintf(stderr, "note: %s\n", text.c_str());
}

void Progress::draw() {
  if (quiet_) return;
  last_draw_ = monotonic_seconds();
  const double seconds = last_draw_ - phase_began_;
  std::string line = phase_ + " " + std::to_string(ended_);
  if (planned_ > 0) line += "/" + std::to_string(planned_);
  if (best_trial_ != 0) {
    const Objective& objective = objectives_.front();
    line += " · best " + objective.metric + " " + metric_text(objective.metric, objective.maximize ? best_ : -best_) +
            " (trial " + std::to_string(best_trial_) + ")";
  }
  if (!health_.empty()) line += " · " + health_;
  double share = 0;
  for (const auto& [trial, done] : running_) share += done;
  line += " · " + std::to_string(running_.size()) + " running";
  if (failed_ > 0) line += " · " + std::to_string(failed_) + " failed";
  line += " · " + human_seconds(seconds);
  const double done = static_cast<double>(ended_) + share;
  if (planned_ > 0 && done >= 1) {
    line +=
        " · about " + human_seconds(std::max(0.0, seconds / done * (static_cast<double>(planned_) - done))) + " left";
  }
  // Counted in bytes, so a line with dots in it is cut a little early: never wider than the terminal.
  const std::size_t columns = terminal_columns();
  if (line.size() > columns) {
    line.resize(columns - 1);
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) line.pop_back();
    if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xC0) line.pop_back();
  }
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::erase() {
  if (!drawn_) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  drawn_ = false;
}

void Progress::print_line(const std::string& line) {
  if (!quiet_) std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace netwright
