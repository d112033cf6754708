// A network drawn as SVG: stages as a column, each different cell drawn once beside it as a layered graph.
#pragma once

#include <string>

#include "netwright/space/graph.h"
#include "netwright/space/operation.h"

namespace netwright {

// A complete standalone <svg> element, with a light and a dark reading (prefers-color-scheme), no external resources,
// no scripts.
std::string draw_svg(const Network& network, const OperationTable& table);

}  // namespace netwright
