#include "apps/netwright-torch/machine.h"

#include <ATen/Version.h>
#include <torch/torch.h>

#include <fstream>
#include <vector>

#include "netwright/base/version.h"

namespace netwright {
namespace {

struct KnownBlas {
  const char* sign;  // in the resolved path of a loaded library
  const char* name;
  bool slow;
};

// Debian names the reference library /usr/lib/<machine>/blas/libblas.so.3 and links /usr/lib/<machine>/libblas.so.3 to
// the one in use; the kernel shows the resolved path. The first that is found counts, so the fast ones come first.
const std::vector<KnownBlas>& known_libraries() {
  static const std::vector<KnownBlas> libraries = {{"openblas", "OpenBLAS", false},
                                                   {"libmkl_", "MKL", false},
                                                   {"blis", "BLIS", false},
                                                   {"atlas", "ATLAS", false},
                                                   {"/libblas.so", "reference BLAS", true}};
  return libraries;
}

std::vector<std::string> loaded_libraries() {
  std::vector<std::string> paths;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto slash = line.find('/');
    if (slash == std::string::npos) continue;
    std::string path = line.substr(slash);
    if (paths.empty() || paths.back() != path) paths.push_back(std::move(path));
  }
  return paths;
}

// The instruction set that LibTorch's kernels use: AVX2, AVX512, DEFAULT. Only its description tells in every version.
std::string cpu_capability() {
  constexpr std::string_view label = "CPU capability usage: ";
  const std::string build = at::show_config();
  const auto found = build.find(label);
  if (found == std::string::npos) return "unknown";
  const auto begin = found + label.size();
  return build.substr(begin, build.find_first_of("\n ", begin) - begin);
}

}  // namespace

Blas loaded_blas() {
  const auto paths = loaded_libraries();
  for (const KnownBlas& known : known_libraries()) {
    for (const auto& path : paths) {
      if (path.find(known.sign) != std::string::npos) return {known.name, path, known.slow};
    }
  }
  // A LibTorch that carries its BLAS inside itself, as the ones from PyPI do.
  const std::string build = at::show_config();
  if (build.find("BLAS_INFO=mkl") != std::string::npos) return {"MKL", "", false};
  if (build.find("BLAS_INFO=open") != std::string::npos) return {"OpenBLAS", "", false};
  return {"unknown", "", false};
}

Json torch_description(const std::string& device) {
  const Blas blas = loaded_blas();
  return {{"trainer", std::string("netwright-torch ") + version()},
          {"torch", TORCH_VERSION},
          {"blas", blas.name},
          {"blas_is_slow", blas.slow},
          {"threads", at::get_num_threads()},
          {"cpu_capability", cpu_capability()},
          {"device", device}};
}

}  // namespace netwright
