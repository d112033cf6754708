// What a person sees on stderr while a study runs: one line that changes on a terminal, one line an event elsewhere.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "netwright/study/study.h"
#include "netwright/trial/objective.h"

namespace netwright {

class Progress : public StudyObserver {
 public:
  // `quiet` shows notes alone.
  Progress(std::vector<Objective> objectives, bool quiet);
  ~Progress() override;

  void phase(const std::string& name, std::int64_t trials) override;
  void trial_changed(const Trial& trial) override;
  void note(const std::string& text) override;
  void waited() override;

 private:
  void draw();
  void erase();
  void print_line(const std::string& line);

  std::vector<Objective> objectives_;
  bool quiet_;
  bool terminal_;  // a terminal that can redraw its line
  std::string phase_;
  std::int64_t planned_ = 0;
  double phase_began_ = 0;
  double last_draw_ = 0;
  std::int64_t ended_ = 0;
  std::int64_t failed_ = 0;
  std::map<std::int64_t, double> running_;  // trial -> share done
  std::string health_;                      // of a running search in a supernet
  double health_told_ = 0;                  // the epoch that a line has been printed for
  double best_ = 0;
  std::int64_t best_trial_ = 0;
  bool drawn_ = false;
};

}  // namespace netwright
