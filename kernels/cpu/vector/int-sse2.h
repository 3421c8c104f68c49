// Products of bytes, four lanes of four, in 16 bits: SSE2.
#ifndef KVASIR_INT_SSE2_H
#define KVASIR_INT_SSE2_H

#include "vector/vec.h"

namespace kvasir {
namespace {

using Ints = __m128i;
using Bytes = __m128i;
// Tiles that fit into 16 registers.
constexpr int kQuantRows = 2;
constexpr int kQuantStrips = 2;

inline Vec to_float(Ints v) { return _mm_cvtepi32_ps(v); }
inline Bytes load_bytes(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline Bytes mask_bytes(Bytes v, int mask) { return _mm_and_si128(v, _mm_set1_epi8(static_cast<char>(mask))); }
// low | (high & mask)
inline Bytes merge_bytes(Bytes low, Bytes high, int mask) { return _mm_or_si128(low, mask_bytes(high, mask)); }
// Bits cross into the byte beside: to be masked.
template <int kCount>
inline Bytes shift_bytes_left(Bytes v) {
  return _mm_slli_epi16(v, kCount);
}
template <int kCount>
inline Bytes shift_bytes_right(Bytes v) {
  return _mm_srli_epi16(v, kCount);
}

// Four bytes in the low half of a register.
inline __m128i load_word(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return _mm_cvtsi32_si128(word);
}
inline Vec load_u8(const uint8_t* p) {
  const __m128i words = _mm_unpacklo_epi8(load_word(p), _mm_setzero_si128());
  return to_float(_mm_unpacklo_epi16(words, _mm_setzero_si128()));
}
inline Vec load_s8(const uint8_t* p) {
  const __m128i pairs = _mm_unpacklo_epi8(_mm_setzero_si128(), load_word(p));
  return to_float(_mm_srai_epi32(_mm_unpacklo_epi16(_mm_setzero_si128(), pairs), 24));
}

// Four activations as 16 bits, twice.
using Quad = __m128i;
inline Quad spread_quad(const int8_t* p) {
  const __m128i words = _mm_srai_epi16(_mm_unpacklo_epi8(_mm_setzero_si128(), load_word(p)), 8);
  return _mm_unpacklo_epi64(words, words);
}

constexpr bool kSignedBytes = false;

// The weights of two lanes each, as 16 bits.
template <int kBits>
struct Weights {
  __m128i low;
  __m128i high;
  Weights() = default;
  explicit Weights(Bytes bytes)
      : low(_mm_unpacklo_epi8(bytes, _mm_setzero_si128())), high(_mm_unpackhi_epi8(bytes, _mm_setzero_si128())) {}
};

// Two sums for each lane, added at the end.
template <int kBits>
struct Dot {
  __m128i low;
  __m128i high;
  __m128i start;
  inline void begin(const int32_t* from) {
    begin();
    start = _mm_set1_epi32(*from);
  }
  inline void begin() { start = low = high = _mm_setzero_si128(); }
  template <int kQuad>
  inline void add(const Weights<kBits>& weights, Quad x) {
    low = in_order(_mm_add_epi32(low, _mm_madd_epi16(weights.low, x)));
    high = in_order(_mm_add_epi32(high, _mm_madd_epi16(weights.high, x)));
  }
  inline Ints total() const {
    const __m128 a = _mm_castsi128_ps(low);
    const __m128 b = _mm_castsi128_ps(high);
    const __m128i even = _mm_castps_si128(_mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)));
    const __m128i odd = _mm_castps_si128(_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)));
    return _mm_add_epi32(_mm_add_epi32(even, odd), start);
  }
};

}  // namespace
}  // namespace kvasir

#endif
