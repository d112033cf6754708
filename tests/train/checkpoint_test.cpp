#include "netwright/train/checkpoint.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "netwright/base/error.h"
#include "netwright/base/file.h"
#include "netwright/base/random.h"
#include "train/example.h"

namespace netwright {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "netwright-checkpoint-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

Checkpoint small_checkpoint(double value = 1.5) {
  Checkpoint checkpoint;
  checkpoint.network = testing::linear_network();
  checkpoint.recipe = testing::example_recipe();
  checkpoint.configuration.set("width", std::int64_t{16});
  checkpoint.data = {{"class_names", {"a", "b"}}};
  checkpoint.metrics = {{"accuracy", 0.75}};
  checkpoint.progress = {{"step", 12}, {"loss_sum", 0.1}};
  checkpoint.evaluated = "model.";
  checkpoint.tensors = {{"model.weight", torch::full({3, 4}, value)},
                        {"model.image", torch::rand({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast)},
                        {"model.double", torch::rand({2}, torch::kDouble)},
                        {"optimizer.steps", torch::arange(5)},
                        {"random.state", torch::randint(0, 256, {40}, torch::kByte)},
                        {"model.half", torch::rand({3}).to(torch::kHalf)},
                        {"model.flag", torch::ones({2}, torch::kBool)},
                        {"model.empty", torch::zeros({0, 3})},
                        {"model.scalar", torch::tensor(2.5)}};
  return checkpoint;
}

void expect_equal(const Checkpoint& a, const Checkpoint& b) {
  EXPECT_EQ(to_json(a.network), to_json(b.network));
  EXPECT_EQ(to_json(a.recipe), to_json(b.recipe));
  EXPECT_EQ(a.configuration, b.configuration);
  EXPECT_EQ(a.data, b.data);
  EXPECT_EQ(a.metrics, b.metrics);
  EXPECT_EQ(a.progress, b.progress);
  EXPECT_EQ(a.evaluated, b.evaluated);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].first, b.tensors[i].first);
    EXPECT_EQ(a.tensors[i].second.scalar_type(), b.tensors[i].second.scalar_type());
    EXPECT_TRUE(torch::equal(a.tensors[i].second, b.tensors[i].second)) << a.tensors[i].first;
  }
}

// Whether it loads; anything but an invalid Error is a failure of the test.
bool loads(const std::string& bytes) {
  try {
    decode_checkpoint(bytes, "file");
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::invalid);
    return false;
  }
}

TEST(Checkpoint, ComesBackAsItWas) {
  const Checkpoint checkpoint = small_checkpoint();
  expect_equal(decode_checkpoint(encode_checkpoint(checkpoint), "file"), checkpoint);
}

TEST(Checkpoint, NoFlipOfAnyByteLoads) {
  const std::string good = encode_checkpoint(small_checkpoint());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    ASSERT_FALSE(loads(bad)) << "byte " << i;
  }
}

TEST(Checkpoint, TenThousandRandomDamagesNeverLoad) {
  const std::string good = encode_checkpoint(small_checkpoint());
  Random random(7);
  for (int i = 0; i < 10'000; ++i) {
    std::string bad = good;
    switch (random.below(4)) {
      case 0:  // one bit
        bad[random.below(bad.size())] ^= static_cast<char>(1 << random.below(8));
        break;
      case 1:  // cut off
        bad.resize(random.below(bad.size()));
        break;
      case 2:  // a stretch overwritten
        for (std::size_t at = random.below(bad.size()), end = std::min(bad.size(), at + 1 + random.below(64)); at < end;
             ++at) {
          bad[at] = static_cast<char>(random());
        }
        break;
      default:  // something put in
        bad.insert(random.below(bad.size() + 1), 1 + random.below(16), static_cast<char>(random()));
    }
    ASSERT_EQ(loads(bad), bad == good) << "damage " << i;
  }
}

TEST(Checkpoint, RandomBytesNeverLoad) {
  Random random(8);
  const std::string good = encode_checkpoint(small_checkpoint());
  for (int i = 0; i < 1000; ++i) {
    std::string bytes = good.substr(0, random.below(60));
    while (bytes.size() < 200) bytes.push_back(static_cast<char>(random()));
    ASSERT_FALSE(loads(bytes));
  }
}

// A file with a right digest over a header that somebody has written by hand.
std::string forge(const std::string& header, const std::string& data) {
  std::string bytes = encode_checkpoint(small_checkpoint()).substr(0, 52);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data() + 12, &length, sizeof length);
  const std::string covered = bytes.substr(0, 20) + header;
  unsigned char digest[32];
  crypto_generichash(digest, sizeof digest, reinterpret_cast<const unsigned char*>(covered.data()), covered.size(),
                     nullptr, 0);
  bytes.replace(20, 32, reinterpret_cast<const char*>(digest), 32);
  return bytes + header + data;
}

