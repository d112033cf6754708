#include "netwright/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "netwright/base/error.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("netwright-file-test-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

TEST_F(Files, AreWrittenWhole) {
  const std::string binary("a\0b\n\xff", 5);
  write_file_atomically(path("f"), binary);
  EXPECT_EQ(read_file(path("f")), binary);
  write_file_atomically(path("f"), "");
  EXPECT_EQ(read_file(path("f")), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);  // no temporary file left
}

TEST_F(Files, KeepTheirContentWhenWritingFails) {
  write_file_atomically(path("f"), "old");
  fs::create_directories(path("g/inside"));  // a folder cannot be replaced by a file
  try {
    write_file_atomically(path("g"), "new");
    ADD_FAILURE() << "replaced a folder";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failure);
    EXPECT_NE(std::string(error.what()).find(path("g")), std::string::npos);
  }
  EXPECT_THROW(write_file_atomically(path("missing/f"), "new"), Error);
  EXPECT_EQ(read_file(path("f")), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
}

TEST_F(Files, SayThatTheDiskIsFull) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  // The temporary file beside the target is a link to a device on which every write fails.
  fs::create_symlink("/dev/full", path("f") + ".tmp" + std::to_string(::getpid()));
  try {
    write_file_atomically(path("f"), "new");
    ADD_FAILURE() << "wrote to a full disk";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos);
    EXPECT_FALSE(error.remedy().empty());
  }
  EXPECT_FALSE(file_exists(path("f")));
}

TEST_F(Files, AreRefusedWhereTheyCannotBeRead) {
  for (const auto& [name, limit] : {std::pair<std::string, std::size_t>{"missing", 10}, {"", 10}, {"long", 3}}) {
    write_file_atomically(path("long"), "four");
    try {
      read_file(path(name), limit);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::invalid);
      EXPECT_EQ(error.where().file, path(name));
    }
  }
  EXPECT_EQ(read_file(path("long"), 4), "four");
}

TEST_F(Files, FoldersAreMade) {
  make_folders(path("a/b/c"));
  EXPECT_TRUE(fs::is_directory(path("a/b/c")));
  EXPECT_NO_THROW(make_folders(path("a/b/c")));
  write_file_atomically(path("f"), "x");
  EXPECT_THROW(make_folders(path("f/g")), Error);
}

TEST(File, HashesByBlake2b) {
  EXPECT_EQ(blake2b_hex("abc", 64),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  EXPECT_EQ(blake2b_hex("").size(), 32u);
  EXPECT_NE(blake2b_hex("a"), blake2b_hex("b"));
}

TEST(File, KnowsItsProgram) {
  EXPECT_NE(program_path().find("test_base"), std::string::npos);
}

}  // namespace
}  // namespace netwright
