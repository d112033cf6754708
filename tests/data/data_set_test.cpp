#include "netwright/data/data_set.h"

#include <cmath>
#include <set>
#include <type_traits>

#include "data/files.h"
#include "netwright/data/loader.h"
#include "netwright/data/split.h"

namespace netwright {
namespace {

using namespace testing;

// ---- search code cannot touch test data: it does not compile ----

template <class Data>
concept TrainsOn = requires(const Data& data) {
  Loader(data, AugmentationOptions(), 32, 0);
};
template <class Data>
concept SearchEvaluatesOn = requires(const Data& data) {
  EvaluationLoader(data, 32);
};

static_assert(TrainsOn<TrainingData> && !TrainsOn<ValidationData> && !TrainsOn<TestData>);
static_assert(SearchEvaluatesOn<TrainingData> && SearchEvaluatesOn<ValidationData> && !SearchEvaluatesOn<TestData>);
static_assert(!std::is_convertible_v<TestData, ValidationData> && !std::is_constructible_v<ValidationData, TestData>);
static_assert(!std::is_constructible_v<TrainingData, TestData> && !std::is_constructible_v<TrainingData, ExampleSet>);
static_assert(std::is_constructible_v<EvaluationLoader, const TestData&, FinalEvaluation, int>);
// FinalEvaluation must be written out: {} does not make one.
static_assert(!std::is_convertible_v<std::initializer_list<int>, FinalEvaluation>);
template <class Options>
concept OpensTestDataSilently = requires(const Options& options) {
  open_test_data(options, {});
};
static_assert(!OpensTestDataSilently<DataOptions>);

TEST(LargestRemainder, IsProportionalAndExact) {
  EXPECT_EQ(largest_remainder({10, 20, 70}, 10), (std::vector<std::int64_t>{1, 2, 7}));
  EXPECT_EQ(largest_remainder({1, 1, 1}, 2), (std::vector<std::int64_t>{1, 1, 0}));
  EXPECT_EQ(largest_remainder({6, 3, 1}, 5), (std::vector<std::int64_t>{3, 2, 0}));
  EXPECT_EQ(largest_remainder({6, 3, 1}, 10), (std::vector<std::int64_t>{6, 3, 1}));
  EXPECT_EQ(largest_remainder({0, 0}, 0), (std::vector<std::int64_t>{0, 0}));
}

TEST(Divide, PicksEachExampleOnceAndKeepsClasses) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 300; ++i) labels.push_back(i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2);
  const Division a = divide(labels, all_indices(300), 3, 100, true, 1);
  const Division b = divide(labels, all_indices(300), 3, 100, true, 1);
  const Division c = divide(labels, all_indices(300), 3, 100, true, 2);
  EXPECT_EQ(a.picked, b.picked);
  EXPECT_NE(a.picked, c.picked);
  EXPECT_EQ(a.picked.size(), 100U);
  std::set<std::int32_t> all(a.picked.begin(), a.picked.end());
  all.insert(a.rest.begin(), a.rest.end());
  EXPECT_EQ(all.size(), 300U);
  std::vector<int> counts(3);
  for (const auto index : a.picked) ++counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(index)])];
  EXPECT_EQ(counts, (std::vector<int>{60, 30, 10}));
}

TEST(Divide, LeavesOneOfEachClass) {
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 0, 0, 1};
  const Division division = divide(labels, all_indices(7), 2, 7, true, 1);
  EXPECT_EQ(division.picked.size(), 5U);
  EXPECT_EQ(division.rest.size(), 2U);
}

