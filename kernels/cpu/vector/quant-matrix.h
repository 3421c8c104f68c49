// Rows of activations times one tile of outputs on the matrix unit. The dots of a run are integers and so exact: what
// is done with them is what quant_tile does, in its order, and the results are the same bits.
//
// While the matrix unit multiplies a run, the vectors scale the dots of the one before. What is under way is kept
// small: two threads of one core share the first-level cache, and stores of tiles that miss it cost more than unpacking
// the weights again for each block of rows.
#ifndef KVASIR_VECTOR_QUANT_MATRIX_H
#define KVASIR_VECTOR_QUANT_MATRIX_H

#include "vector/quant-tile.h"
#include "vector/tiles.h"

namespace kvasir {
namespace {

// Fewer rows than this in a tile are left to the vectors; more are filled up with those behind them (kReadableRows).
constexpr int kMatrixRows = 13;
// Tiles of rows that take unpacked weights before these are gone.
constexpr int kBlockTiles = 2;
// Runs whose weights are unpacked at a time.
constexpr int kUnpackedRuns = 2;

static_assert(kQuantStrips == kTileStrips, "a tile of outputs is as wide for either unit");
static_assert(kReadableRows == kRegisterRows, "a tile of rows may be read whole");

// Formats with two scales in a run would fill a quarter of a tile. For those with mins the vectors have so much to do
// beside the dots, and half the ports for it while the unit works, that they are as fast alone.
template <kvs_dtype kType>
constexpr bool kOnMatrixUnit = packed_format(kType).halves == 1 && !packed_format(kType).mins;

// Of one tile of rows.
using TileSums = float[kTileStrips][kRegisterRows][kGroupOutputs];
using TileDots = int32_t[kTileStrips][kRegisterRows * kGroupOutputs];

struct MatrixWork {
  alignas(64) TileSums sums[kBlockTiles];
  alignas(64) TileDots dots[2][kBlockTiles];
  alignas(64) int8_t weights[kUnpackedRuns][kTileStrips][kRunInputs * kGroupOutputs];
};

// Signed, the offset subtracted.
template <kvs_dtype kType, int kQuad = 0>
KVASIR_INLINE void unpack_run(const uint8_t* run, int8_t* weights) {
  if constexpr (kQuad < kTileQuads) {
    constexpr PackedFormat kFormat = packed_format(kType);
    Bytes quad = quad_of<kFormat.bits, kQuad>(run);
    if constexpr (kFormat.offset != 0) quad = subtract_bytes(quad, kFormat.offset);
    store_bytes(reinterpret_cast<uint8_t*>(weights) + kQuad * kQuadRowBytes, quad);
    unpack_run<kType, kQuad + 1>(run, weights);
  }
}

// The dots of one tile of rows and a run, whose activations begin at x and whose weights are loaded.
KVASIR_INLINE void multiply_run(const int8_t* x, int64_t stride, TileDots& dots) {
  load_inputs(x, stride);
  multiply_tiles<0>();
  multiply_tiles<1>();
  store_sums<0>(dots[0]);
  store_sums<1>(dots[1]);
}

// Scales those dots and adds them to the sums.
KVASIR_INLINE void add_dots(const QuantRows& x, int64_t row, int64_t run, int64_t runs,
                            const Vec (&scales)[kTileStrips], const TileDots& dots, TileSums& sums) {
  KVASIR_UNROLL
  for (int r = 0; r < kRegisterRows; ++r) {
    const int64_t at = (row + r) * runs + run;
    const Vec scale = set1(x.scales[at]);
    KVASIR_UNROLL
    for (int s = 0; s < kTileStrips; ++s) {
      const Vec dot = to_float(load_ints(dots[s] + r * kGroupOutputs));
      store(sums[s][r], fma(dot, mul(scales[s], scale), load(sums[s][r])));
    }
  }
}

// Runs [run, run + kRuns) of kTiles tiles of rows from `row` on.
template <kvs_dtype kType, int kTiles, int kRuns>
KVASIR_INLINE void add_runs(const QuantLinearArgs& a, int64_t row, const Strip (&strips)[kTileStrips], int64_t run,
                            MatrixWork& work) {
  constexpr PackedFormat kFormat = packed_format(kType);
  const int64_t runs = a.inputs / kRunInputs;
  for (int i = 0; i < kRuns; ++i) {
    for (int s = 0; s < kTileStrips; ++s) {
      unpack_run<kType>(strips[s].quants + (run + i) * kFormat.run_bytes(), work.weights[i][s]);
    }
  }
  const int8_t* x = a.x.values + row * a.inputs + run * kRunInputs;
  KVASIR_UNROLL
  for (int i = 0; i <= kRuns; ++i) {
    const int64_t before = run + i - 1;
    Vec scales[kTileStrips];
    if (i < kRuns) {
      load_weights<0>(work.weights[i][0]);
      load_weights<1>(work.weights[i][1]);
    }
    if (i > 0) {
      for (int s = 0; s < kTileStrips; ++s) scales[s] = scale_of<kType>(strips[s].scales, strips[s].lane, before, 0);
    }
    for (int t = 0; t < kTiles; ++t) {
      const int64_t first = t * kRegisterRows;
      if (i < kRuns) multiply_run(x + first * a.inputs + i * kRunInputs, a.inputs, work.dots[i % 2][t]);
      if (i > 0) add_dots(a.x, row + first, before, runs, scales, work.dots[(i - 1) % 2][t], work.sums[t]);
    }
  }
}

// kTiles tiles of rows from `row` on, times the strips.
template <kvs_dtype kType, int kTiles>
__attribute__((noinline)) void matrix_block(const QuantLinearArgs& a, int64_t row, const Strip (&strips)[kTileStrips],
                                            int64_t next_tile) {
  const int64_t runs = a.inputs / kRunInputs;
  MatrixWork work;
  for (int t = 0; t < kTiles; ++t) {
    for (int s = 0; s < kTileStrips; ++s) {
      for (int r = 0; r < kRegisterRows; ++r) store(work.sums[t][s][r], zero());
    }
  }
  int64_t run = 0;
  for (; run + kUnpackedRuns <= runs; run += kUnpackedRuns) {
    if (row == 0) {
      for (int i = 0; i < kUnpackedRuns; ++i) prefetch_ahead<kType>(strips, run + i, runs, next_tile);
    }
    add_runs<kType, kTiles, kUnpackedRuns>(a, row, strips, run, work);
  }
  for (; run < runs; ++run) add_runs<kType, kTiles, 1>(a, row, strips, run, work);
  for (int s = 0; s < kTileStrips; ++s) {
    const int64_t output = strips[s].output;
    if (output >= a.outputs) continue;
    for (int r = 0; r < kTiles * kRegisterRows && row + r < a.rows; ++r) {
      const Vec sum = load(work.sums[r / kRegisterRows][s][r % kRegisterRows]);
      store_result(a, sum, output, (row + r) * a.outputs + output, a.outputs - output);
    }
  }
}

// Tiles of rows times the strips; returns how many rows these are. The tiles are open.
template <kvs_dtype kType>
int64_t matrix_product(const QuantLinearArgs& a, const Strip (&strips)[kTileStrips], int64_t next_tile) {
  const int64_t tiles = (a.rows + kRegisterRows - kMatrixRows) / kRegisterRows;
  int64_t t = 0;
  for (; t + kBlockTiles <= tiles; t += kBlockTiles) {
    matrix_block<kType, kBlockTiles>(a, t * kRegisterRows, strips, next_tile);
  }
  for (; t < tiles; ++t) matrix_block<kType, 1>(a, t * kRegisterRows, strips, next_tile);
  return a.rows < tiles * kRegisterRows ? a.rows : tiles * kRegisterRows;
}

}  // namespace
}  // namespace kvasir

#endif
