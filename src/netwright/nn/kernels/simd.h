// Vectors of any of the kernels' types and widths, by the compilers' vector extension. Included only by translation
// units that say which width they are compiled for: NETWRIGHT_VECTOR_BYTES, and a namespace for it,
// NETWRIGHT_VECTOR_NAMESPACE, since the same templates are compiled for several processors. For that reason nothing
// here or in what includes it uses the standard library's templates: a linker would keep one of their copies for all.
#pragma once

#include <cstdint>
#include <cstring>

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(NETWRIGHT_VECTOR_BYTES)));
};
template <class T>
using Lanes = typename VectorOf<T>::Type;

template <class T>
constexpr std::int64_t lane_count = NETWRIGHT_VECTOR_BYTES / sizeof(T);

template <class T>
inline Lanes<T> load(const T* from) {
  Lanes<T> value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
inline void store(T* to, Lanes<T> value) {
  std::memcpy(to, &value, sizeof value);
}

// The first `count` lanes; the others are zero, or left alone in memory.
template <class T>
inline Lanes<T> load(const T* from, std::int64_t count) {
  if (count >= lane_count<T>) return load(from);
  Lanes<T> value{};
  std::memcpy(&value, from, static_cast<std::size_t>(count) * sizeof(T));
  return value;
}

template <class T>
inline void store(T* to, Lanes<T> value, std::int64_t count) {
  if (count >= lane_count<T>) return store(to, value);
  std::memcpy(to, &value, static_cast<std::size_t>(count) * sizeof(T));
}

template <class T>
inline Lanes<T> spread(T value) {
  return value - Lanes<T>{};
}

// NaN stays NaN.
template <class T>
inline Lanes<T> relu(Lanes<T> value) {
  return value < Lanes<T>{} ? Lanes<T>{} : value;
}

// Calls body(channel, count) for vectors of `count` channels, full but for the last.
template <class T, class Body>
inline void for_channels(std::int64_t channels, Body body) {
  std::int64_t channel = 0;
  for (; channel + lane_count<T> <= channels; channel += lane_count<T>) body(channel, lane_count<T>);
  if (channel < channels) body(channel, channels - channel);
}

// Calls body.operator()<Vectors>(channel, count) for two full vectors of channels at a time, so that a pass along the
// positions takes whole cache lines, and then for one, of `count` channels.
template <class T, class Body>
inline void for_channel_pairs(std::int64_t channels, Body body) {
  std::int64_t channel = 0;
  for (; channel + 2 * lane_count<T> <= channels; channel += 2 * lane_count<T>) {
    body.template operator()<2>(channel, lane_count<T>);
  }
  for_channels<T>(channels - channel,
                  [&](std::int64_t c, std::int64_t count) { body.template operator()<1>(channel + c, count); });
}

}  // namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE
