// How the machine's cores are shared out among trainers.
#pragma once

#include <string>

namespace netwright {

struct Threads {
  int workers = 1;      // trainers at the same time
  int threads = 1;      // of each
  std::string warning;  // for the user, when more threads than cores were asked for; else empty
};

// 0 workers or 0 threads: chosen so that workers × threads fit the cores, workers first, as training several small
// networks side by side keeps cores busier than training one with more threads. What was given stays as given.
Threads share_threads(int workers, int threads, int cores);

// Cores that this process may use: its affinity mask, less where its control group has a smaller quota. At least 1.
int available_cores();

}  // namespace netwright
