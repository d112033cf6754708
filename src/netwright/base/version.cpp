#include "netwright/base/version.h"

namespace netwright {
const char* version() {
  return NETWRIGHT_VERSION;
}
}  // namespace netwright
