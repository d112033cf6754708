#include "netwright/oneshot/pc_darts.h"

#include "netwright/oneshot/darts.h"

namespace netwright {

std::unique_ptr<Method> make_pc_darts(const MethodContext& context) {
  DartsOptions options;
  options.edges = true;
  options.optimizer.learning_rate = 6e-4;
  options.settings.partial = 4;
  options.settings.warmup_epochs = 15;
  return make_darts(context, read_darts(context, options));
}

}  // namespace netwright
