#include "netwright/space/configuration_hash.h"

#include <bit>

#include "netwright/space/canonical_mix.h"

namespace netwright {

GraphHash hash_of(const Configuration& configuration) {
  GraphHash hash{1, 2};
  for (const auto& [name, value] : configuration.values()) {
    hash = mixed(mixed(hash, name), static_cast<std::uint64_t>(value.index()));
    if (const auto* text = std::get_if<std::string>(&value)) {
      hash = mixed(hash, *text);
    } else if (const auto* real = std::get_if<double>(&value)) {
      hash = mixed(hash, std::bit_cast<std::uint64_t>(*real == 0 ? 0.0 : *real));  // -0 equals 0
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      hash = mixed(hash, static_cast<std::uint64_t>(*integer));
    } else {
      hash = mixed(hash, static_cast<std::uint64_t>(std::get<bool>(value)));
    }
  }
  return hash;
}

}  // namespace netwright
