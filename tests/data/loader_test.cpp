#include "netwright/data/loader.h"

#include <cmath>
#include <map>
#include <set>

#include "data/files.h"
#include "netwright/base/random.h"
#include "netwright/data/assemble.h"

namespace netwright {
namespace {

using namespace testing;

// `count` images whose pixels tell example, channel, row and column; label = example % 10.
template <class Data = TrainingData>
Data make_images(std::int64_t count, Shape shape = {3, 8, 6}) {
  auto examples = std::make_shared<Examples>();
  examples->shape = shape;
  examples->class_names.assign(10, "c");
  std::vector<std::int32_t> indices;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        for (std::int64_t c = 0; c < shape.channels; ++c) {
          examples->pixels.push_back(
              pixel(static_cast<int>(i), static_cast<int>(c), static_cast<int>(y), static_cast<int>(x)));
        }
      }
    }
    examples->labels.push_back(static_cast<std::int32_t>(i % 10));
    indices.push_back(static_cast<std::int32_t>(i));
  }
  auto normalization = std::make_shared<Normalization>();
  for (std::int64_t c = 0; c < shape.channels; ++c) {
    normalization->mean.push_back(0.25F * static_cast<float>(c + 1));
    normalization->deviation.push_back(0.125F * static_cast<float>(c + 1));
  }
  return Data(examples, indices, normalization, 0);
}

TrainingData make_rows(std::int64_t count, std::int64_t features) {
  auto examples = std::make_shared<Examples>();
  examples->shape = {features, 0, 0};
  examples->class_names.assign(2, "c");
  std::vector<std::int32_t> indices;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t f = 0; f < features; ++f) examples->rows.push_back(static_cast<float>(100 * i + f));
    examples->labels.push_back(static_cast<std::int32_t>(i % 2));
    indices.push_back(static_cast<std::int32_t>(i));
  }
  return {examples, indices, std::make_shared<Normalization>(), 0};
}

constexpr AugmentationOptions everything{.crop_padding = 2, .flip = true, .cutout = 3, .normalize = true};

TEST(EvaluationLoader, NormalisesEachChannelInChannelsLast) {
  const TrainingData data = make_images(10);
  EvaluationLoader loader(data, 4);
  EXPECT_EQ(loader.batches(), 3);
  EXPECT_EQ(loader.examples(), 10);
  std::int64_t seen = 0;
  for (std::int64_t b = 0; b < loader.batches(); ++b) {
    const Batch batch = loader.get(b);
    EXPECT_EQ(batch.size(), b < 2 ? 4 : 2);
    EXPECT_TRUE(batch.inputs.is_contiguous(torch::MemoryFormat::ChannelsLast));
    ASSERT_EQ(batch.inputs.sizes(), (std::vector<std::int64_t>{batch.size(), 3, 8, 6}));
    for (std::int64_t i = 0; i < batch.size(); ++i, ++seen) {
      EXPECT_EQ(batch.labels[i].item<std::int64_t>(), seen % 10);
      for (int c = 0; c < 3; ++c) {
        const double expected = (pixel(static_cast<int>(seen), c, 5, 4) / 255.0 - 0.25 * (c + 1)) / (0.125 * (c + 1));
        EXPECT_NEAR(batch.inputs[i][c][5][4].item<double>(), expected, 1e-5);
      }
    }
  }
  EvaluationLoader plain(data, 4, false);
  EXPECT_NEAR(plain.get(1).inputs[2][1][3][2].item<double>(), pixel(6, 1, 3, 2) / 255.0, 1e-6);
}

TEST(EvaluationLoader, TestDataNeedTheToken) {
  const auto data = make_images<TestData>(5);
  EXPECT_EQ(EvaluationLoader(data, FinalEvaluation(), 8).get(0).size(), 5);
}

// What crop, flip, normalisation and cutout make of one image, said plainly with tensors.
torch::Tensor reference(const torch::Tensor& image, int padding, int shift_x, int shift_y, bool flip) {
  auto padded = torch::constant_pad_nd(image, {padding, padding, padding, padding});
  auto cropped = padded.slice(1, padding + shift_y, padding + shift_y + image.size(1))
                     .slice(2, padding + shift_x, padding + shift_x + image.size(2));
  if (flip) cropped = cropped.flip(2);
  const auto mean = torch::tensor({0.25, 0.5, 0.75}).view({3, 1, 1});
  const auto deviation = torch::tensor({0.125, 0.25, 0.375}).view({3, 1, 1});
  return (cropped - mean) / deviation;
}

