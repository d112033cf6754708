// How fast the loader assembles batches, on one thread: bytes in memory to augmented, normalised float tensors.
//
// Prints images a second by the thread's own processor time (so that other programs do not count) and by the clock, and
// how long a consumer that takes 5 ms a batch waits for the next one, without and with the loader's own thread.
#include <time.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "netwright/base/random.h"
#include "netwright/data/loader.h"

namespace netwright {
namespace {

double clock_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

TrainingData random_images(std::int64_t count, const Shape& shape) {
  auto examples = std::make_shared<Examples>();
  examples->shape = shape;
  examples->class_names.assign(10, "");
  examples->pixels.resize(static_cast<std::size_t>(count * shape.elements()));
  Random random(1);
  for (auto& pixel : examples->pixels) pixel = static_cast<std::uint8_t>(random.next());
  std::vector<std::int32_t> indices;
  for (std::int64_t i = 0; i < count; ++i) {
    examples->labels.push_back(static_cast<std::int32_t>(i % 10));
    indices.push_back(static_cast<std::int32_t>(i));
  }
  const auto channels = static_cast<std::size_t>(shape.channels);
  auto normalization = std::make_shared<Normalization>();
  normalization->mean.assign(channels, 0.5F);
  normalization->deviation.assign(channels, 0.25F);
  return {examples, indices, normalization, 0};
}

void measure_throughput(const char* name, const TrainingData& data, const AugmentationOptions& augmentation) {
  Loader loader(data, augmentation, 64, 1, {.background = false});
  double best_cpu = 1e9;
  double best_wall = 1e9;
  for (int epoch = 0; epoch < 5; ++epoch) {
    const double cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    const double wall = clock_seconds(CLOCK_MONOTONIC);
    for (std::int64_t i = 0; i < loader.batches(); ++i) loader.next();
    best_cpu = std::min(best_cpu, clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu);
    best_wall = std::min(best_wall, clock_seconds(CLOCK_MONOTONIC) - wall);
  }
  const auto images = static_cast<double>(loader.examples());
  std::printf("%-34s %9.0f images/s of processor time, %9.0f by the clock\n", name, images / best_cpu,
              images / best_wall);
}

void measure_waiting(const TrainingData& data, const AugmentationOptions& augmentation, bool background) {
  constexpr int batches = 200;
  Loader loader(data, augmentation, 64, 1, {background});
  loader.next();
  double waited = 0;
  for (int i = 0; i < batches; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const double start = clock_seconds(CLOCK_MONOTONIC);
    loader.next();
    waited += clock_seconds(CLOCK_MONOTONIC) - start;
  }
  std::printf("a batch of 64 is waited for %6.0f us %s\n", 1e6 * waited / batches,
              background ? "with the loader's own thread" : "without");
}

void run() {
  torch::set_num_threads(1);
  const TrainingData grey = random_images(60000, {1, 28, 28});
  const TrainingData colour = random_images(50000, {3, 32, 32});
  constexpr AugmentationOptions grey_all{.crop_padding = 2, .flip = true, .cutout = 8};
  constexpr AugmentationOptions colour_all{.crop_padding = 4, .flip = true, .cutout = 16};
  measure_throughput("60,000 of 1x28x28, normalised", grey, {});
  measure_throughput("60,000 of 1x28x28, all", grey, grey_all);
  measure_throughput("50,000 of 3x32x32, normalised", colour, {});
  measure_throughput("50,000 of 3x32x32, all", colour, colour_all);
  for (const bool background : {false, true}) measure_waiting(colour, colour_all, background);
}

}  // namespace
}  // namespace netwright

int main() {
  netwright::run();
}
