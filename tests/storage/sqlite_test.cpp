// What only a file can suffer: kills, damage, other programs, other processes, disks that are full or read-only.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/random.h"
#include "netwright/storage/storage.h"
#include "netwright/storage/study_lock.h"

namespace netwright {
namespace {

using testing::HasSubstr;

class Sqlite : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "netwright_sqlite_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = (folder_ / "studies.db").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void fill(int trials) const {
    auto storage = open_storage(path_);
    StudyRecord record;
    record.name = "a";
    storage->create_study(record);
    for (int id = 1; id <= trials; ++id) {
      Trial trial;
      trial.id = id;
      trial.configuration.set("rate", id / 7.0);
      trial.measurements = {{1, 1, {{"accuracy", id / 9.0}}}};
      storage->add_trial("a", trial);
    }
  }

  void sql(const std::string& script) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, script.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }

  // Expects an Error with ExitCode::storage that names the file, and gives it.
  Error storage_error(const std::function<void()>& action) const {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::storage) << error.what();
      EXPECT_FALSE(error.remedy().empty()) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(folder_.string()));
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ExitCode::done, "none");
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(Sqlite, MakesTheFolder) {
  path_ = (folder_ / "deep" / "er" / "studies.db").string();
  fill(1);
  EXPECT_TRUE(file_exists(path_));
}

TEST_F(Sqlite, AnotherReaderSeesWhatWasStored) {
  auto writer = open_storage(path_);
  auto reader = open_storage(path_);
  StudyRecord record;
  record.name = "a";
  writer->create_study(record);
  Trial trial;
  trial.id = 1;
  writer->add_trial("a", trial);
  EXPECT_EQ(reader->trials("a").size(), 1u);
}

// Killed in the midst of writing: every call that had returned is there, and nothing is half there.
TEST_F(Sqlite, KilledWriterLosesNothing) {
  fill(0);
  for (int round = 0; round < 5; ++round) {
    auto storage = open_storage(path_);
    const auto before = static_cast<std::int64_t>(storage->trials("a").size());
    storage.reset();
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto own = open_storage(path_);
      for (std::int64_t id = before + 1;; ++id) {
        Trial trial;
        trial.id = id;
        trial.measurements = {{1, 1, {{"accuracy", 0.5}}}};
        own->add_trial("a", trial);
        trial.state = TrialState::complete;
        trial.measurements.push_back({2, 1, {{"accuracy", 0.6}}});
        own->update_trial("a", trial, StudyEvent{EventKind::finished, trial.id, trial.fidelity});
        if (::write(pipe_ends[1], &id, sizeof id) != sizeof id) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    std::int64_t acknowledged = 0;
    for (int i = 0; i < 20 + 7 * round; ++i) ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof acknowledged), 8);
    ::kill(child, SIGKILL);
    for (std::int64_t id = 0; ::read(pipe_ends[0], &id, sizeof id) == 8;) acknowledged = id;
    ::close(pipe_ends[0]);
    ::waitpid(child, nullptr, 0);

    storage = open_storage(path_);
    const auto trials = storage->trials("a");
    const auto order = storage->events("a");
    ASSERT_GE(static_cast<std::int64_t>(trials.size()), acknowledged);
    for (std::int64_t id = 1; id <= acknowledged; ++id) {
      const Trial& trial = trials[static_cast<std::size_t>(id - 1)];
      EXPECT_EQ(trial.id, id);
      if (id <= before && round > 0 && trial.state != TrialState::complete) continue;  // half done when killed before
      EXPECT_EQ(trial.state, TrialState::complete);
      EXPECT_EQ(trial.measurements.size(), 2u);
    }
    const auto complete = std::count_if(trials.begin(), trials.end(),
                                        [](const Trial& trial) { return trial.state == TrialState::complete; });
    EXPECT_EQ(static_cast<std::size_t>(complete), order.size());
  }
}

TEST_F(Sqlite, NewerSchemaIsRefused) {
  fill(1);
  sql("PRAGMA user_version = 4");
  EXPECT_THAT(storage_error([&] { open_storage(path_); }).what(), HasSubstr("newer netwright"));
}

TEST_F(Sqlite, SchemaTwoIsBroughtUpToDate) {
  fill(2);
  sql("ALTER TABLE measurements DROP COLUMN details");
  sql("ALTER TABLE events DROP COLUMN time; ALTER TABLE events DROP COLUMN worker; PRAGMA user_version = 2");
  Measurement measurement{2, 1, {{"accuracy", 0.5}}};
  measurement.details["architecture"] = {1, 2};
  {
    auto storage = open_storage(path_);
    Trial trial = storage->trials("a").at(0);
    ASSERT_EQ(trial.measurements.size(), 1u);
    EXPECT_TRUE(trial.measurements[0].details.is_null());
    ASSERT_FALSE(storage->events("a").empty());
    EXPECT_EQ(storage->events("a").front().worker, -1);
    trial.measurements.push_back(measurement);
    storage->update_trial("a", trial);
  }
  EXPECT_EQ(open_storage(path_)->trials("a").at(0).measurements.at(1).details, measurement.details);
  sql("PRAGMA user_version = 1");
  EXPECT_THAT(storage_error([&] { open_storage(path_); }).what(), HasSubstr("early netwright"));
}

