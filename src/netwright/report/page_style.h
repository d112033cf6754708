// The report's style sheet.
#pragma once

#include <string>

namespace netwright {

std::string page_style();

}  // namespace netwright
