#include "apps/netwright-torch/device.h"

#include "netwright/base/error.h"

namespace netwright {

torch::Device open_device(const std::string& name) {
  torch::Device device = torch::kCPU;
  try {
    device = torch::Device(name);
  } catch (const c10::Error&) {
    throw invalid({}, "there is no device '" + name + "'", "set execution.device to cpu or cuda");
  }
  if (device.is_cpu()) return device;
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (!device.is_cuda() || count == 0 || device.index() >= count) {
    throw invalid({}, "the device '" + name + "' is not available to this LibTorch",
                  count == 0 ? "set execution.device to cpu, or install a LibTorch with CUDA"
                             : "this machine has cuda:0 to cuda:" + std::to_string(count - 1));
  }
  return device;
}

}  // namespace netwright
