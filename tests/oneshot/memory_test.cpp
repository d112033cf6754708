// The predicted memory of a search against what LibTorch allocates, and the batches that are chosen by it.
#include "netwright/oneshot/memory.h"

#include <c10/core/Allocator.h>
#include <gtest/gtest.h>
#include <torch/version.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#include "oneshot/tiny.h"

namespace netwright {
namespace {

// LibTorch's memory for tensors, counted.
class CountingAllocator : public c10::Allocator {
 public:
  // Stays for good: tensors may be freed at the very end.
  static CountingAllocator& installed() {
    static auto* allocator = [] {
      auto* made = new CountingAllocator();
      c10::SetAllocator(c10::DeviceType::CPU, made, /*priority=*/100);
      return made;
    }();
    return *allocator;
  }

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  c10::DataPtr allocate(std::size_t bytes) override {
    return make(bytes);
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
#else
  c10::DataPtr allocate(std::size_t bytes) const override {
    return make(bytes);
  }
#endif
  c10::DeleterFnPtr raw_deleter() const override {
    return &release;
  }

  std::int64_t now() const {
    return now_;
  }
  std::int64_t peak_since(std::int64_t before) const {
    return peak_ - before;
  }
  void reset_peak() {
    peak_ = now_;
  }

 private:
  static c10::DataPtr make(std::size_t bytes) {
    void* at = std::aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (at == nullptr) throw std::bad_alloc();
    const std::lock_guard<std::mutex> lock(mutex_);
    sizes_[at] = static_cast<std::int64_t>(bytes);
    now_ += static_cast<std::int64_t>(bytes);
    peak_ = std::max(peak_, now_);
    return {at, at, &release, c10::Device(c10::DeviceType::CPU)};
  }
  static void release(void* at) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = sizes_.find(at);
      if (found != sizes_.end()) {
        now_ -= found->second;
        sizes_.erase(found);
      }
    }
    std::free(at);
  }

