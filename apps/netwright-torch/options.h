// Data options on the command line.
#pragma once

#include <string>

#include "netwright/trial/data_options.h"

namespace netwright {

// `text` is the JSON itself, the path of a file that holds it, or "-" for stdin. Throws an invalid Error.
DataOptions read_data_options(const std::string& text);

}  // namespace netwright
