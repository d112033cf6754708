#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netwright/fleet/threads.h"

namespace netwright {
namespace {

using testing::HasSubstr;

TEST(ShareThreads, FillsTheMachineByItself) {
  for (const int cores : {1, 2, 3, 8, 64}) {
    const Threads shared = share_threads(0, 0, cores);
    EXPECT_EQ(shared.workers, cores);
    EXPECT_EQ(shared.threads, 1);
    EXPECT_EQ(shared.warning, "");
  }
}

TEST(ShareThreads, FitsWhatIsLeftOpen) {
  for (int cores = 1; cores <= 16; ++cores) {
    for (int given = 1; given <= cores; ++given) {
      const Threads by_workers = share_threads(given, 0, cores);
      EXPECT_EQ(by_workers.workers, given);
      EXPECT_LE(by_workers.workers * by_workers.threads, cores);
      EXPECT_GT(by_workers.workers * (by_workers.threads + 1), cores);
      const Threads by_threads = share_threads(0, given, cores);
      EXPECT_EQ(by_threads.threads, given);
      EXPECT_LE(by_threads.workers * by_threads.threads, cores);
      EXPECT_GT((by_threads.workers + 1) * by_threads.threads, cores);
      EXPECT_EQ(by_workers.warning + by_threads.warning, "");
    }
  }
}

TEST(ShareThreads, WarnsWhenMoreIsAskedForThanThereIs) {
  const Threads shared = share_threads(4, 2, 2);
  EXPECT_EQ(shared.workers, 4);
  EXPECT_EQ(shared.threads, 2);
  EXPECT_THAT(shared.warning, HasSubstr("2 cores"));
  EXPECT_NE(share_threads(3, 0, 2).warning, "");
  EXPECT_NE(share_threads(0, 8, 2).warning, "");
  EXPECT_EQ(share_threads(2, 1, 2).warning, "");
}

TEST(ShareThreads, SomeCoreIsThere) {
  EXPECT_GE(available_cores(), 1);
  EXPECT_EQ(share_threads(0, 0, 0).workers, 1);
}

}  // namespace
}  // namespace netwright