  inline static std::mutex mutex_;
  inline static std::map<void*, std::int64_t> sizes_;
  inline static std::int64_t now_ = 0, peak_ = 0;
};

// DARTS's space in three layers.
SearchSpace small_darts() {
  Yaml yaml = load_yaml(std::string(NETWRIGHT_SOURCE_DIR) + "/spaces/darts.yaml");
  set_by_path(yaml, "parameters.channels=8");
  set_by_path(yaml, "parameters.layers=3");
  return SearchSpace::parse(yaml, Yaml{}, std::nullopt, std::nullopt);
}

struct Measured {
  double predicted = 0, allocated = 0;  // bytes an image
};

Measured measure(const std::string& method_text, const SupernetPasses& passes = {}) {
  const SearchSpace space = small_darts();
  const Relaxation relaxation = space.relax({});
  const Yaml options = parse_yaml(method_text, "method.yaml");
  const auto method = make_method({space, relaxation, options, 5, torch::kFloat});
  SupernetOptions net_options;
  net_options.partial = method->settings().partial;
  net_options.passes = passes;
  const auto net = build_supernet(relaxation, space.table(), net_options);
  OptimizerOptions sgd;
  sgd.nesterov = false;
  SearchSteps steps(*net, *method, sgd, 5);
  at::Generator generator = compat::cpu_generator(3);
  CountingAllocator& memory = CountingAllocator::installed();
  const auto peak = [&](std::int64_t size) {
    Batch batch;
    batch.inputs = torch::rand({size, 3, 32, 32});
    batch.labels = torch::zeros({size}, torch::kLong);
    std::int64_t most = 0;
    for (int i = 0; i < 2; ++i) {  // moments are made in the first
      const std::int64_t before = memory.now();
      memory.reset_peak();
      steps.run(batch, batch, {20, 50}, 0.025, generator);
      most = memory.peak_since(before);
    }
    return static_cast<double>(most);
  };
  MemoryQuestion question;
  ask_for_method(options, question);
  return {static_cast<double>(predict_memory(*net, space.table(), question).per_image), (peak(4) - peak(2)) / 2};
}

TEST(Memory, OfAnImageIsPredicted) {
  for (const std::string method : {"{name: darts}", "{name: darts, order: second}", "{name: pc_darts}"}) {
    const Measured found = measure(method);
    EXPECT_GT(found.predicted, 0.85 * found.allocated) << method;
    EXPECT_LT(found.predicted, 1.6 * found.allocated) << method;  // with the kernels' own memory, and the heap's waste
  }
}

TEST(Memory, OfPlainExecutionIsSeveralTimesAsMuch) {
  const Measured fast = measure("{name: darts}"), plain = measure("{name: darts}", SupernetPasses::none());
  EXPECT_GT(plain.predicted, 0.85 * plain.allocated);
  EXPECT_LT(plain.predicted, 1.5 * plain.allocated);
  EXPECT_GT(plain.predicted, 1.5 * fast.predicted);
}

TEST(Memory, OfRecomputedCellsAndOfBfloat16IsLess) {
  const Measured kept = measure("{name: darts}");
  SupernetPasses passes;
  passes.recompute = true;
  const Measured recomputed = measure("{name: darts}", passes);
  EXPECT_GT(recomputed.predicted, 0.85 * recomputed.allocated);
  EXPECT_LT(recomputed.predicted, 1.6 * recomputed.allocated);
  EXPECT_LT(recomputed.allocated, 0.75 * kept.allocated);
  passes.recompute = false;
  passes.bf16 = true;
  const Measured halved = measure("{name: darts}", passes);
  EXPECT_GT(halved.predicted, 0.85 * halved.allocated);
  EXPECT_LT(halved.predicted, 1.6 * halved.allocated);
  EXPECT_LT(halved.allocated, 0.85 * kept.allocated);
}

MemoryPrediction made_up() {
  MemoryPrediction prediction;
  prediction.resident = 500;
  prediction.weights = 300;
  prediction.optimizer = 200;
  prediction.per_image = 100;
  return prediction;
}

TEST(Memory, PeakIsFixedAndSoMuchAnImage) {
  MemoryPrediction prediction = made_up();
  EXPECT_EQ(prediction.fixed(), 1000);
  EXPECT_EQ(prediction.peak(10), 2000);
  prediction.beside = 5000;
  EXPECT_EQ(prediction.peak(10), 6000) << "what runs between the steps takes more";
  EXPECT_EQ(prediction.peak(60), 7000);
}

TEST(Memory, ABatchIsChosenByIt) {
  const auto plan = [](std::int64_t limit, const BatchWish& wish, bool divides = true) {
    return plan_batch(made_up(), limit, wish, divides);
  };
  EXPECT_EQ(plan(1'000'000, {true, 64, 0}).batch, 64) << "no more than the method's";
  EXPECT_EQ(plan(1'000'000, {true, 256, 0}).batch, 256);
  EXPECT_EQ(plan(1000 + 6400, {true, 256, 0}).batch, 64) << "just";
  EXPECT_EQ(plan(1000 + 6399, {true, 256, 0}).batch, 32);
  EXPECT_EQ(plan(1000 + 6399, {true, 256, 2}).batch, 64) << "in two parts";
  EXPECT_EQ(plan(1000 + 800, {true, 256, 0}).batch, 8);
  EXPECT_TRUE(plan(1000 + 800, {true, 256, 0}).fits);
  EXPECT_FALSE(plan(1000 + 799, {true, 256, 0}).fits);

  EXPECT_EQ(plan(1000 + 6400, {false, 64, 0}).parts, 1);
  EXPECT_EQ(plan(1000 + 6399, {false, 64, 0}).parts, 2);
  EXPECT_EQ(plan(1000 + 6399, {false, 64, 0}).batch, 64);
  EXPECT_EQ(plan(1000 + 2000, {false, 60, 0}).parts, 3);
  EXPECT_EQ(plan(1000 + 1300, {false, 60, 0}).parts, 5) << "four divide it too, but 15 images are too many";
  const BatchPlan none = plan(1000 + 799, {false, 64, 0});
  EXPECT_FALSE(none.fits);
  EXPECT_EQ(none.parts, 8) << "the least there is";
  EXPECT_EQ(none.peak, 1800);
  EXPECT_FALSE(plan(1000 + 6399, {false, 64, 1}).fits) << "never in parts";
  EXPECT_FALSE(plan(1000 + 6399, {false, 64, 0}, false).fits) << "cannot be";
  EXPECT_EQ(plan(1'000'000, {false, 64, 4}).parts, 4) << "as asked for";
  EXPECT_EQ(plan(1000 + 100, {false, 1, 0}).batch, 1);
}

}  // namespace
}  // namespace netwright