TEST_F(Sqlite, DatabaseOfAnotherProgramIsRefused) {
  sql("CREATE TABLE songs (title TEXT)");
  EXPECT_THAT(storage_error([&] { open_storage(path_); }).what(), HasSubstr("another program"));
}

TEST_F(Sqlite, FileThatIsNoDatabaseIsRefusedAndKept) {
  const std::string text(5000, 'x');
  write_file_atomically(path_, text);
  EXPECT_THAT(storage_error([&] { open_storage(path_); }).what(), HasSubstr("not a database"));
  EXPECT_EQ(read_file(path_), text);
}

TEST_F(Sqlite, FolderAsFileIsRefused) {
  storage_error([&] { open_storage(folder_.string()); });
}

TEST_F(Sqlite, UnwritableFolderIsRefused) {
  storage_error([&] { open_storage("/proc/self/nowhere/" + folder_.string() + "/studies.db"); });
}

// In a child, as root has to become somebody who may not write everything.
TEST_F(Sqlite, ReadOnlyFileIsRefused) {
  fill(1);
  std::filesystem::permissions(path_, std::filesystem::perms(0444));
  std::filesystem::permissions(folder_, std::filesystem::perms(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    int result = 1;
    try {
      Trial trial;
      trial.id = 9;
      open_storage(path_)->add_trial("a", trial);
    } catch (const Error& error) {
      const bool remedied = error.remedy().find("writable") != std::string::npos;
      result = error.code() == ExitCode::storage && remedied ? 0 : 2;
    }
    ::_exit(result);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
}

// As on a disk that is mounted for reading, or in a colleague's folder.
TEST_F(Sqlite, StudiesOfAReadOnlyFolderCanBeRead) {
  fill(3);
  const std::string odd = (folder_ / "50% of #1?.db").string();
  std::filesystem::copy_file(path_, odd);
  std::filesystem::permissions(folder_, std::filesystem::perms(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
    try {
      const auto storage = open_storage(path_);
      const bool read = storage->trials("a").size() == 3 && open_storage(odd)->list_studies().size() == 1;
      ::_exit(read ? 0 : 1);
    } catch (const Error&) {
      ::_exit(2);
    }
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
}

// A file that may not grow behaves as on a full disk.
TEST_F(Sqlite, FullDiskIsAnErrorAndKeepsWhatWasStored) {
  fill(5);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 17, 1 << 17};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int result = 1;
    try {
      auto storage = open_storage(path_);
      for (int id = 6; id < 1000; ++id) {
        Trial trial;
        trial.id = id;
        trial.message = std::string(2000, 'm');
        storage->add_trial("a", trial);
      }
    } catch (const Error& error) {
      result = error.code() == ExitCode::storage ? 0 : 2;
    }
    ::_exit(result);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const auto trials = open_storage(path_)->trials("a");
  ASSERT_GE(trials.size(), 5u);
  for (std::size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(trials[i].id, static_cast<std::int64_t>(i) + 1);
}

TEST_F(Sqlite, MalformedContentIsDamage) {
  fill(2);
  sql("UPDATE trials SET configuration = '{\"rate\": [1]}' WHERE id = 1");
  EXPECT_THAT(storage_error([&] { open_storage(path_)->trials("a"); }).what(), HasSubstr("damaged"));
  sql("UPDATE trials SET configuration = '{}', state = 'dancing' WHERE id = 1");
  EXPECT_THAT(storage_error([&] { open_storage(path_)->trials("a"); }).what(), HasSubstr("dancing"));
  sql("UPDATE trials SET state = 'failed' WHERE id = 1; UPDATE measurements SET metrics = '{' WHERE trial = 2");
  EXPECT_THAT(storage_error([&] { open_storage(path_)->trials("a"); }).what(), HasSubstr("JSON"));
}

// Flipped bytes and lost ends: read or refused, never a crash.
TEST_F(Sqlite, DamagedFilesNeverCrash) {
  fill(60);
  const std::string whole = read_file(path_);
  Random random(3);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = whole;
    if (i % 3 == 0) {
      damaged.resize(random.below(whole.size()));
    } else {
      for (int flips = 0; flips < 4; ++flips) {
        damaged[random.below(damaged.size())] ^= static_cast<char>(1 << random.below(8));
      }
    }
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
    std::ofstream(path_, std::ios::binary) << damaged;
    try {
      auto storage = open_storage(path_);
      if (storage->find_study("a")) storage->trials("a");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::storage) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 30);
}

TEST_F(Sqlite, LockedStudyNamesItsOwner) {
  const StudyLock lock(path_, "a");
  const StudyLock other_study(path_, "b");
  const Error error = storage_error([&] { StudyLock(path_, "a"); });
  EXPECT_THAT(error.what(), HasSubstr("process " + std::to_string(::getpid()) + " on "));
}

TEST_F(Sqlite, LockIsFreeAfterItsOwnerAndLeavesNoFile) {
  { const StudyLock lock(path_, "a/b"); }
  { const StudyLock lock(path_, "a/b"); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Sqlite, LockOfAKilledProcessIsFree) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const StudyLock lock(path_, "a");
    if (::write(ends[1], "x", 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_THROW(StudyLock(path_, "a"), Error);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(StudyLock(path_, "a"));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Sqlite, StudyInMemoryNeedsNoLock) {
  const StudyLock first("memory", "a");
  EXPECT_NO_THROW(StudyLock("memory", "a"));
}

}  // namespace
}  // namespace netwright
