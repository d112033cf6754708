// Text of others, as a trainer's stderr, made fit for terminals, JSON and XML.
#pragma once

#include <string>
#include <string_view>

namespace netwright {

// Bytes that are not UTF-8, and control characters other than line breaks and tabs, become '?'.
std::string printable(std::string_view text);

}  // namespace netwright
