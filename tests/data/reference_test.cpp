// Real data sets, where this machine has them.
#include <stdlib.h>

#include <cmath>

#include "data/files.h"
#include "netwright/data/loader.h"

namespace netwright {
namespace {

using namespace testing;

std::string reference_data() {
  const char* folder = std::getenv("NETWRIGHT_REFERENCE_DATA");
  return folder != nullptr ? folder : NETWRIGHT_SOURCE_DIR "/../shared/data";
}

TEST(FashionMnist, HasItsKnownSizesAndStatistics) {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  DataOptions options;
  options.format = "fashion-mnist";
  const SearchData data = open_data(options);
  EXPECT_EQ(data.training.shape(), (Shape{1, 28, 28}));
  EXPECT_EQ(data.training.class_counts(), std::vector<std::int64_t>(10, 5400));
  EXPECT_EQ(data.validation.class_counts(), std::vector<std::int64_t>(10, 600));
  EXPECT_NEAR(data.training.normalization().mean[0], 0.2860, 0.001);  // of all 60,000: 0.2860 and 0.3530
  EXPECT_NEAR(data.training.normalization().deviation[0], 0.3530, 0.001);
  const TestData test = open_test_data(options, FinalEvaluation());
  EXPECT_EQ(test.class_counts(), std::vector<std::int64_t>(10, 1000));
  EXPECT_EQ(test.class_names()[static_cast<std::size_t>(test.label(0))], "ankle boot");
  const Batch batch = EvaluationLoader(data.validation, 6000).get(0);
  EXPECT_NEAR(batch.inputs.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(batch.inputs.std().item<double>(), 1, 0.02);
}

TEST(CifarJpeg, AFolderOfRealPicturesOpens) {
  const std::string archive = reference_data() + "/images/cifar10-jpeg.tar.xz";
  if (!std::filesystem::exists(archive)) GTEST_SKIP() << archive << " is absent (set NETWRIGHT_REFERENCE_DATA)";
  const TemporaryFolder folder;
  const std::string command = "tar -xJf '" + archive + "' -C '" + folder.path() +
                              "' --strip-components=2 --wildcards 'cifar10-jpeg/test/*/000[0-5].jpg'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  DataOptions options = options_for("image-folder", folder.path());
  const SearchData data = open_data(options);
  EXPECT_EQ(data.training.classes(), 10);
  EXPECT_EQ(data.training.shape(), (Shape{3, 32, 32}));
  EXPECT_EQ(data.training.size() + data.validation.size() + open_test_data(options, FinalEvaluation()).size(), 60);
  for (const float mean : data.training.normalization().mean) EXPECT_NEAR(mean, 0.48, 0.15);
  EXPECT_TRUE(std::isfinite(EvaluationLoader(data.training, 64).get(0).inputs.sum().item<float>()));
}

}  // namespace
}  // namespace netwright
