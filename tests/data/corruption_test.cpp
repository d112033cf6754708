// Files damaged at random: each either loads as data of the same shape or is refused with an invalid Error.
#include <functional>

#include "data/files.h"
#include "netwright/base/random.h"

namespace netwright {
namespace {

using namespace testing;

// One damage of several kinds: flipped bits, overwritten or removed or repeated stretches, truncation, appended bytes.
std::string damaged(std::string content, Random& random) {
  const std::uint64_t kind = random.below(6);
  const std::uint64_t at =
      content.empty() ? 0
                      : random.below(random.below(2) == 0 ? std::min<std::size_t>(content.size(), 64) : content.size());
  const std::uint64_t length = 1 + random.below(16);
  switch (kind) {
    case 0:
      for (std::uint64_t i = 0; i <= random.below(8) && !content.empty(); ++i) {
        const std::uint64_t place = i == 0 ? at : random.below(content.size());
        content[place] = static_cast<char>(content[place] ^ (1 << random.below(8)));
      }
      return content;
    case 1:
      for (std::uint64_t i = at; i < std::min<std::uint64_t>(at + length, content.size()); ++i) {
        content[i] = static_cast<char>(random.next());
      }
      return content;
    case 2:
      return content.erase(at, length);
    case 3:
      return content.insert(at, content.substr(at, length));
    case 4:
      return content.substr(0, at);
    default:
      for (std::uint64_t i = 0; i < length; ++i) content += static_cast<char>(random.next());
      return content;
  }
}

struct Outcome {
  int loaded = 0;
  int refused = 0;
};

// Damages each file in turn, opens training and test data, and repairs it.
Outcome damage_and_open(const DataOptions& options, const std::vector<std::string>& files, int times, bool same_shape) {
  const SearchData good = open_data(options);
  Outcome outcome;
  for (const std::string& file : files) {
    const std::string content = read_bytes(file);
    for (int i = 0; i < times; ++i) {
      Random random(derive_seed(1, file.substr(file.rfind('/')), static_cast<std::uint64_t>(i)));
      write_bytes(file, damaged(content, random));
      try {
        const SearchData data = open_data(options);
        const TestData test = open_test_data(options, FinalEvaluation());
        EXPECT_EQ(test.shape(), data.training.shape());
        EXPECT_EQ(data.validation.shape(), data.training.shape());
        if (same_shape) {
          EXPECT_EQ(data.training.shape(), good.training.shape());
        }
        for (std::int64_t k = 0; k < data.training.size(); ++k) {
          EXPECT_GE(data.training.label(k), 0);
          EXPECT_LT(data.training.label(k), data.training.classes());
        }
        ++outcome.loaded;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::invalid) << error.what();
        EXPECT_FALSE(error.remedy().empty()) << error.what();
        ++outcome.refused;
      }
    }
    write_bytes(file, content);
  }
  return outcome;
}

TEST(Corruption, Idx) {
  const TemporaryFolder folder;
  write_mnist(folder.path(), 200, 50);
  const std::vector<std::string> files = {folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte",
                                          folder / "t10k-images-idx3-ubyte", folder / "t10k-labels-idx1-ubyte"};
  // A damaged size may be refused only by its disagreement with the other files; what loads has one shape throughout.
  const Outcome outcome = damage_and_open(options_for("mnist", folder.path()), files, 200, true);
  EXPECT_GT(outcome.refused, 400);
  EXPECT_GT(outcome.loaded, 50);  // pixels changed
}

TEST(Corruption, CompressedIdx) {
  const TemporaryFolder folder;
  write_mnist(folder.path(), 200, 50);
  const std::string file = folder / "train-images-idx3-ubyte";
  write_bytes(file, gzip(read_bytes(file)));
  const Outcome outcome = damage_and_open(options_for("mnist", folder.path()), {file}, 500, true);
  EXPECT_GT(outcome.refused, 450);  // the checksum finds all but what the header leaves open, such as its time stamp
}

TEST(Corruption, Cifar) {
  const TemporaryFolder folder;
  write_cifar10(folder.path(), 20);
  const Outcome outcome = damage_and_open(options_for("cifar-10", folder.path()),
                                          {folder / "data_batch_1.bin", folder / "test_batch.bin"}, 150, true);
  EXPECT_GT(outcome.refused, 100);
}

TEST(Corruption, CifarHundred) {
  const TemporaryFolder folder;
  write_bytes(folder / "train.bin", cifar_records(200, true, 100));
  write_bytes(folder / "test.bin", cifar_records(100, true, 100));
  const Outcome outcome = damage_and_open(options_for("cifar-100", folder.path()), {folder / "train.bin"}, 100, true);
  EXPECT_GT(outcome.refused, 50);
}

TEST(Corruption, Pictures) {
  const TemporaryFolder folder;
  write_image_folder(folder.path(), 3);
  DataOptions options = options_for("image-folder", folder.path());
  options.image_size = 8;
  options.validation_fraction = 0.4;
  const Outcome outcome = damage_and_open(
      options, {folder / "cat/0.png", folder / "dog/0.jpg", folder / "dog/1.jpg", folder / "cat/1.png"}, 300, true);
  EXPECT_GT(outcome.refused, 600);
}

TEST(Corruption, Csv) {
  const TemporaryFolder folder;
  const std::string file = folder / "data.csv";
  std::string content = "size,\"colour, main\",weight,kind\n";
  for (int i = 0; i < 60; ++i) {
    content += std::to_string(i) + "." + std::to_string(i % 7) + (i % 4 == 0 ? ",\"red \"\"x\"\"\"," : ",blue,") +
               (i % 11 == 0 ? "" : std::to_string(3 * i)) + (i % 2 == 0 ? ",a\n" : ",b\n");
  }
  write_bytes(file, content);
  // Damaged text may become another category, and so another number of features.
  const Outcome outcome = damage_and_open(options_for("csv", file), {file}, 600, false);
  EXPECT_GT(outcome.refused, 100);
  EXPECT_GT(outcome.loaded, 100);
}

}  // namespace
}  // namespace netwright
