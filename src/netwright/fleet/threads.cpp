#include "netwright/fleet/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

namespace netwright {
namespace {

int affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());  // more than 1024 processors
}

// The quota of a container, in cores; 0 when there is none.
double quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::strtod(quota.c_str(), nullptr) / period;
}

}  // namespace

Threads share_threads(int workers, int threads, int cores) {
  cores = std::max(1, cores);
  Threads shared;
  shared.workers = workers > 0 ? workers : std::max(1, cores / std::max(1, threads));
  shared.threads = threads > 0 ? threads : std::max(1, cores / shared.workers);
  if (shared.workers * shared.threads > cores) {
    shared.warning = std::to_string(shared.workers) + " workers of " + std::to_string(shared.threads) +
                     (shared.threads == 1 ? " thread" : " threads") + " each are more than the " +
                     std::to_string(cores) + (cores == 1 ? " core" : " cores") +
                     " of this machine; trials will take longer";
  }
  return shared;
}

int available_cores() {
  int cores = std::max(1, affinity_cores());
  const double quota = quota_cores();
  if (quota > 0) cores = std::min(cores, std::max(1, static_cast<int>(std::floor(quota + 0.5))));
  return cores;
}

}  // namespace netwright