TEST(ImageAssembler, AgreesWithPaddingCroppingAndFlippingTensors) {
  const TrainingData data = make_images(1);
  const auto image = EvaluationLoader(data, 1, false).get(0).inputs[0].clone();
  std::vector<torch::Tensor> possible;
  for (int x = -2; x <= 2; ++x) {
    for (int y = -2; y <= 2; ++y) {
      for (const bool flip : {false, true}) possible.push_back(reference(image, 2, x, y, flip).to(torch::kFloat32));
    }
  }
  const auto references = torch::stack(possible);  // 5 x 5 shifts in two directions
  ImageAssembler assembler(data.shape(), data.normalization(), {.crop_padding = 2, .flip = true});
  std::vector<int> seen(possible.size());
  Random random(3);
  for (int trial = 0; trial < 2000; ++trial) {
    auto out = torch::empty({8, 6, 3});
    assembler.write(data.pixels(0), out.data_ptr<float>(), random.next());
    const auto matches = (references - out.permute({2, 0, 1})).abs().flatten(1).amax(1).lt(1e-4).nonzero();
    ASSERT_EQ(matches.size(0), 1);
    ++seen[static_cast<std::size_t>(matches.item<std::int64_t>())];
  }
  for (const int count : seen) EXPECT_GT(count, 10);  // 40 expected
}

TEST(ImageAssembler, CutoutIsOneSquareOfZeros) {
  const TrainingData data = make_images(1, {1, 9, 9});
  ImageAssembler whole(data.shape(), data.normalization(), {});
  ImageAssembler cut(data.shape(), data.normalization(), {.cutout = 3});
  auto plain = torch::empty({9, 9});
  whole.write(data.pixels(0), plain.data_ptr<float>(), 1);
  std::map<std::int64_t, int> sizes;
  auto hits = torch::zeros({9, 9});
  for (std::uint64_t key = 0; key < 3000; ++key) {
    auto out = torch::empty({9, 9});
    cut.write(data.pixels(0), out.data_ptr<float>(), key * 77);
    const auto changed = out.ne(plain);
    EXPECT_TRUE(out.masked_select(changed).eq(0).all().item<bool>());
    const auto rows = changed.any(1).sum().item<std::int64_t>();
    const auto columns = changed.any(0).sum().item<std::int64_t>();
    EXPECT_EQ(changed.sum().item<std::int64_t>(), rows * columns);
    ++sizes[rows * columns];
    hits += changed;
  }
  // A centre at a border loses a row or a column: 3x3, 3x2, 2x2.
  EXPECT_EQ(sizes.size(), 3U);
  EXPECT_GT(sizes[9], sizes[4]);
  EXPECT_GT(hits.min().item<float>(), 0);
}

// The next `count` batches, each as one matrix of inputs and label.
std::vector<torch::Tensor> drain(Loader& loader, std::int64_t count) {
  std::vector<torch::Tensor> batches;
  for (std::int64_t i = 0; i < count; ++i) {
    const Batch batch = loader.next();
    batches.push_back(torch::cat({batch.inputs.flatten(1), batch.labels.unsqueeze(1).to(torch::kFloat32)}, 1));
  }
  return batches;
}

void expect_equal(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b, std::size_t skipped = 0) {
  ASSERT_EQ(a.size(), b.size() + skipped);
  for (std::size_t i = 0; i < b.size(); ++i) EXPECT_TRUE(torch::equal(a[i + skipped], b[i])) << "batch " << i;
}

TEST(Loader, EveryEpochShowsEachExampleOnceInAnotherOrder) {
  const TrainingData data = make_rows(50, 3);
  Loader loader(data, {}, 8, 1);
  EXPECT_EQ(loader.batches(), 7);
  EXPECT_EQ(loader.examples(), 50);
  std::vector<std::vector<float>> epochs;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<float> order;
    for (std::int64_t i = 0; i < loader.batches(); ++i) {
      const Batch batch = loader.next();
      EXPECT_EQ(batch.epoch, epoch);
      EXPECT_EQ(batch.index, i);
      for (std::int64_t k = 0; k < batch.size(); ++k) {
        order.push_back(batch.inputs[k][0].item<float>());
        EXPECT_EQ(batch.inputs[k][2].item<float>(), order.back() + 2);
        EXPECT_EQ(batch.labels[k].item<std::int64_t>(), static_cast<std::int64_t>(order.back() / 100) % 2);
      }
    }
    epochs.push_back(order);
    std::sort(order.begin(), order.end());
    for (std::size_t k = 0; k < 50; ++k) EXPECT_EQ(order[k], 100.0F * static_cast<float>(k));
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
}

TEST(Loader, SeedDecidesAndThreadsDoNot) {
  const TrainingData data = make_images(70);
  Loader a(data, everything, 16, 5, {.background = false});
  Loader b(data, everything, 16, 5, {.background = true});
  Loader c(data, everything, 16, 6, {.background = false});
  const auto first = drain(a, 12);
  expect_equal(first, drain(b, 12));
  EXPECT_FALSE(torch::equal(first[0], drain(c, 1)[0]));
}

