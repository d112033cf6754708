// The committed corpus through the functions that are fuzzed: inputs that once broke a reader, and good ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "fuzz/fuzz.h"
#include "netwright/base/file.h"

namespace netwright {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view);
};

const std::vector<Target> targets = {
    {"yaml", fuzz::yaml},
    {"space", fuzz::space},
    {"experiment", fuzz::experiment},
    {"protocol", fuzz::protocol},
    {"idx", fuzz::idx},
    {"cifar", fuzz::cifar},
    {"picture", fuzz::picture},
    {"csv", fuzz::csv},
#ifdef NETWRIGHT_FUZZ_CHECKPOINT
    {"checkpoint", fuzz::checkpoint},
#endif
};

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, BreaksNoPromise) {
  const std::string folder = std::string(NETWRIGHT_SOURCE_DIR "/tests/fuzz/corpus/") + GetParam().name;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    const std::string bytes = read_file(entry.path().string(), 1 << 20);
    EXPECT_NO_THROW(GetParam().run(bytes));
    // Cut off and with a bit flipped: the way to the interesting places is short.
    for (std::size_t i = 1; i < 8; ++i) {
      EXPECT_NO_THROW(GetParam().run(std::string_view(bytes).substr(0, bytes.size() * i / 8)));
      std::string flipped = bytes;
      if (!flipped.empty()) flipped[(flipped.size() - 1) * i / 8] ^= static_cast<char>(1 << i);
      EXPECT_NO_THROW(GetParam().run(flipped));
    }
    ++files;
  }
  EXPECT_GE(files, 3) << "a corpus has a few good inputs";
}

INSTANTIATE_TEST_SUITE_P(Readers, Corpus, testing::ValuesIn(targets),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace netwright
