// Eight floats at once, by the compilers' vector extension: AVX2 on x86, pairs of NEON registers on ARM.
#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <cstdint>
#include <cstring>

namespace netwright::kernels {

constexpr std::int64_t lanes = 8;
using Vector = float __attribute__((vector_size(32)));

inline Vector load(const float* from) {
  Vector value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(float* to, Vector value) {
  std::memcpy(to, &value, sizeof value);
}

inline Vector spread(float v) {
  return Vector{v, v, v, v, v, v, v, v};
}

inline Vector multiply_add(Vector a, Vector b, Vector c) {
#ifdef __FMA__
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

// NaN stays NaN.
inline Vector at_least(Vector value, float bound) {
  return value < spread(bound) ? spread(bound) : value;
}
inline Vector at_most(Vector value, float bound) {
  return value > spread(bound) ? spread(bound) : value;
}

// The first `count` lanes, at most 8; the others are zero, or left alone in memory.
#ifdef __AVX2__
inline __m256i first_lanes(std::int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

inline Vector load(const float* from, std::int64_t count) {
  if (count >= lanes) return load(from);
#ifdef __AVX2__
  return _mm256_maskload_ps(from, first_lanes(count));
#else
  Vector value{};
  std::memcpy(&value, from, static_cast<std::size_t>(count) * sizeof(float));
  return value;
#endif
}

inline void store(float* to, Vector value, std::int64_t count) {
  if (count >= lanes) return store(to, value);
#ifdef __AVX2__
  _mm256_maskstore_ps(to, first_lanes(count), value);
#else
  std::memcpy(to, &value, static_cast<std::size_t>(count) * sizeof(float));
#endif
}

}  // namespace netwright::kernels
