// What this machine is, for the report and doctor.
#pragma once

#include "netwright/base/json.h"

namespace netwright {

// {"cpu", "cores", "memory_gib", "system", "compiler"}; unknown parts are left out.
Json machine_description();

}  // namespace netwright
