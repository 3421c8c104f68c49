// Products of bytes, eight lanes of four: AVX2.
#ifndef KVASIR_INT_AVX2_H
#define KVASIR_INT_AVX2_H

#include "vector/vec.h"

namespace kvasir {
namespace {

using Ints = __m256i;
using Bytes = __m256i;
// Tiles that fit into 16 registers.
constexpr int kQuantRows = 2;
constexpr int kQuantStrips = 2;

inline Vec to_float(Ints v) { return _mm256_cvtepi32_ps(v); }
inline Bytes load_bytes(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline Bytes mask_bytes(Bytes v, int mask) { return _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(mask))); }
// low | (high & mask)
inline Bytes merge_bytes(Bytes low, Bytes high, int mask) { return _mm256_or_si256(low, mask_bytes(high, mask)); }
// Bits cross into the byte beside: to be masked.
template <int kCount>
inline Bytes shift_bytes_left(Bytes v) {
  return _mm256_slli_epi16(v, kCount);
}
template <int kCount>
inline Bytes shift_bytes_right(Bytes v) {
  return _mm256_srli_epi16(v, kCount);
}

inline Vec load_u8(const uint8_t* p) {
  return to_float(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
inline Vec load_s8(const uint8_t* p) {
  return to_float(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

// Four activations, the same in every lane.
using Quad = __m256i;
inline Quad spread_quad(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm256_set1_epi32(word);
}

// Weights of 8 bits are taken as signed, for sums of two of their products must fit into 16 bits.
constexpr bool kSignedBytes = true;

template <int kBits>
struct Weights {
  __m256i values;
  Weights() = default;
  explicit Weights(Bytes bytes) : values(bytes) {}
  inline Quad turned(Quad x) const { return x; }
};

// |w| * (x with the sign of w) is w * x.
template <>
struct Weights<8> {
  __m256i values;
  __m256i with_sign;
  Weights() = default;
  explicit Weights(Bytes bytes) {
    with_sign = _mm256_xor_si256(bytes, _mm256_set1_epi8(-128));
    values = _mm256_abs_epi8(with_sign);
  }
  inline Quad turned(Quad x) const { return _mm256_sign_epi8(x, with_sign); }
};

// Sums pairs in 16 bits while they fit: kFlush quads of two products of at most (2^kBits - 1) * 127.
template <int kBits>
struct Dot {
  static constexpr int kFlush = kBits == 4 ? 8 : kBits == 5 ? 4 : kBits == 6 ? 2 : 1;
  __m256i words;
  __m256i sum;
  inline void begin(const int32_t* start) { sum = _mm256_set1_epi32(*start); }
  inline void begin() { sum = _mm256_setzero_si256(); }
  template <int kQuad>
  inline void add(const Weights<kBits>& weights, Quad x) {
    const __m256i pairs = _mm256_maddubs_epi16(weights.values, weights.turned(x));
    words = kQuad % kFlush == 0 ? pairs : in_order(_mm256_add_epi16(words, pairs));
    if (kQuad % kFlush != kFlush - 1) return;
    sum = in_order(_mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1))));
  }
  inline Ints total() const { return sum; }
};

}  // namespace
}  // namespace kvasir

#endif
