// Products of bytes, sixteen lanes of four: AVX-512 F, BW and VL, and VNNI where the level has it.
#ifndef KVASIR_INT_AVX512_H
#define KVASIR_INT_AVX512_H

#include "vector/vec.h"

namespace kvasir {
namespace {

using Ints = __m512i;
using Bytes = __m512i;

inline Vec to_float(Ints v) { return _mm512_cvtepi32_ps(v); }
inline Bytes load_bytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline void store_bytes(uint8_t* p, Bytes v) { _mm512_storeu_si512(p, v); }
inline Ints load_ints(const int32_t* p) { return _mm512_loadu_si512(p); }
inline Bytes mask_bytes(Bytes v, int mask) { return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(mask))); }
// From each byte of v, modulo 256.
inline Bytes subtract_bytes(Bytes v, int x) { return _mm512_sub_epi8(v, _mm512_set1_epi8(static_cast<char>(x))); }
// low | (high & mask)
inline Bytes merge_bytes(Bytes low, Bytes high, int mask) {
  return _mm512_ternarylogic_epi32(low, high, _mm512_set1_epi8(static_cast<char>(mask)), 0xf8);
}
// Bits cross into the byte beside: to be masked.
template <int kCount>
inline Bytes shift_bytes_left(Bytes v) {
  return _mm512_slli_epi16(v, kCount);
}
template <int kCount>
inline Bytes shift_bytes_right(Bytes v) {
  return _mm512_srli_epi16(v, kCount);
}

inline Vec load_u8(const uint8_t* p) {
  return to_float(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline Vec load_s8(const uint8_t* p) {
  return to_float(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

// Four activations, the same in every lane.
using Quad = __m512i;
inline Quad spread_quad(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm512_set1_epi32(word);
}

#if defined(__AVX512VNNI__)

// Of the tiles that fit into 32 registers, that of the fewest loads for each product.
constexpr int kQuantRows = 6;
constexpr int kQuantStrips = 2;
constexpr bool kSignedBytes = false;

template <int kBits>
struct Weights {
  __m512i values;
  explicit Weights(Bytes bytes) : values(bytes) {}
};

template <int kBits>
struct Dot {
  __m512i sum;
  inline void begin(const int32_t* start) { sum = _mm512_set1_epi32(*start); }
  inline void begin() { sum = _mm512_setzero_si512(); }
  template <int kQuad>
  inline void add(const Weights<kBits>& weights, Quad x) {
    sum = _mm512_dpbusd_epi32(sum, weights.values, x);
  }
  inline Ints total() const { return sum; }
};

#else

constexpr int kQuantRows = 4;
constexpr int kQuantStrips = 2;
// Weights of 8 bits are taken as signed, for sums of two of their products must fit into 16 bits.
constexpr bool kSignedBytes = true;

template <int kBits>
struct Weights {
  __m512i values;
  explicit Weights(Bytes bytes) : values(bytes) {}
  inline Quad turned(Quad x) const { return x; }
};

// |w| * (x with the sign of w) is w * x.
template <>
struct Weights<8> {
  __m512i values;
  __mmask64 negative;
  explicit Weights(Bytes bytes) {
    const __m512i with_sign = _mm512_xor_si512(bytes, _mm512_set1_epi8(-128));
    values = _mm512_abs_epi8(with_sign);
    negative = _mm512_movepi8_mask(with_sign);
  }
  inline Quad turned(Quad x) const { return _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x); }
};

// Sums pairs in 16 bits while they fit: kFlush quads of two products of at most (2^kBits - 1) * 127.
template <int kBits>
struct Dot {
  static constexpr int kFlush = kBits == 4 ? 8 : kBits == 5 ? 4 : kBits == 6 ? 2 : 1;
  __m512i words;
  __m512i sum;
  inline void begin(const int32_t* start) { sum = _mm512_set1_epi32(*start); }
  inline void begin() { sum = _mm512_setzero_si512(); }
  template <int kQuad>
  inline void add(const Weights<kBits>& weights, Quad x) {
    const __m512i pairs = _mm512_maddubs_epi16(weights.values, weights.turned(x));
    words = kQuad % kFlush == 0 ? pairs : in_order(_mm512_add_epi16(words, pairs));
    if (kQuad % kFlush != kFlush - 1) return;
    sum = in_order(_mm512_add_epi32(sum, _mm512_madd_epi16(words, _mm512_set1_epi16(1))));
  }
  inline Ints total() const { return sum; }
};

#endif

}  // namespace
}  // namespace kvasir

#endif