TEST(Loader, SeekingResumesExactly) {
  const TrainingData data = make_images(70);
  for (const bool background : {false, true}) {
    Loader whole(data, everything, 16, 5, {background});
    const auto expected = drain(whole, 14);  // 5 batches an epoch
    Loader resumed(data, everything, 16, 5, {background});
    drain(resumed, 2);
    resumed.seek(1, 2);
    expect_equal(expected, drain(resumed, 7), 7);
    resumed.seek(0, 5);  // the end of epoch 0 is the beginning of epoch 1
    expect_equal(expected, drain(resumed, 9), 5);
  }
}

TEST(Loader, AugmentationDoesNotDependOnTheBatchSize) {
  const TrainingData data = make_images(60);
  Loader small(data, everything, 4, 9);
  Loader large(data, everything, 30, 9);
  EXPECT_TRUE(torch::equal(torch::cat(drain(small, 15)), torch::cat(drain(large, 2))));
}

TEST(Loader, ALastBatchOfOneIsLeftOut) {
  EXPECT_EQ(Loader(make_rows(17, 2), {}, 8, 0).batches(), 2);
  EXPECT_EQ(Loader(make_rows(17, 2), {}, 8, 0).examples(), 16);
  EXPECT_EQ(Loader(make_rows(18, 2), {}, 8, 0).batches(), 3);
  EXPECT_EQ(Loader(make_rows(17, 2), {}, 1, 0).batches(), 17);
  EXPECT_EQ(Loader(make_rows(1, 2), {}, 8, 0).batches(), 1);
  Loader all(make_rows(5, 2), {}, 1000, 0);
  EXPECT_EQ(all.batches(), 1);
  EXPECT_EQ(all.next().size(), 5);
}

TEST(Loader, ABatchThatIsKeptIsNotWrittenOver) {
  for (const bool background : {false, true}) {
    Loader loader(make_images(64), everything, 8, 2, {background});
    std::vector<Batch> kept;
    std::vector<torch::Tensor> copies;
    for (int i = 0; i < 20; ++i) {
      kept.push_back(loader.next());
      copies.push_back(kept.back().inputs.clone());
    }
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(torch::equal(kept[i].inputs, copies[i]));
  }
}

TEST(Loader, BuffersAreUsedAgain) {
  Loader loader(make_images(64), everything, 8, 2, {.background = false});
  std::set<void*> memory;
  for (int i = 0; i < 40; ++i) memory.insert(loader.next().inputs.data_ptr());
  EXPECT_EQ(memory.size(), 1U);
  Loader ahead(make_images(64), everything, 8, 2, {.background = true});
  memory.clear();
  for (int i = 0; i < 40; ++i) memory.insert(ahead.next().inputs.data_ptr());
  EXPECT_LE(memory.size(), 4U);
}

TEST(Loader, GradientsAreOfTheBatchThatWasSeen) {
  Loader loader(make_images(64), everything, 8, 2, {.background = true});
  auto weight = torch::ones({3}, torch::requires_grad());
  for (int i = 0; i < 10; ++i) {
    const Batch batch = loader.next();
    const auto expected = batch.inputs.sum({0, 2, 3}).clone();
    auto loss = (batch.inputs * weight.view({1, 3, 1, 1})).sum();
    for (int k = 0; k < 3; ++k) loader.next();  // autograd still holds the batch
    const auto gradient = torch::autograd::grad({loss}, {weight})[0];
    EXPECT_TRUE(torch::allclose(gradient, expected, 1e-4, 1e-3));
  }
}

TEST(Loader, BuffersMadeInInferenceModeCanBeTrainedOn) {
  Loader loader(make_images(16), {}, 8, 2, {.background = false});
  {
    const c10::InferenceMode inference;
    loader.next();
  }
  auto weight = torch::ones({1}, torch::requires_grad());
  (loader.next().inputs * weight).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
}

TEST(Loader, RefusesWhatDoesNotFitTheData) {
  const TrainingData images = make_images(20);
  const TrainingData rows = make_rows(20, 2);
  expect_invalid([&] { Loader(images, {}, 0, 0); }, "", "recipe.batch");
  expect_invalid([&] { Loader(images, {.crop_padding = 6}, 4, 0); }, "", "crop_padding");
  expect_invalid([&] { Loader(images, {.cutout = 7}, 4, 0); }, "", "cutout");
  expect_invalid([&] { Loader(rows, {.flip = true}, 4, 0); }, "", "rows");
}

TEST(Loader, MovesAndEndsWhileItsThreadWorks) {
  for (int i = 0; i < 50; ++i) {
    Loader first(make_images(64), everything, 8, 2, {.background = true});
    Loader second = std::move(first);
    if (i % 2 == 0) second.next();
    second.seek(i, 0);
  }
}

}  // namespace
}  // namespace netwright
