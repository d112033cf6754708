// Studies that end with the process; for tests, benchmarks and one-off searches.
#pragma once

#include <memory>

#include "netwright/storage/storage.h"

namespace netwright {

std::unique_ptr<Storage> make_memory_storage();

}  // namespace netwright
