// Vectors of any of the kernels' types and widths, by the compilers' vector extension. Included only by translation
// units that say which width they are compiled for: NETWRIGHT_VECTOR_BYTES, and a namespace for it,
// NETWRIGHT_VECTOR_NAMESPACE, since the same templates are compiled for several processors. For that reason nothing
// here or in what includes it uses the standard library's templates: a linker would keep one of their copies for all.
#pragma once

#include <cstdint>
#include <cstring>

#include "netwright/nn/kernels/weighted_sum.h"

namespace netwright::kernels::NETWRIGHT_VECTOR_NAMESPACE {

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(NETWRIGHT_VECTOR_BYTES)));
};
template <>
struct VectorOf<Bfloat16> {};  // computed with as float
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

typedef std::uint16_t Halves __attribute__((vector_size(NETWRIGHT_VECTOR_BYTES / 2)));
typedef std::uint32_t Words __attribute__((vector_size(NETWRIGHT_VECTOR_BYTES)));

inline Lanes<float> load(const Bfloat16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  return reinterpret_cast<Lanes<float>>(__builtin_convertvector(halves, Words) << 16);
}

inline Lanes<float> load(const Bfloat16* from, std::int64_t count) {
  if (count >= lane_count<float>) return load(from);
  Halves halves{};
  std::memcpy(&halves, from, static_cast<std::size_t>(count) * sizeof *from);
  return reinterpret_cast<Lanes<float>>(__builtin_convertvector(halves, Words) << 16);
}

// To nearest, ties to even; NaN stays NaN.
inline Halves upper_halves(Lanes<float> value) {
  const Words words = reinterpret_cast<Words>(value);
  const Words rounded = words + 0x7fff + ((words >> 16) & 1);
  return __builtin_convertvector((value == value ? rounded : words | 0x400000) >> 16, Halves);
}

inline void store(Bfloat16* to, Lanes<float> value) {
  const Halves halves = upper_halves(value);
  std::memcpy(to, &halves, sizeof halves);
}

inline void store(Bfloat16* to, Lanes<float> value, std::int64_t count) {
  const Halves halves = upper_halves(value);
  const std::int64_t stored = count < lane_count<float> ? count : lane_count<float>;
  std::memcpy(to, &halves, static_cast<std::size_t>(stored) * sizeof *to);
}

// A number as the kernels compute with it.
inline float number(Bfloat16 value) {
  const std::uint32_t word = static_cast<std::uint32_t>(value.bits) << 16;
  float found;
  std::memcpy(&found, &word, sizeof found);
  return found;
}
inline float number(float value) {
  return value;
}
inline double number(double value) {
  return value;
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
