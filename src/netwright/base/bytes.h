// Amounts of memory: as people write them, and as the machine has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netwright {

// "4 GiB", "1.5GB", "800 MiB", "65536": B, kB, MB, GB, TB by powers of 1000, KiB, MiB, GiB, TiB by powers of 1024;
// upper or lower case. Absent for anything else, for nothing, and from 2^63 on.
std::optional<std::int64_t> parse_bytes(std::string_view text);

// "3.4 GiB", "812 MiB"; for people.
std::string human_bytes(std::int64_t bytes);

// What this process has in memory now, and at most so far (VmRSS and VmHWM); 0 where the system does not say.
std::int64_t resident_bytes();
std::int64_t peak_resident_bytes();

// What could be used without pushing anything out: the machine's MemAvailable, or what the limit of this process's
// control group (version 2 or 1) leaves, whichever is less. Absent where the system does not say.
std::optional<std::int64_t> available_bytes();

}  // namespace netwright
