// What a million random configurations cost: drawn, hashed, the repeated ones left out.
//
//   build/bench_configurations [SPACE] [COUNT]     default spaces/darts.yaml, 1,000,000

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_set>

#include "netwright/space/configuration_hash.h"
#include "netwright/space/search_space.h"

int main(int argc, char** argv) {
  using namespace netwright;
  const SearchSpace space = SearchSpace::load(argc > 1 ? argv[1] : "spaces/darts.yaml");
  const long count = argc > 2 ? std::atol(argv[2]) : 1'000'000;
  const auto began = std::chrono::steady_clock::now();
  Random random(1);
  std::unordered_set<GraphHash, ConfigurationHasher> seen;
  seen.reserve(static_cast<std::size_t>(count));
  for (long i = 0; i < count; ++i) seen.insert(hash_of(space.sample(random)));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%s: %ld configurations, %zu different, %.2f s (%.2f us each, one core)\n", space.name().c_str(), count,
              seen.size(), seconds, 1e6 * seconds / static_cast<double>(count));
}
