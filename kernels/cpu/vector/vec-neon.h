// Four lanes: Advanced SIMD, which every AArch64 has.
#ifndef KVASIR_VEC_NEON_H
#define KVASIR_VEC_NEON_H

#include <arm_neon.h>

#include "float-format.h"

namespace kvasir {
namespace {

using Vec = float32x4_t;
constexpr int kLanes = 4;
// Tiles that fit into 32 registers.
constexpr int kTileRows = 5;
constexpr int kTilePairs = 8;
// From so many pairs on, a page of 16-bit elements is widened once for all of them, not by every register tile.
constexpr int kWidenedPairs = 17;

inline Vec zero() { return vdupq_n_f32(0.0f); }
inline Vec set1(float x) { return vdupq_n_f32(x); }
inline Vec load(const float* p) { return vld1q_f32(p); }
inline void store(float* p, Vec v) { vst1q_f32(p, v); }
inline Vec add(Vec a, Vec b) { return vaddq_f32(a, b); }
inline Vec sub(Vec a, Vec b) { return vsubq_f32(a, b); }
inline Vec mul(Vec a, Vec b) { return vmulq_f32(a, b); }
inline Vec div(Vec a, Vec b) { return vdivq_f32(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
// Where one is not a number: b. (vmaxq_f32 and vminq_f32 give the one that is none.)
inline Vec max(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline Vec min(Vec a, Vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
inline Vec zero_where_less(Vec v, Vec x, Vec bound) {
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(v), vcltq_f32(x, bound)));
}

inline Vec load_bf16(const uint16_t* p) { return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(p)), 16)); }
inline Vec load_f16(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
inline void store_f16(uint16_t* p, Vec v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }

// Lane i of a where bit i is set, else of b.
inline Vec select(uint32_t bits, Vec a, Vec b) {
  const uint32x4_t lane = {1, 2, 4, 8};
  return vbslq_f32(vtstq_u32(vdupq_n_u32(bits), lane), a, b);
}

// x rounded to a whole number, and 2^n of whole numbers from -126 to 127.
inline Vec round(Vec x) { return vrndnq_f32(x); }
inline Vec power_of_two(Vec n) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
}

inline Vec times_power_of_two(Vec x, Vec n) { return vmulq_f32(x, power_of_two(n)); }

// (lane 0 + lane 1) + (lane 2 + lane 3).
inline float reduce_add(Vec v) { return vaddvq_f32(v); }

inline float reduce_max(Vec v) { return vmaxvq_f32(v); }

}  // namespace
}  // namespace kvasir

#endif
