// Some rows of activations times some strips of outputs of a packed weight. Lanes are outputs: a (row, output)
// pair has one f32 accumulator that takes the runs in ascending order, whatever the tile around it.
#ifndef KVASIR_VECTOR_QUANT_TILE_H
#define KVASIR_VECTOR_QUANT_TILE_H

#include "vector/quant-formats.h"

namespace kvasir {
namespace {

// Runs of inputs whose terms are prepared at once: a multiple of 8.
constexpr int kChunkRuns = 32;

// kLanes outputs of a group.
struct Strip {
  const uint8_t* scales;  // of the group
  const uint8_t* quants;  // of the strip's first output
  int lane;               // of the group
  int64_t output;
};

// What depends on the activations alone, of one row and kChunkRuns runs.
struct RowTerms {
  int32_t starts[2 * kChunkRuns];  // -offset * sum of the activations, of each run or half run
  float scales[kChunkRuns];
  float mins[kChunkRuns];  // scale * sum of the activations, for formats with mins
};

template <kvs_dtype kType>
constexpr int start_factor() {
  constexpr PackedFormat kFormat = packed_format(kType);
  return kFormat.bits == 8 && kSignedBytes ? 0 : -kFormat.offset;
}

// What a run's min is multiplied by: its scale times the sum of its activations, which `sums` has by halves.
template <kvs_dtype kType>
KVASIR_INLINE float min_term(const int32_t* sums, float scale) {
  // Those of q4_k and q5_k are subtracted.
  constexpr float kSign = packed_format(kType).scale_runs == 8 ? -1.0f : 1.0f;
  return kSign * scale * static_cast<float>(sums[0] + sums[1]);
}

// Apart from the tile, which has no register left for it.
template <kvs_dtype kType>
__attribute__((noinline)) void prepare(const int32_t* sums, const float* scales, int runs, RowTerms* terms) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kFactor = start_factor<kType>();
  for (int i = 0; i < runs; ++i) terms->scales[i] = scales[i];
  if constexpr (kFactor != 0 && kFormat.halves == 2) {
    for (int i = 0; i < 2 * runs; ++i) terms->starts[i] = kFactor * sums[i];
  }
  if constexpr (kFactor != 0 && kFormat.halves == 1) {
    for (int i = 0; i < runs; ++i) terms->starts[i] = kFactor * (sums[2 * i] + sums[2 * i + 1]);
  }
  if constexpr (kFormat.mins) {
    for (int i = 0; i < runs; ++i) terms->mins[i] = min_term<kType>(sums + 2 * i, scales[i]);
  }
}

template <int kBits, int kQuad, int kEnd, int kRows, int kStrips>
KVASIR_INLINE void add_quads(Dot<kBits> (&dots)[kRows][kStrips], const int8_t* const (&x)[kRows],
                             const Strip (&strips)[kStrips], int64_t run) {
  if constexpr (kQuad < kEnd) {
    constexpr PackedFormat kFormat = {kBits, 0, 0, 0, 0, false};
    Bytes bytes[kStrips];
    KVASIR_UNROLL
    for (int s = 0; s < kStrips; ++s) bytes[s] = quad_of<kBits, kQuad>(strips[s].quants + run * kFormat.run_bytes());
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Quad quad = spread_quad(x[r] + run * kRunInputs + 4 * kQuad);
      KVASIR_UNROLL
      for (int s = 0; s < kStrips; ++s) dots[r][s].template add<kQuad>(Weights<kBits>(bytes[s]), quad);
    }
    add_quads<kBits, kQuad + 1, kEnd>(dots, x, strips, run);
  }
}

// Adds half kHalf of a run, or all of it where the format has one scale for both.
template <kvs_dtype kType, int kHalf, int kRows, int kStrips>
KVASIR_INLINE void add_half(const RowTerms (&terms)[kRows], const int8_t* const (&x)[kRows],
                            const Strip (&strips)[kStrips], int64_t run, int64_t at, Vec (&sums)[kRows][kStrips]) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kQuads = 8 / kFormat.halves;
  Dot<kFormat.bits> dots[kRows][kStrips];
  KVASIR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    KVASIR_UNROLL
    for (int s = 0; s < kStrips; ++s) {
      if constexpr (start_factor<kType>() != 0) {
        dots[r][s].begin(&terms[r].starts[at * kFormat.halves + kHalf]);
      } else {
        dots[r][s].begin();
      }
    }
  }
  add_quads<kFormat.bits, kHalf * kQuads, (kHalf + 1) * kQuads>(dots, x, strips, run);
  Vec weight_scales[kStrips];
  KVASIR_UNROLL
  for (int s = 0; s < kStrips; ++s) weight_scales[s] = scale_of<kType>(strips[s].scales, strips[s].lane, run, kHalf);
  KVASIR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const Vec scale = set1(terms[r].scales[at]);
    KVASIR_UNROLL
    for (int s = 0; s < kStrips; ++s) {
      sums[r][s] = fma(to_float(dots[r][s].total()), mul(weight_scales[s], scale), sums[r][s]);
    }
  }
  if constexpr (kHalf + 1 < kFormat.halves) {
    add_half<kType, kHalf + 1>(terms, x, strips, run, at, sums);
  }
}

