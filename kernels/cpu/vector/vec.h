// The vector type of the level being compiled, and what follows from it. Everything is in an unnamed
// namespace, so that no two levels ever share a compiled function; no header of the standard library
// is included here for the same reason.
#ifndef KVASIR_VEC_H
#define KVASIR_VEC_H

#include "kernel-table.h"

#if defined(__AVX512F__)
#include "vector/vec-avx512.h"
#elif defined(__AVX2__)
#include "vector/vec-avx2.h"
#elif defined(__aarch64__)
#include "vector/vec-neon.h"
#else
#include "vector/vec-sse2.h"
#endif

#if defined(__clang__)
#define KVASIR_UNROLL _Pragma("unroll")
#define KVASIR_UNROLL_4 _Pragma("unroll 4")
#else
#define KVASIR_UNROLL _Pragma("GCC unroll 16")
#define KVASIR_UNROLL_4 _Pragma("GCC unroll 4")
#endif

// For the parts of a tile, whose registers must not go through memory.
#define KVASIR_INLINE __attribute__((always_inline)) inline

// A register of vectors, to inline assembly.
#if defined(__aarch64__)
#define KVASIR_REGISTER "+w"
#else
#define KVASIR_REGISTER "+v"
#endif

namespace kvasir {
namespace {

// The same value, computed at this point: GCC adds integers in an order of its own, and then keeps so many terms at once
// that they go through memory.
template <class Register>
KVASIR_INLINE Register in_order(Register value) {
  __asm__("" : KVASIR_REGISTER(value));
  return value;
}

// Element types of weights and pages, all read as f32.
struct F32 {
  using Bits = float;
  static inline Vec load_lanes(const Bits* p) { return load(p); }
};
struct F16 {
  using Bits = uint16_t;
  static inline Vec load_lanes(const Bits* p) { return load_f16(p); }
};
struct BF16 {
  using Bits = uint16_t;
  static inline Vec load_lanes(const Bits* p) { return load_bf16(p); }
};

// The first n < kLanes elements, then zeros.
template <class Element>
inline Vec load_some(const typename Element::Bits* p, int64_t n) {
  typename Element::Bits lanes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return Element::load_lanes(lanes);
}

inline Vec load_some(const float* p, int64_t n) { return load_some<F32>(p, n); }

inline void store_some(float* p, Vec v, int64_t n) {
  float lanes[kLanes];
  store(lanes, v);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
}

// e^x within 2 ulp, 0 below -86.9. Polynomial of Cephes' expf.
inline Vec exp(Vec x) {
  const Vec low = set1(-86.9f);
  const Vec bounded = min(set1(89.0f), max(low, x));
  const Vec n = round(mul(bounded, set1(1.44269504f)));
  Vec r = fma(n, set1(-0.693359375f), bounded);
  r = fma(n, set1(2.12194440e-4f), r);
  Vec p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = add(fma(p, mul(r, r), r), set1(1.0f));
  // 2^128 is no number, so the last doubling is apart; it overflows where e^x does.
  const Vec half = mul(p, power_of_two(sub(n, set1(1.0f))));
  return zero_where_less(add(half, half), x, low);
}

// 2^x within 2 ulp for x of at most 0; 2^-100, which is nothing beside 1, for all below. Polynomial of Cephes' exp2f.
inline Vec exp2_of_negative(Vec x) {
  const Vec bounded = max(set1(-100.0f), x);
  const Vec n = round(bounded);
  const Vec r = sub(bounded, n);
  Vec p = set1(1.535336188e-4f);
  p = fma(p, r, set1(1.339887440e-3f));
  p = fma(p, r, set1(9.618437357e-3f));
  p = fma(p, r, set1(5.550332471e-2f));
  p = fma(p, r, set1(2.402264791e-1f));
  p = fma(p, r, set1(6.931472028e-1f));
  p = fma(p, r, set1(1.0f));
  return times_power_of_two(p, n);
}

}  // namespace
}  // namespace kvasir

#endif
