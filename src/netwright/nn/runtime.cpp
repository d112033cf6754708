#include "netwright/nn/runtime.h"

#include <malloc.h>

#include <algorithm>

#include "netwright/nn/torch_compat.h"

namespace netwright {

namespace {

void keep_freed_memory() {
#ifdef __GLIBC__
  // The largest threshold that glibc takes; beyond it the call fails, and every tensor of 128 KiB and more would be
  // mapped, cleared page by page, and unmapped.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace

void configure_runtime(int threads) {
  keep_freed_memory();
  at::set_num_threads(std::max(1, threads));
  at::globalContext().setFlushDenormal(true);
}

}  // namespace netwright
