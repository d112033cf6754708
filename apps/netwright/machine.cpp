#include "apps/netwright/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <string>

#include "netwright/base/text.h"
#include "netwright/fleet/threads.h"

namespace netwright {
namespace {

// The value of the first "key<separator>value" line of a file, or empty.
std::string line_value(const std::string& path, const std::string& key, char separator) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const auto at = line.find(separator);
    if (at != std::string::npos && trim(line.substr(0, at)) == key) {
      std::string value = trim(line.substr(at + 1));
      if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
      return value;
    }
  }
  return {};
}

}  // namespace

Json machine_description() {
  Json machine = Json::object();
  if (const auto cpu = line_value("/proc/cpuinfo", "model name", ':'); !cpu.empty()) machine["cpu"] = cpu;
  machine["cores"] = available_cores();
  const double bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  machine["memory_gib"] = std::round(bytes / (1 << 30) * 10) / 10;
  std::string system = line_value("/etc/os-release", "PRETTY_NAME", '=');
  utsname kernel{};
  if (::uname(&kernel) == 0)
    system += (system.empty() ? "" : ", ") + std::string(kernel.sysname) + " " + kernel.release;
  machine["system"] = system;
  machine["compiler"] = "g++ " + std::string(__VERSION__);
  return machine;
}

}  // namespace netwright
