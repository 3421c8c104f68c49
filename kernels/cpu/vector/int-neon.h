// Products of bytes, four lanes of four: Advanced SIMD, and FEAT_DotProd where the level has it.
#ifndef KVASIR_INT_NEON_H
#define KVASIR_INT_NEON_H

#include "vector/vec.h"

namespace kvasir {
namespace {

using Ints = int32x4_t;
using Bytes = uint8x16_t;

inline Vec to_float(Ints v) { return vcvtq_f32_s32(v); }
inline Bytes load_bytes(const uint8_t* p) { return vld1q_u8(p); }
inline Bytes mask_bytes(Bytes v, int mask) { return vandq_u8(v, vdupq_n_u8(static_cast<uint8_t>(mask))); }
// low | (high & mask)
inline Bytes merge_bytes(Bytes low, Bytes high, int mask) { return vorrq_u8(low, mask_bytes(high, mask)); }
template <int kCount>
inline Bytes shift_bytes_left(Bytes v) {
  return vshlq_n_u8(v, kCount);
}
template <int kCount>
inline Bytes shift_bytes_right(Bytes v) {
  return vshrq_n_u8(v, kCount);
}

inline uint64_t load_word(const uint8_t* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}
inline Vec load_u8(const uint8_t* p) {
  return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(load_word(p))))));
}
inline Vec load_s8(const uint8_t* p) {
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(load_word(p))))));
}

// Weights of 8 bits are taken as signed; those of fewer bits are the same either way.
constexpr bool kSignedBytes = true;

template <int kBits>
struct Weights {
  int8x16_t values;
  explicit Weights(Bytes bytes)
      : values(vreinterpretq_s8_u8(kBits == 8 ? veorq_u8(bytes, vdupq_n_u8(0x80)) : bytes)) {}
};

#if defined(__ARM_FEATURE_DOTPROD)

// Fits into 32 registers together with sixteen activations of each row.
constexpr int kQuantRows = 4;
constexpr int kQuantStrips = 2;

// Where four activations are: one instruction takes them from the register that holds sixteen.
using Quad = const int8_t*;
inline Quad spread_quad(const int8_t* p) { return p; }

template <int kBits>
struct Dot {
  int32x4_t sum;
  inline void begin(const int32_t* start) { sum = vdupq_n_s32(*start); }
  inline void begin() { sum = vdupq_n_s32(0); }
  template <int kQuad>
  inline void add(const Weights<kBits>& weights, Quad x) {
    sum = vdotq_laneq_s32(sum, weights.values, vld1q_s8(x - 4 * (kQuad % 4)), kQuad % 4);
  }
  inline Ints total() const { return sum; }
};

#else

// Fits into 32 registers.
constexpr int kQuantRows = 2;
constexpr int kQuantStrips = 2;

// Four activations, twice.
using Quad = int8x8_t;
inline Quad spread_quad(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return vreinterpret_s8_s32(vdup_n_s32(word));
}

// Sums products in 16 bits while they fit: kFlush quads of one product of at most (2^kBits - 1) * 127, of 8 bits
// 128 * 127. There are two sums for each lane, added at the end.
template <int kBits>
struct Dot {
  static constexpr int kFlush = kBits == 8 ? 2 : kBits == 6 ? 4 : 8;
  int16x8_t low_words, high_words;  // of two lanes each
  int32x4_t low, high;
  int32x4_t start;
  inline void begin(const int32_t* from) {
    begin();
    start = vdupq_n_s32(*from);
  }
  inline void begin() { start = low = high = vdupq_n_s32(0); }
  template <int kQuad>
  inline void add(const Weights<kBits>& weights, Quad x) {
    const int8x8_t low_values = vget_low_s8(weights.values);
    const int8x8_t high_values = vget_high_s8(weights.values);
    if (kQuad % kFlush == 0) {
      low_words = vmull_s8(low_values, x);
      high_words = vmull_s8(high_values, x);
    } else {
      low_words = vmlal_s8(low_words, low_values, x);
      high_words = vmlal_s8(high_words, high_values, x);
    }
    if (kQuad % kFlush != kFlush - 1) return;
    low = vpadalq_s16(low, low_words);
    high = vpadalq_s16(high, high_words);
  }
  inline Ints total() const { return vaddq_s32(vpaddq_s32(low, high), start); }
};

#endif

}  // namespace
}  // namespace kvasir

#endif
