#include "netwright/base/error.h"

#include <algorithm>
#include <utility>

namespace netwright {

std::string to_string(const Location& location) {
  std::string text = location.file;
  if (location.line > 0) text += ":" + std::to_string(location.line);
  if (location.line > 0 && location.column > 0) text += ":" + std::to_string(location.column);
  return text;
}

namespace {
std::string full_message(const std::string& problem, const std::string& remedy, const Location& where) {
  std::string text = to_string(where);
  if (!text.empty()) text += ": ";
  text += problem;
  if (!remedy.empty()) text += "\n  remedy: " + remedy;
  std::replace(text.begin(), text.end(), '\0', '?');  // what() would end there
  return text;
}
}  // namespace

Error::Error(ExitCode code, const std::string& problem, const std::string& remedy, Location where)
    : std::runtime_error(full_message(problem, remedy, where)),
      code_(code),
      problem_(problem),
      remedy_(remedy),
      where_(std::move(where)) {}

Error invalid(Location where, const std::string& problem, const std::string& remedy) {
  return Error(ExitCode::invalid, problem, remedy, std::move(where));
}

}  // namespace netwright
