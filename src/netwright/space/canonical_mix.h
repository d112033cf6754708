// Mixing integers into 128-bit hashes. Both halves are mixed with different constants and with each other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "netwright/space/canonical.h"

namespace netwright {

// The finalizer of splitmix64 (Steele, Lea & Flood 2014): a bijection that flips each bit with probability 1/2.
inline std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Order matters: mixed(mixed(h, a), b) differs from mixed(mixed(h, b), a).
inline GraphHash mixed(const GraphHash& hash, std::uint64_t value) {
  const std::uint64_t low = scramble(hash.low + value + 0x9e3779b97f4a7c15ULL);
  const std::uint64_t high = scramble((hash.high ^ value) * 0xd6e8feb86659fd93ULL + low);
  return {high, low};
}

inline GraphHash mixed(const GraphHash& hash, const GraphHash& value) {
  return mixed(mixed(hash, value.low), value.high);
}

inline GraphHash mixed(GraphHash hash, std::string_view text) {
  hash = mixed(hash, static_cast<std::uint64_t>(text.size()));
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t bytes = text.size() < 8 ? text.size() : 8;
    for (std::size_t i = 0; i < bytes; ++i)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * i);
    hash = mixed(hash, word);
    text.remove_prefix(bytes);
  }
  return hash;
}

// Adds `times` copies of a member to a multiset's hash: order does not matter, and copies count.
inline void join(GraphHash& multiset, const GraphHash& member, std::uint64_t times = 1) {
  const GraphHash m = mixed(GraphHash{1, 2}, member);
  multiset.low += m.low * times;
  multiset.high += m.high * times;
}

}  // namespace netwright
