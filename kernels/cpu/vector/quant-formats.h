// Reading packed weights (quant/packed-layout.h): the quads of a run and its scales, for one strip of kLanes
// outputs of a group.
#ifndef KVASIR_VECTOR_QUANT_FORMATS_H
#define KVASIR_VECTOR_QUANT_FORMATS_H

#include "quant/packed-layout.h"
#include "vector/int.h"
#include "vector/vec.h"

namespace kvasir {
namespace {

// Quad kQuad of the run whose quants begin at `run` (for the strip: 4 bytes on for each output).
template <int kBits, int kQuad>
KVASIR_INLINE Bytes quad_of(const uint8_t* run) {
  constexpr int kNibbleRow = kQuad % 4;
  if constexpr (kBits == 8) {
    return load_bytes(run + kQuad * kQuadRowBytes);
  } else {
    constexpr int kHighRows = kBits - 4;
    Bytes low = load_bytes(run + (kHighRows + kNibbleRow) * kQuadRowBytes);
    if constexpr (kQuad >= 4) low = shift_bytes_right<4>(low);
    low = mask_bytes(low, 0x0f);
    if constexpr (kBits == 4) {
      return low;
    } else {
      // Where the high bits of this quad are in their row; they belong to bit 4.
      constexpr int kFrom = kBits == 5 ? kQuad : 2 * kNibbleRow;
      constexpr int kMask = kBits == 5 ? 0x10 : 0x30;
      Bytes high = load_bytes(run + (kBits == 5 ? 0 : kQuad / 4 * kQuadRowBytes));
      if constexpr (kFrom < 4) high = shift_bytes_left<4 - kFrom>(high);
      if constexpr (kFrom > 4) high = shift_bytes_right<kFrom - 4>(high);
      return merge_bytes(low, high, kMask);
    }
  }
}

inline const uint16_t* halves_at(const uint8_t* p, int lane) { return reinterpret_cast<const uint16_t*>(p) + lane; }

// Scale of half `half` of run `run`, and what is added for each unit of the sum of the activations. `sets`: the
// scales of the group; lane: the strip's first output.
template <kvs_dtype kType>
KVASIR_INLINE Vec scale_of(const uint8_t* sets, int lane, int64_t run, int half) {
  constexpr PackedFormat kFormat = packed_format(kType);
  const uint8_t* set = sets + run / kFormat.scale_runs * kFormat.scale_bytes;
  const Vec scale = load_f16(halves_at(set, lane));
  const int64_t of_set = run % kFormat.scale_runs;
  if constexpr (kType == KVS_Q6_K) {
    return mul(scale, load_s8(set + 32 + (2 * of_set + half) * kGroupOutputs + lane));
  } else if constexpr (kFormat.scale_runs == 8) {
    return mul(scale, load_u8(set + 64 + of_set * kGroupOutputs + lane));
  } else {
    return scale;
  }
}

template <kvs_dtype kType>
KVASIR_INLINE Vec min_of(const uint8_t* sets, int lane, int64_t run) {
  constexpr PackedFormat kFormat = packed_format(kType);
  const uint8_t* set = sets + run / kFormat.scale_runs * kFormat.scale_bytes;
  const Vec min = load_f16(halves_at(set + 32, lane));
  if constexpr (kFormat.scale_runs == 8) {
    return mul(min, load_u8(set + 192 + run % kFormat.scale_runs * kGroupOutputs + lane));
  } else {
    return min;
  }
}

}  // namespace
}  // namespace kvasir

#endif