class OpenData : public ::testing::Test {
 protected:
  OpenData() { write_mnist(folder_.path(), 200, 50); }
  DataOptions options() const { return options_for("mnist", folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(OpenData, SplitsAreBalancedAndRepeatable) {
  const SearchData a = open_data(options());
  EXPECT_EQ(a.training.size(), 180);
  EXPECT_EQ(a.validation.size(), 20);
  EXPECT_EQ(a.training.class_counts(), std::vector<std::int64_t>(10, 18));
  EXPECT_EQ(a.validation.class_counts(), std::vector<std::int64_t>(10, 2));
  const SearchData b = open_data(options());
  DataOptions other = options();
  other.split_seed = 1;
  const SearchData c = open_data(other);
  int same = 0;
  for (std::int64_t i = 0; i < 20; ++i) {
    const auto* first = a.validation.pixels(i);
    EXPECT_TRUE(std::equal(first, first + 30, b.validation.pixels(i)));
    same += std::equal(first, first + 30, c.validation.pixels(i)) ? 1 : 0;
  }
  EXPECT_LT(same, 10);
}

TEST_F(OpenData, LimitsAreClassBalanced) {
  DataOptions limited = options();
  limited.train_limit = 55;
  limited.validation_limit = 10;
  limited.test_limit = 30;
  const SearchData data = open_data(limited);
  EXPECT_EQ(data.training.size(), 55);
  for (const auto count : data.training.class_counts()) EXPECT_TRUE(count == 5 || count == 6) << count;
  EXPECT_EQ(data.validation.class_counts(), std::vector<std::int64_t>(10, 1));
  EXPECT_EQ(open_test_data(limited, FinalEvaluation()).class_counts(), std::vector<std::int64_t>(10, 3));
  limited.train_limit = 5;
  expect_invalid([&] { open_data(limited); }, folder_.path(), "train_limit 5");
}

TEST_F(OpenData, SubsetsAreBalancedAndRepeatable) {
  const SearchData data = open_data(options());
  const TrainingData third = data.training.subset(1.0 / 3);
  EXPECT_EQ(third.class_counts(), std::vector<std::int64_t>(10, 6));
  EXPECT_EQ(third.pixels(7), data.training.subset(1.0 / 3).pixels(7));  // the same bytes in memory: nothing is copied
  EXPECT_EQ(data.training.subset(1).size(), 180);
  EXPECT_EQ(data.training.subset(1e-9).size(), 1);
  EXPECT_EQ(&third.normalization(), &data.training.normalization());
  for (const double fraction : {0.0, -1.0, 1.1, std::nan("")}) EXPECT_THROW(data.training.subset(fraction), Error);
}

TEST_F(OpenData, NormalisationIsOfTheTrainingSplit) {
  const SearchData data = open_data(options());
  double sum = 0;
  double squares = 0;
  for (std::int64_t i = 0; i < data.training.size(); ++i) {
    for (int k = 0; k < 30; ++k) {
      const double value = data.training.pixels(i)[k] / 255.0;
      sum += value;
      squares += value * value;
    }
  }
  const double count = 30.0 * 180;
  EXPECT_NEAR(data.training.normalization().mean[0], sum / count, 1e-6);
  EXPECT_NEAR(data.training.normalization().deviation[0], std::sqrt(squares / count - sum * sum / count / count), 1e-6);
  const TestData test = open_test_data(options(), FinalEvaluation());
  EXPECT_EQ(test.normalization().mean, data.training.normalization().mean);
}

TEST_F(OpenData, TestFilesAreNeverOpenedForASearch) {
  write_bytes(folder_ / "t10k-images-idx3-ubyte", "unreadable");
  EXPECT_EQ(open_data(options()).training.size(), 180);
  expect_invalid([&] { open_test_data(options(), FinalEvaluation()); }, "t10k-images", "not an IDX file");
}

TEST_F(OpenData, TestImagesMustFitTheTrainingImages) {
  write_bytes(folder_ / "t10k-images-idx3-ubyte", idx_images(50, 7, 5));
  expect_invalid([&] { open_test_data(options(), FinalEvaluation()); }, folder_.path(), "1x7x5");
}

TEST_F(OpenData, EmptyClassesAreNamed) {
  write_bytes(folder_ / "train-labels-idx1-ubyte", idx_labels(200, 9));
  expect_invalid([&] { open_data(options()); }, folder_.path(), "class '9' has no training example");
}

TEST_F(OpenData, OptionsMadeInCodeAreChecked) {
  expect_invalid([&] { open_data(options_for("mnits", folder_.path())); }, "", "did you mean 'mnist'");
  expect_invalid([&] { open_data(options_for("csv", "")); }, "", "data.path");
  DataOptions all = options();
  all.validation_fraction = 1;
  expect_invalid([&] { open_data(all); }, "", "validation_fraction");
}

TEST_F(OpenData, IsDescribedForTheReport) {
  const Json about = describe(open_data(options()), options());
  EXPECT_EQ(about["input"], (Json{1, 6, 5}));
  EXPECT_EQ(about["classes"], 10);
  EXPECT_EQ(about["training"], 180);
  EXPECT_EQ(about["validation"], 20);
}

// Every picture has a colour of its own, so equal colours mean a shared example.
TEST(OpenImageFolder, HeldOutTestExamplesAreNowhereElse) {
  const TemporaryFolder folder;
  for (int i = 0; i < 40; ++i) {
    const std::string name = (i % 2 == 0 ? "even/" : "odd/") + std::to_string(i) + ".png";
    write_bytes(folder / name, png(4, 4, PNG_FORMAT_RGB, gradient(4, 4, i, 5 * i)));
  }
  DataOptions options = options_for("image-folder", folder.path());
  options.image_size = 4;
  const SearchData data = open_data(options);
  const TestData test = open_test_data(options, FinalEvaluation());
  EXPECT_EQ(data.training.size(), 29);
  EXPECT_EQ(data.validation.size(), 3);
  EXPECT_EQ(test.size(), 8);
  std::multiset<int> colours;
  for (std::int64_t i = 0; i < data.training.size(); ++i) colours.insert(data.training.pixels(i)[0]);
  for (std::int64_t i = 0; i < data.validation.size(); ++i) colours.insert(data.validation.pixels(i)[0]);
  for (std::int64_t i = 0; i < test.size(); ++i) {
    colours.insert(test.pixels(i)[0]);
    EXPECT_EQ(test.label(i), test.pixels(i)[0] % 2);
  }
  EXPECT_EQ(colours.size(), 40U);
  EXPECT_EQ(std::set<int>(colours.begin(), colours.end()).size(), 40U);
}

}  // namespace
}  // namespace netwright
