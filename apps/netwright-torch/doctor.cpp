// netwright-torch doctor

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "apps/netwright-torch/machine.h"
#include "apps/netwright-torch/verb.h"
#include "netwright/nn/runtime.h"
#include "netwright/nn/torch_compat.h"

namespace netwright {
namespace {

// Best of several runs, in seconds, after one to warm up.
template <class Work>
double seconds_of(Work work) {
  using Clock = std::chrono::steady_clock;
  constexpr int runs = 5;
  work();
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const auto began = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - began).count());
  }
  return best;
}

double gemm_gflops() {
  constexpr std::int64_t n = 1024;
  const torch::Tensor a = torch::rand({n, n}), b = torch::rand({n, n});
  torch::Tensor c = torch::empty({n, n});
  return 2.0 * n * n * n / seconds_of([&] { torch::matmul_out(c, a, b); }) / 1e9;
}

// Milliseconds of a depthwise and a pointwise convolution, the pair that separable convolutions are made of.
double convolution_ms(at::MemoryFormat format) {
  constexpr std::int64_t channels = 64;
  const torch::Tensor x = torch::rand({32, channels, 32, 32}).contiguous(format);
  const torch::Tensor depthwise = torch::rand({channels, 1, 3, 3}).contiguous(format);
  const torch::Tensor pointwise = torch::rand({channels, channels, 1, 1}).contiguous(format);
  return 1e3 * seconds_of([&] {
           const torch::Tensor y = torch::conv2d(x, depthwise, {}, 1, 1, 1, channels);
           torch::conv2d(y, pointwise);
         });
}

int doctor(int threads) {
  configure_runtime(threads);
  const torch::NoGradGuard no_grad;
  Json document = {{"schema", 1}};
  document.update(torch_description(torch::cuda::is_available() ? "cuda" : "cpu"));
  document["blas_path"] = loaded_blas().path;
  document["gemm_gflops"] = gemm_gflops();
  document["separable_convolution_ms"] = {{"channels_last", convolution_ms(at::MemoryFormat::ChannelsLast)},
                                          {"contiguous", convolution_ms(at::MemoryFormat::Contiguous)}};
  std::cout << document.dump(1) << '\n';
  return 0;
}

}  // namespace

std::function<int()> add_doctor(CLI::App& application) {
  const auto threads = std::make_shared<int>(static_cast<int>(std::thread::hardware_concurrency()));
  CLI::App* verb = application.add_subcommand("doctor", "Print LibTorch's version, its BLAS, and how fast they are");
  verb->add_option("--threads", *threads, "Threads of LibTorch")->check(CLI::Range(1, 1024));
  return [threads] { return doctor(*threads); };
}

}  // namespace netwright
