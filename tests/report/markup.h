// A small checker of HTML and SVG: balanced elements, quoted attributes, no stray markup characters.
#pragma once

#include <string>

namespace netwright {

// What is wrong first, or empty. Void elements of HTML (meta, img, …) need no end.
std::string markup_problem(const std::string& document);

}  // namespace netwright
