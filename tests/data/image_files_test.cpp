// IDX and CIFAR files.
#include "data/files.h"
#include "netwright/data/cifar.h"
#include "netwright/data/class_names.h"
#include "netwright/data/idx.h"

namespace netwright {
namespace {

using namespace testing;

TEST(Idx, ReadsPlainAndCompressedAlike) {
  const TemporaryFolder plain;
  const TemporaryFolder packed;
  write_mnist(plain.path());
  for (const char* name : {"train-images", "t10k-images"}) {
    const std::string file = std::string(name) + "-idx3-ubyte";
    write_bytes(packed / (std::string(name) + ".idx3-ubyte.gz"), gzip(read_bytes(plain / file)));
  }
  for (const char* name : {"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"}) {
    write_bytes(packed / (std::string(name) + ".gz"), gzip(read_bytes(plain / name)));
  }
  const auto& names = class_names_of("mnist");
  const Examples a = read_idx(find_idx_files(plain.path(), Part::train), names);
  const Examples b = read_idx(find_idx_files(packed.path(), Part::train), names);
  EXPECT_EQ(a.shape, (Shape{1, 6, 5}));
  EXPECT_EQ(a.labels.size(), 60U);
  EXPECT_EQ(a.labels[13], 3);
  EXPECT_EQ(a.pixels[(13 * 6 + 4) * 5 + 2], pixel(13, 0, 4, 2));
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(a.labels, b.labels);
}

// One file of a good folder replaced; what reading says.
void expect_idx_error(const std::string& name, const std::string& content, const std::string& part) {
  const TemporaryFolder folder;
  write_mnist(folder.path());
  write_bytes(folder / name, content);
  expect_invalid([&] { read_idx(find_idx_files(folder.path(), Part::train), class_names_of("mnist")); }, folder / name,
                 part);
}

TEST(Idx, RefusesMislabelledAndBrokenFiles) {
  const std::string images = "train-images-idx3-ubyte";
  const std::string labels = "train-labels-idx1-ubyte";
  expect_idx_error(images, idx_labels(60), "may have been swapped");
  expect_idx_error(labels, idx_images(60, 6, 5), "may have been swapped");
  expect_idx_error(images, "P5 28 28 255", "not an IDX file");
  expect_idx_error(images, "", "header");
  expect_idx_error(images, idx_images(60, 6, 5) + "x", "after the end");
  expect_idx_error(images, idx_images(60, 6, 5).substr(0, 1000), "more than the file can hold");
  expect_idx_error(images, gzip(idx_images(60, 6, 5).substr(0, 1000)), "truncated");
  expect_idx_error(images, gzip(idx_images(60, 6, 5)).substr(0, 200), "cut off");
  expect_idx_error(images, gzip(idx_images(60, 6, 5)) + "x", "after the end of its gzip stream");
  expect_idx_error(images, gzip(idx_images(60, 6, 5) + "x"), "after the end");
  expect_idx_error(labels, idx_labels(59), "59 labels");
  expect_idx_error(labels, idx_labels(60, 12), "label 10 of example 10 is out of range");
  expect_idx_error(labels, big_endian(0x0801) + big_endian(0), "0 examples");
}

TEST(Idx, ChecksumOfCompressedFilesIsChecked) {
  std::string packed = gzip(idx_images(60, 6, 5));
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // CRC, then length
  expect_idx_error("train-images-idx3-ubyte", packed, "corrupt gzip stream");
}

TEST(Idx, HugeHeadersAllocateNothing) {
  const auto header = [](std::uint32_t count, std::uint32_t height, std::uint32_t width) {
    return big_endian(0x0803) + big_endian(count) + big_endian(height) + big_endian(width);
  };
  const std::string images = "train-images-idx3-ubyte";
  expect_idx_error(images, header(0x7fffffff, 4096, 4096), "more than the file can hold");
  expect_idx_error(images, gzip(header(0x7fffffff, 4096, 4096)), "more than the file can hold");
  expect_idx_error(images, header(0xffffffff, 28, 28), "examples");
  expect_idx_error(images, header(60, 0xffffffff, 0xffffffff), "pixels");
  expect_idx_error(images, header(60, 0, 28), "pixels");
  expect_idx_error("train-labels-idx1-ubyte", big_endian(0x0801) + big_endian(0x7fffffff),
                   "more than the file can hold");
}

TEST(Idx, MissingFilesAreNamed) {
  const TemporaryFolder folder;
  write_mnist(folder.path());
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  expect_invalid([&] { find_idx_files(folder.path(), Part::test); }, folder.path(), "t10k-labels");
  expect_invalid([&] { open_data(options_for("mnist", folder.path())); }, folder.path(), "t10k-labels");
  expect_invalid([&] { open_data(options_for("mnist", folder / "absent")); }, "absent", "no such folder");
}

TEST(Cifar, ReordersPlanesToPixels) {
  const TemporaryFolder folder;
  write_cifar10(folder / "cifar-10-batches-bin");
  const auto files = find_cifar_files(folder.path(), "cifar-10", Part::train);
  ASSERT_EQ(files.size(), 2U);
  const Examples examples = read_cifar(files, "cifar-10");
  EXPECT_EQ(examples.shape, (Shape{3, 32, 32}));
  ASSERT_EQ(examples.labels.size(), 60U);
  EXPECT_EQ(examples.labels[34], 4);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(examples.pixels[((34 * 32 + 7) * 32 + 9) * 3 + c], pixel(4, c, 7, 9));
  }
}

TEST(Cifar, HundredClassesUseTheFineLabel) {
  const TemporaryFolder folder;
  write_bytes(folder / "train.bin", cifar_records(300, true, 100));
  write_bytes(folder / "test.bin", cifar_records(100, true, 100));
  const SearchData data = open_data(options_for("cifar-100", folder.path()));
  EXPECT_EQ(data.training.classes(), 100);
  EXPECT_EQ(data.training.class_names()[42], "leopard");
  EXPECT_EQ(data.training.size() + data.validation.size(), 300);
  EXPECT_EQ(open_test_data(options_for("cifar-100", folder.path()), FinalEvaluation()).label(42), 42);
}

TEST(Cifar, RefusesBrokenFiles) {
  const TemporaryFolder folder;
  write_cifar10(folder.path());
  const auto read = [&] { read_cifar(find_cifar_files(folder.path(), "cifar-10", Part::train), "cifar-10"); };
  const std::string second = folder / "data_batch_2.bin";
  const std::string good = read_bytes(second);
  write_bytes(second, good.substr(0, good.size() - 1));
  expect_invalid(read, second, "not whole records");
  write_bytes(second, good + "x");
  expect_invalid(read, second, "not whole records");
  write_bytes(second, "");
  expect_invalid(read, second, "0 bytes");
  write_bytes(second, good.substr(0, 3073 * 20));  // cut between two records
  expect_invalid(read, second, "equally long");
  std::string labelled = good;
  labelled[3073 * 5] = 10;
  write_bytes(second, labelled);
  expect_invalid(read, second, "label 10 of record 5 is out of range");
  std::filesystem::remove(folder / "data_batch_1.bin");
  expect_invalid(read, folder.path(), "data_batch_1.bin");
}

TEST(Cifar, CoarseLabelsAreChecked) {
  const TemporaryFolder folder;
  std::string records = cifar_records(300, true, 100);
  records[3074 * 2] = 20;
  write_bytes(folder / "train.bin", records);
  expect_invalid([&] { read_cifar({folder / "train.bin"}, "cifar-100"); }, folder / "train.bin", "coarse label 20");
}

TEST(ClassNames, AreAsManyAsTheClasses) {
  EXPECT_EQ(class_names_of("fashion-mnist").size(), 10U);
  EXPECT_EQ(class_names_of("mnist").size(), 10U);
  EXPECT_EQ(class_names_of("cifar-10").size(), 10U);
  auto names = class_names_of("cifar-100");
  EXPECT_EQ(names.size(), 100U);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace netwright
