#pragma once

namespace netwright {
// The project's version, "0.1.0".
const char* version();
}  // namespace netwright
