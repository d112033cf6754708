#include "netwright/base/bytes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "netwright/base/text.h"

namespace netwright {
namespace {

constexpr double kibi = 1024;

struct Unit {
  const char* name;
  double bytes;
};

constexpr std::array<Unit, 10> units = {{{"", 1},
                                         {"b", 1},
                                         {"kb", 1e3},
                                         {"mb", 1e6},
                                         {"gb", 1e9},
                                         {"tb", 1e12},
                                         {"kib", kibi},
                                         {"mib", kibi* kibi},
                                         {"gib", kibi* kibi* kibi},
                                         {"tib", kibi* kibi* kibi* kibi}}};

// A line "Name:   123 kB" of a file in /proc.
std::optional<std::int64_t> proc_line(const char* file, std::string_view name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    std::int64_t value = 0;
    const std::string digits = trim(std::string_view(line).substr(name.size()));
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) return std::nullopt;
    return value * 1024;
  }
  return std::nullopt;
}

// Absent also for "max" and the like.
std::optional<std::int64_t> number_in(const std::string& file) {
  std::ifstream in(file);
  std::int64_t value = 0;
  if (!(in >> value) || value <= 0) return std::nullopt;
  return value;
}

// The folder of this process's control group; both are tried as containers show their own group at the root.
std::optional<std::int64_t> left_in_group() {
  std::optional<std::int64_t> least;
  const auto consider = [&](const std::string& folder, const char* limit_name, const char* use_name) {
    const auto limit = number_in(folder + limit_name), use = number_in(folder + use_name);
    if (!limit || *limit > std::int64_t{1} << 60) return;  // version 1 says "none" by a number near 2^63
    const std::int64_t left = std::max<std::int64_t>(0, *limit - use.value_or(0));
    least = std::min(least.value_or(left), left);
  };
  consider("/sys/fs/cgroup", "/memory.max", "/memory.current");
  consider("/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes");
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() < 3 || parts[2] == "/") continue;
    if (parts[1].empty()) consider("/sys/fs/cgroup" + parts[2], "/memory.max", "/memory.current");
    if (parts[1] == "memory") {
      consider("/sys/fs/cgroup/memory" + parts[2], "/memory.limit_in_bytes", "/memory.usage_in_bytes");
    }
  }
  return least;
}

}  // namespace

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const std::string all = trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
  if (error != std::errc() || !(value > 0)) return std::nullopt;
  std::string name = trim(std::string_view(all).substr(static_cast<std::size_t>(end - all.data())));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& row) { return name == row.name; });
  if (unit == units.end()) return std::nullopt;
  const double bytes = std::floor(value * unit->bytes);
  if (!(bytes >= 1) || bytes >= std::ldexp(1.0, 63)) return std::nullopt;
  return static_cast<std::int64_t>(bytes);
}

std::string human_bytes(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  std::array<char, 64> text{};
  if (value >= kibi * kibi * kibi) {
    std::snprintf(text.data(), text.size(), "%.2f GiB", value / (kibi * kibi * kibi));
  } else if (value >= kibi * kibi) {
    std::snprintf(text.data(), text.size(), "%.0f MiB", value / (kibi * kibi));
  } else {
    std::snprintf(text.data(), text.size(), "%.0f KiB", value / kibi);
  }
  return text.data();
}

std::int64_t resident_bytes() {
  return proc_line("/proc/self/status", "VmRSS:").value_or(0);
}

std::int64_t peak_resident_bytes() {
  return proc_line("/proc/self/status", "VmHWM:").value_or(0);
}

std::optional<std::int64_t> available_bytes() {
  const auto machine = proc_line("/proc/meminfo", "MemAvailable:"), group = left_in_group();
  if (machine && group) return std::min(*machine, *group);
  return machine ? machine : group;
}

}  // namespace netwright
