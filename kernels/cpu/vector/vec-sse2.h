// Four lanes of x86-64 without any extension. No FMA: a product is rounded before it is added.
#ifndef KVASIR_VEC_SSE2_H
#define KVASIR_VEC_SSE2_H

#include <emmintrin.h>

#include "float-format.h"

namespace kvasir {
namespace {

using Vec = __m128;
constexpr int kLanes = 4;
// Tiles that fit into 16 registers.
constexpr int kTileRows = 2;
constexpr int kTilePairs = 4;
// From so many pairs on, a page of 16-bit elements is widened once for all of them, not by every register tile.
constexpr int kWidenedPairs = 5;

inline Vec zero() { return _mm_setzero_ps(); }
inline Vec set1(float x) { return _mm_set1_ps(x); }
inline Vec load(const float* p) { return _mm_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm_storeu_ps(p, v); }
inline Vec add(Vec a, Vec b) { return _mm_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
// Where one is not a number: b.
inline Vec max(Vec a, Vec b) { return _mm_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm_min_ps(a, b); }
inline Vec zero_where_less(Vec v, Vec x, Vec bound) { return _mm_andnot_ps(_mm_cmplt_ps(x, bound), v); }

inline Vec load_bf16(const uint16_t* p) {
  const __m128i half = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), half));
}

inline Vec load_f16(const uint16_t* p) {
  const __m128i half =
      _mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), _mm_setzero_si128());
  const __m128i sign = _mm_slli_epi32(_mm_and_si128(half, _mm_set1_epi32(0x8000)), 16);
  const __m128i magnitude = _mm_and_si128(half, _mm_set1_epi32(0x7fff));
  // As float_of_f16: 2^112 moves the exponent's bias, and the greatest exponent is put back.
  const __m128 scale = _mm_castsi128_ps(_mm_set1_epi32(0x77800000));
  const __m128 value = _mm_mul_ps(_mm_castsi128_ps(_mm_slli_epi32(magnitude, 13)), scale);
  const __m128i infinite =
      _mm_and_si128(_mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7bff)), _mm_set1_epi32(0x7f800000));
  return _mm_or_ps(value, _mm_castsi128_ps(_mm_or_si128(sign, infinite)));
}

inline void store_f16(uint16_t* p, Vec v) {
  float values[kLanes];
  store(values, v);
  for (int i = 0; i < kLanes; ++i) p[i] = f16_of_float(values[i]);
}

// Lane i of a where bit i is set, else of b.
inline Vec select(uint32_t bits, Vec a, Vec b) {
  const __m128i lane = _mm_setr_epi32(1, 2, 4, 8);
  const __m128i chosen = _mm_and_si128(_mm_set1_epi32(static_cast<int32_t>(bits)), lane);
  const __m128 mask = _mm_castsi128_ps(_mm_cmpeq_epi32(chosen, lane));
  return _mm_or_ps(_mm_and_ps(mask, a), _mm_andnot_ps(mask, b));
}

// x rounded to a whole number, and 2^n of whole numbers from -126 to 127.
inline Vec round(Vec x) { return _mm_cvtepi32_ps(_mm_cvtps_epi32(x)); }
inline Vec power_of_two(Vec n) {
  return _mm_castsi128_ps(_mm_slli_epi32(_mm_add_epi32(_mm_cvtps_epi32(n), _mm_set1_epi32(127)), 23));
}

inline Vec times_power_of_two(Vec x, Vec n) { return _mm_mul_ps(x, power_of_two(n)); }

// (lane 0 + lane 1) + (lane 2 + lane 3).
inline float reduce_add(Vec v) {
  const __m128 pairs = _mm_add_ps(v, _mm_shuffle_ps(v, v, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtss_f32(_mm_add_ps(pairs, _mm_movehl_ps(pairs, pairs)));
}

inline float reduce_max(Vec v) {
  v = _mm_max_ps(v, _mm_shuffle_ps(v, v, _MM_SHUFFLE(1, 0, 3, 2)));
  v = _mm_max_ps(v, _mm_shuffle_ps(v, v, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtss_f32(v);
}

}  // namespace
}  // namespace kvasir

#endif