TEST(Checkpoint, ForgedSizesAreRefusedBeforeAnythingIsAllocated) {
  const std::string good = encode_checkpoint(small_checkpoint());
  std::uint64_t length = 0;
  std::memcpy(&length, good.data() + 12, sizeof length);
  const Json header = Json::parse(good.substr(52, length));
  const std::string data = good.substr(52 + length);
  ASSERT_TRUE(loads(forge(header.dump(), data)));
  const auto with = [&](const std::string& key, const Json& value) {
    Json changed = header;
    changed["tensors"][0][key] = value;
    return forge(changed.dump(), data);
  };
  EXPECT_FALSE(loads(with("shape", {std::int64_t{1} << 40, std::int64_t{1} << 40})));
  EXPECT_FALSE(loads(with("shape", {std::int64_t{1} << 45})));
  EXPECT_FALSE(loads(with("shape", {-3, -4})));
  EXPECT_FALSE(loads(with("shape", {3, 5})));
  EXPECT_FALSE(loads(with("shape", "3x4")));
  EXPECT_FALSE(loads(with("offset", 4)));
  EXPECT_FALSE(loads(with("offset", -4)));
  EXPECT_FALSE(loads(with("type", "float128")));
  EXPECT_FALSE(loads(with("type", "int64")));
  EXPECT_FALSE(loads(with("name", "model.image")));
  EXPECT_FALSE(loads(forge("[]", data)));
  EXPECT_FALSE(loads(forge("{", data)));
  EXPECT_FALSE(loads(forge(std::string(100'000, '['), data)));
}

TEST(Checkpoint, AnotherVersionIsNamed) {
  std::string bytes = encode_checkpoint(small_checkpoint());
  bytes[8] = 9;
  try {
    decode_checkpoint(bytes, "old.ckpt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("version 9"), std::string::npos) << error.what();
    EXPECT_EQ(error.where().file, "old.ckpt");
  }
}

TEST(CheckpointFile, KeepsTheOneBefore) {
  const Folder folder;
  const std::string path = folder.file("model.ckpt");
  for (const double value : {1.0, 2.0, 3.0}) save_checkpoint(path, small_checkpoint(value));
  const auto weight = [](const Checkpoint& checkpoint) {
    return find_tensor(checkpoint.tensors, "model.weight")->index({0, 0}).item<double>();
  };
  EXPECT_EQ(weight(load_checkpoint(path)), 3.0);
  EXPECT_EQ(weight(load_checkpoint(path + ".previous")), 2.0);
  EXPECT_EQ(load_checkpoint_or_previous(path).warning, "");

  std::string bytes = read_file(path);
  bytes[bytes.size() / 2] ^= 4;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_THROW(load_checkpoint(path), Error);
  const LoadedCheckpoint loaded = load_checkpoint_or_previous(path);
  EXPECT_EQ(weight(loaded.checkpoint), 2.0);
  EXPECT_NE(loaded.warning.find("model.ckpt"), std::string::npos);

  fs::remove(path);
  EXPECT_EQ(weight(load_checkpoint_or_previous(path).checkpoint), 2.0);
  std::ofstream(path + ".previous", std::ios::binary) << "nothing";
  EXPECT_THROW(load_checkpoint_or_previous(path), Error);
}

TEST(CheckpointFile, DamagedFilesNeverLoad) {
  const Folder folder;
  const std::string path = folder.file("model.ckpt");
  const std::string good = encode_checkpoint(small_checkpoint());
  Random random(9);
  for (int i = 0; i < 500; ++i) {
    std::string bad = good;
    if (i % 2 == 0) {
      bad[random.below(bad.size())] ^= static_cast<char>(1 << random.below(8));
    } else {
      bad.resize(random.below(bad.size()));
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
    ASSERT_THROW(load_checkpoint(path), Error);
  }
  EXPECT_THROW(load_checkpoint(folder.file("absent.ckpt")), Error);
}

TEST(CheckpointFile, FailedWritingLeavesTheOldOne) {
  const Folder folder;
  const std::string path = folder.file("model.ckpt");
  save_checkpoint(path, small_checkpoint(1));
  Checkpoint impossible = small_checkpoint(2);
  impossible.tensors.emplace_back("complex", torch::zeros({2}, torch::kComplexFloat));
  EXPECT_THROW(save_checkpoint(path, impossible), Error);
  expect_equal(load_checkpoint(path), load_checkpoint(path));
  EXPECT_EQ(find_tensor(load_checkpoint(path).tensors, "model.weight")->index({0, 0}).item<double>(), 1.0);
  EXPECT_THROW(save_checkpoint(folder.file("absent/model.ckpt"), small_checkpoint()), Error);
}

}  // namespace
}  // namespace netwright
