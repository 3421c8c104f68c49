// A block of rows of activations times one tile of outputs, for levels of few registers: the weights of some runs are
// unpacked once for all of its rows, and the sums stay in the first-level cache. Each sum takes the same terms in the
// same order as in quant_tile, and the results are the same bits.
#ifndef KVASIR_VECTOR_QUANT_BLOCK_H
#define KVASIR_VECTOR_QUANT_BLOCK_H

#include "vector/quant-tile.h"

namespace kvasir {
namespace {

// Rows of a block at most. Fewer than the least are as fast in tiles that unpack for themselves.
constexpr int kBlockRows = 32;
constexpr int kLeastBlockRows = 8;
// Runs whose weights are unpacked at a time.
constexpr int kBlockRuns = 2;
// Rows whose dots are in registers at once.
constexpr int kDotRows = 4;

constexpr int kRunQuads = kRunInputs / 4;

// The weights of one run of kQuantStrips strips.
template <kvs_dtype kType>
struct UnpackedRun {
  static constexpr PackedFormat kFormat = packed_format(kType);
  Weights<kFormat.bits> weights[kQuantStrips][kRunQuads];
  Vec scales[kFormat.halves][kQuantStrips];
  Vec mins[kFormat.mins ? kQuantStrips : 1];
};

using BlockSums = Vec[kBlockRows][kQuantStrips];

template <int kBits, int kQuad = 0>
KVASIR_INLINE void unpack_quads(const uint8_t* run, Weights<kBits>* weights) {
  if constexpr (kQuad < kRunQuads) {
    weights[kQuad] = Weights<kBits>(quad_of<kBits, kQuad>(run));
    unpack_quads<kBits, kQuad + 1>(run, weights);
  }
}

template <kvs_dtype kType>
KVASIR_INLINE void unpack_run(const Strip (&strips)[kQuantStrips], int64_t run, UnpackedRun<kType>& to) {
  constexpr PackedFormat kFormat = packed_format(kType);
  KVASIR_UNROLL
  for (int s = 0; s < kQuantStrips; ++s) {
    const Strip& strip = strips[s];
    unpack_quads<kFormat.bits>(strip.quants + run * kFormat.run_bytes(), to.weights[s]);
    KVASIR_UNROLL
    for (int half = 0; half < kFormat.halves; ++half) {
      to.scales[half][s] = scale_of<kType>(strip.scales, strip.lane, run, half);
    }
    if constexpr (kFormat.mins) to.mins[s] = min_of<kType>(strip.scales, strip.lane, run);
  }
}

template <int kBits, int kQuad, int kEnd, int kRows>
KVASIR_INLINE void add_unpacked(Dot<kBits> (&dots)[kRows][kQuantStrips], const int8_t* x, int64_t stride,
                                const Weights<kBits> (&weights)[kQuantStrips][kRunQuads]) {
  if constexpr (kQuad < kEnd) {
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Quad quad = spread_quad(x + r * stride + 4 * kQuad);
      KVASIR_UNROLL
      for (int s = 0; s < kQuantStrips; ++s) dots[r][s].template add<kQuad>(weights[s][kQuad], quad);
    }
    add_unpacked<kBits, kQuad + 1, kEnd>(dots, x, stride, weights);
  }
}

// Adds half kHalf of a run, and those behind it, to the sums of rows [row, row + kRows).
template <kvs_dtype kType, int kHalf, int kRows>
KVASIR_INLINE void add_unpacked_half(const QuantRows& x, int64_t inputs, int64_t row, int64_t run,
                                     const UnpackedRun<kType>& unpacked, Vec (*sums)[kQuantStrips]) {
  constexpr PackedFormat kFormat = packed_format(kType);
  constexpr int kQuads = kRunQuads / kFormat.halves;
  const int64_t runs = inputs / kRunInputs;
  Dot<kFormat.bits> dots[kRows][kQuantStrips];
  KVASIR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    int32_t start = 0;
    if constexpr (start_factor<kType>() != 0) {
      const int32_t* of_halves = x.sums + 2 * ((row + r) * runs + run);
      start = start_factor<kType>() * (kFormat.halves == 2 ? of_halves[kHalf] : of_halves[0] + of_halves[1]);
    }
    KVASIR_UNROLL
    for (int s = 0; s < kQuantStrips; ++s) dots[r][s].begin(&start);
  }
  const int8_t* values = x.values + row * inputs + run * kRunInputs;
  add_unpacked<kFormat.bits, kHalf * kQuads, (kHalf + 1) * kQuads>(dots, values, inputs, unpacked.weights);
  KVASIR_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const Vec scale = set1(x.scales[(row + r) * runs + run]);
    KVASIR_UNROLL
    for (int s = 0; s < kQuantStrips; ++s) {
      sums[r][s] = fma(to_float(dots[r][s].total()), mul(unpacked.scales[kHalf][s], scale), sums[r][s]);
    }
  }
  if constexpr (kHalf + 1 < kFormat.halves) {
    add_unpacked_half<kType, kHalf + 1, kRows>(x, inputs, row, run, unpacked, sums);
  }
}

