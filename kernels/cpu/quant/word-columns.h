// Turns rows of 32-bit words into columns, four by four.
#ifndef KVASIR_QUANT_WORD_COLUMNS_H
#define KVASIR_QUANT_WORD_COLUMNS_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#else
#include "block-fields.h"
#endif

namespace kvasir {
namespace {

// Of 4 rows of 4 words, `from_stride` bytes apart and at any alignment, writes the columns, `to_stride` bytes apart.
// Every word is xor'ed with `flip`.
#if defined(__SSE2__)

inline void words_to_columns(const uint8_t* from, int64_t from_stride, uint32_t flip, uint8_t* to, int64_t to_stride) {
  const auto row = [&](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i * from_stride)); };
  const __m128i flips = _mm_set1_epi32(static_cast<int32_t>(flip));
  const auto put = [&](int i, __m128i column) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * to_stride), _mm_xor_si128(column, flips));
  };
  const __m128i low01 = _mm_unpacklo_epi32(row(0), row(1)), high01 = _mm_unpackhi_epi32(row(0), row(1));
  const __m128i low23 = _mm_unpacklo_epi32(row(2), row(3)), high23 = _mm_unpackhi_epi32(row(2), row(3));
  put(0, _mm_unpacklo_epi64(low01, low23));
  put(1, _mm_unpackhi_epi64(low01, low23));
  put(2, _mm_unpacklo_epi64(high01, high23));
  put(3, _mm_unpackhi_epi64(high01, high23));
}

#elif defined(__aarch64__)

inline void words_to_columns(const uint8_t* from, int64_t from_stride, uint32_t flip, uint8_t* to, int64_t to_stride) {
  const auto row = [&](int i) { return vreinterpretq_u32_u8(vld1q_u8(from + i * from_stride)); };
  const uint32x4_t flips = vdupq_n_u32(flip);
  const auto put = [&](int i, uint32x4_t column) {
    vst1q_u8(to + i * to_stride, vreinterpretq_u8_u32(veorq_u32(column, flips)));
  };
  const auto both = [](uint32x2_t first, uint32x2_t second) { return vcombine_u32(first, second); };
  const uint32x4x2_t pair01 = vzipq_u32(row(0), row(1));
  const uint32x4x2_t pair23 = vzipq_u32(row(2), row(3));
  put(0, both(vget_low_u32(pair01.val[0]), vget_low_u32(pair23.val[0])));
  put(1, both(vget_high_u32(pair01.val[0]), vget_high_u32(pair23.val[0])));
  put(2, both(vget_low_u32(pair01.val[1]), vget_low_u32(pair23.val[1])));
  put(3, both(vget_high_u32(pair01.val[1]), vget_high_u32(pair23.val[1])));
}

#else

inline void words_to_columns(const uint8_t* from, int64_t from_stride, uint32_t flip, uint8_t* to, int64_t to_stride) {
  for (int i = 0; i < 4; ++i) {
    for (int r = 0; r < 4; ++r) {
      const uint32_t word = load32(from + r * from_stride + 4 * i) ^ flip;
      memcpy(to + i * to_stride + 4 * r, &word, 4);
    }
  }
}

#endif

}  // namespace
}  // namespace kvasir

#endif
