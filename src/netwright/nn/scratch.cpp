#include "netwright/nn/scratch.h"

#include <cstdlib>
#include <memory>
#include <new>

namespace netwright {

void* scratch(std::size_t bytes) {
  struct Free {
    void operator()(void* pointer) const { std::free(pointer); }
  };
  thread_local std::unique_ptr<void, Free> memory;
  thread_local std::size_t size = 0;
  if (bytes > size) {
    memory.reset();
    size = 0;
    const std::size_t wanted = (bytes + 63) / 64 * 64;
    memory.reset(std::aligned_alloc(64, wanted));
    if (!memory) throw std::bad_alloc();
    size = wanted;
  }
  return memory.get();
}

torch::Tensor packed(const torch::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

}  // namespace netwright