// Runs [run, run + count) of rows [row, row + kRows).
template <kvs_dtype kType, int kRows>
KVASIR_INLINE void add_unpacked_runs(const QuantLinearArgs& a, int64_t row, int64_t run, int count,
                                     const UnpackedRun<kType>* unpacked, Vec (*sums)[kQuantStrips]) {
  const int64_t runs = a.inputs / kRunInputs;
  for (int i = 0; i < count; ++i) {
    add_unpacked_half<kType, 0, kRows>(a.x, a.inputs, row, run + i, unpacked[i], sums);
    if constexpr (packed_format(kType).mins) {
      KVASIR_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const int64_t at = (row + r) * runs + run + i;
        const Vec term = set1(min_term<kType>(a.x.sums + 2 * at, a.x.scales[at]));
        KVASIR_UNROLL
        for (int s = 0; s < kQuantStrips; ++s) sums[r][s] = fma(unpacked[i].mins[s], term, sums[r][s]);
      }
    }
  }
}

// The same of `rows` rows, fewer than kRows + 1.
template <kvs_dtype kType, int kRows>
KVASIR_INLINE void add_last_rows(const QuantLinearArgs& a, int64_t row, int rows, int64_t run, int count,
                                 const UnpackedRun<kType>* unpacked, Vec (*sums)[kQuantStrips]) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return add_unpacked_runs<kType, kRows>(a, row, run, count, unpacked, sums);
    add_last_rows<kType, kRows - 1>(a, row, rows, run, count, unpacked, sums);
  }
}

// Rows [row, row + rows), kBlockRows at most, times the strips.
template <kvs_dtype kType>
__attribute__((noinline)) void quant_block(const QuantLinearArgs& a, int64_t row, int rows,
                                          const Strip (&strips)[kQuantStrips], int64_t next_tile) {
  const int64_t runs = a.inputs / kRunInputs;
  UnpackedRun<kType> unpacked[kBlockRuns];
  BlockSums sums;
  for (int r = 0; r < rows; ++r) {
    for (int s = 0; s < kQuantStrips; ++s) sums[r][s] = zero();
  }
  for (int64_t run = 0; run < runs; run += kBlockRuns) {
    const int count = runs - run < kBlockRuns ? static_cast<int>(runs - run) : kBlockRuns;
    for (int i = 0; i < count; ++i) {
      if (row == 0) prefetch_ahead<kType>(strips, run + i, runs, next_tile);
      unpack_run<kType>(strips, run + i, unpacked[i]);
    }
    int r = 0;
    for (; r + kDotRows <= rows; r += kDotRows) {
      add_unpacked_runs<kType, kDotRows>(a, row + r, run, count, unpacked, sums + r);
    }
    add_last_rows<kType, kDotRows - 1>(a, row + r, rows - r, run, count, unpacked, sums + r);
  }
  for (int s = 0; s < kQuantStrips; ++s) {
    const int64_t output = strips[s].output;
    if (output >= a.outputs) continue;
    for (int r = 0; r < rows; ++r) {
      store_result(a, sums[r][s], output, (row + r) * a.outputs + output, a.outputs - output);
    }
  }
}

// All rows times the strips but for a few at the end; returns how many rows these are.
template <kvs_dtype kType>
int64_t block_product(const QuantLinearArgs& a, const Strip (&strips)[kQuantStrips], int64_t next_tile) {
  int64_t row = 0;
  while (a.rows - row >= kLeastBlockRows) {
    const int rows = a.rows - row < kBlockRows ? static_cast<int>(a.rows - row) : kBlockRows;
    quant_block<kType>(a, row, rows, strips, next_tile);
    row += rows;
  }
  return row;
}

}  // namespace
}  // namespace kvasir

#endif