// Asks for the weights some way ahead; past the end of the groups, for those of the next tile of outputs, which
// lie next_tile bytes on (0: there is none). Into the second-level cache: asking the first for as much makes the
// loads wait. The distances are those that measured best on Zen 4 with one row (with two groups side by side, 28
// GB/s of q8_0 against 25 without, 22 of q4_0 against 19; with one group, 24 of both).
template <kvs_dtype kType, int kStrips>
KVASIR_INLINE void prefetch_ahead(const Strip (&strips)[kStrips], int64_t run, int64_t runs, int64_t next_tile) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kAheadBytes = kLanes < kGroupOutputs ? 6144 : kFormat.bits == 8 ? 2048 : 4096;
  constexpr int kAheadRuns = kAheadBytes / kFormat.run_bytes();
  int64_t ahead = run + kAheadRuns;
  int64_t skipped = 0;
  if (ahead >= runs) {
    if (next_tile == 0) return;
    ahead -= runs;
    skipped = next_tile;
  }
  // Strips of one group share their lines.
  for (int s = 0; s < kStrips; s += kGroupOutputs / kLanes) {
    const uint8_t* quants = strips[s].quants + skipped + ahead * kFormat.run_bytes();
    for (int i = 0; i < kFormat.run_bytes(); i += kQuadRowBytes) __builtin_prefetch(quants + i, 0, 2);
    __builtin_prefetch(strips[s].scales + skipped + ahead * kFormat.scale_bytes / kFormat.scale_runs, 0, 2);
  }
}

// Adds bias, then residual; the last `left` lanes may be outputs that only fill up the group.
__attribute__((noinline)) void store_result(const QuantLinearArgs& a, Vec sum, int64_t output, int64_t at,
                                            int64_t left) {
  if (left >= kLanes) {
    if (a.bias) sum = add(sum, load(a.bias + output));
    if (a.residual) sum = add(sum, load(a.residual + at));
    store(a.out + at, sum);
  } else {
    if (a.bias) sum = add(sum, load_some(a.bias + output, left));
    if (a.residual) sum = add(sum, load_some(a.residual + at, left));
    store_some(a.out + at, sum, left);
  }
}

template <kvs_dtype kType, int kRows, int kStrips>
__attribute__((noinline)) void quant_tile(const QuantLinearArgs& a, int64_t row, const Strip (&strips)[kStrips],
                                         int64_t next_tile) {
  constexpr PackedFormat kFormat = packed_format(kType);
  const int64_t runs = a.inputs / kRunInputs;
  const int8_t* x[kRows];
  Vec sums[kRows][kStrips];
  KVASIR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    x[r] = a.x.values + (row + r) * a.inputs;
    KVASIR_UNROLL
    for (int s = 0; s < kStrips; ++s) sums[r][s] = zero();
  }
  RowTerms terms[kRows];
  for (int64_t chunk = 0; chunk < runs; chunk += kChunkRuns) {
    const int count = runs - chunk < kChunkRuns ? static_cast<int>(runs - chunk) : kChunkRuns;
    for (int r = 0; r < kRows; ++r) {
      const int64_t first = (row + r) * runs + chunk;
      prepare<kType>(a.x.sums + 2 * first, a.x.scales + first, count, &terms[r]);
    }
    for (int64_t at = 0; at < count; ++at) {
      const int64_t run = chunk + at;
      if (row == 0) prefetch_ahead<kType>(strips, run, runs, next_tile);
      add_half<kType, 0>(terms, x, strips, run, at, sums);
      if constexpr (kFormat.mins) {
        KVASIR_UNROLL
        for (int s = 0; s < kStrips; ++s) {
          const Vec min = min_of<kType>(strips[s].scales, strips[s].lane, run);
          KVASIR_UNROLL
          for (int r = 0; r < kRows; ++r) sums[r][s] = fma(min, set1(terms[r].mins[at]), sums[r][s]);
        }
      }
    }
  }
  KVASIR_UNROLL
  for (int s = 0; s < kStrips; ++s) {
    const int64_t left = a.outputs - strips[s].output;
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = (row + r) * a.outputs + strips[s].output;
      store_result(a, sums[r][s], strips[s].output, at, left);
    }
  }
}

}  // namespace
}  // namespace kvasir

#endif
