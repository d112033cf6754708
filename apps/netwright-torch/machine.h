// What LibTorch runs on here.
#pragma once

#include <string>

#include "netwright/base/json.h"

namespace netwright {

// The BLAS library that this process has loaded: "OpenBLAS", "MKL", "BLIS", "ATLAS", "reference BLAS" or "unknown", and
// its file.
struct Blas {
  std::string name;
  std::string path;
  bool slow = false;  // the reference BLAS is 6 to 20 times slower than OpenBLAS
};
Blas loaded_blas();

// {"trainer", "torch", "blas", "blas_is_slow", "threads", "cpu_capability", "device"} for the report.
Json torch_description(const std::string& device);

}  // namespace netwright
