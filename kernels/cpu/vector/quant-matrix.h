// Rows of activations times one tile of outputs on the matrix unit. The dots of a run are integers and so exact: what
// is done with them is what quant_tile does, in its order, and the results are the same bits.
//
// Weights are unpacked once for all rows of a block, some runs at a time, so that these, the activations of a tile and
// the sums of a block stay in the first-level cache.
#ifndef KVASIR_VECTOR_QUANT_MATRIX_H
#define KVASIR_VECTOR_QUANT_MATRIX_H

#include "vector/quant-tile.h"
#include "vector/tiles.h"

namespace kvasir {
namespace {

// Fewer rows than this are left to the vectors.
constexpr int kMatrixRows = 16;
// Rows whose sums are kept at a time, a multiple of a tile's.
constexpr int kBlockRows = 128;
// Runs whose weights are unpacked at a time, and those whose dots are under way together.
constexpr int kUnpackedRuns = 8;
constexpr int kOpenRuns = 4;

static_assert(kQuantStrips == kTileStrips, "a tile of outputs is as wide for either unit");

// Formats with two scales in a run would fill a quarter of a tile.
template <kvs_dtype kType>
constexpr bool kOnMatrixUnit = packed_format(kType).halves == 1;

struct MatrixWork {
  alignas(64) float sums[kBlockRows][kTileStrips][kGroupOutputs];
  alignas(64) int8_t weights[kTileStrips][kUnpackedRuns][kRunInputs * kGroupOutputs];
  alignas(64) int32_t dots[kTileStrips][kOpenRuns][kRegisterRows * kGroupOutputs];
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

// Runs [run, run + kRuns) of the tile's rows, whose activations begin at x.
template <int kRuns, int kAt = 0>
KVASIR_INLINE void multiply_runs(const int8_t* x, int64_t stride, int unpacked, MatrixWork& work) {
  if constexpr (kAt < kRuns) {
    constexpr int kTurn = kAt % 2;
    load_inputs<kTurn>(x + kAt * kRunInputs, stride);
    load_weights<0>(work.weights[0][unpacked + kAt]);
    multiply_tiles<kTurn, 0>();
    load_weights<1>(work.weights[1][unpacked + kAt]);
    multiply_tiles<kTurn, 1>();
    store_sums<kTurn, 0>(work.dots[0][kAt]);
    store_sums<kTurn, 1>(work.dots[1][kAt]);
    multiply_runs<kRuns, kAt + 1>(x, stride, unpacked, work);
  }
}

// Scales the dots of those runs and adds them to the sums, which begin at `first`.
template <kvs_dtype kType, int kRuns, int kStrip>
KVASIR_INLINE void add_dots(const QuantRows& x, int64_t row, int rows, const Strip& strip, int64_t run, int64_t runs,
                            int first, MatrixWork& work) {
  constexpr bool kMins = packed_format(kType).mins;
  Vec scales[kRuns];
  Vec mins[kRuns];
  KVASIR_UNROLL
  for (int i = 0; i < kRuns; ++i) {
    scales[i] = scale_of<kType>(strip.scales, strip.lane, run + i, 0);
    if constexpr (kMins) mins[i] = min_of<kType>(strip.scales, strip.lane, run + i);
  }
  for (int r = 0; r < rows; ++r) {
    const int64_t at = (row + r) * runs + run;
    float* out = work.sums[first + r][kStrip];
    Vec sum = load(out);
    KVASIR_UNROLL
    for (int i = 0; i < kRuns; ++i) {
      const Vec dot = to_float(load_ints(work.dots[kStrip][i] + r * kGroupOutputs));
      sum = fma(dot, mul(scales[i], set1(x.scales[at + i])), sum);
      if constexpr (kMins) sum = fma(mins[i], set1(min_term<kType>(x.sums + 2 * (at + i), x.scales[at + i])), sum);
    }
    store(out, sum);
  }
}

template <kvs_dtype kType, int kRuns>
KVASIR_INLINE void tile_of_runs(const QuantLinearArgs& a, int64_t row, int rows, const Strip (&strips)[kTileStrips],
                                int64_t run, int unpacked, int first, MatrixWork& work) {
  const int64_t runs = a.inputs / kRunInputs;
  multiply_runs<kRuns>(a.x.values + row * a.inputs + run * kRunInputs, a.inputs, unpacked, work);
  add_dots<kType, kRuns, 0>(a.x, row, rows, strips[0], run, runs, first, work);
  add_dots<kType, kRuns, 1>(a.x, row, rows, strips[1], run, runs, first, work);
}

// Rows [row, row + rows) of a block that begins at `block`, over unpacked runs. The tiles are open for as many rows.
template <kvs_dtype kType>
__attribute__((noinline)) void matrix_tile(const QuantLinearArgs& a, int64_t block, int first, int rows,
                                           const Strip (&strips)[kTileStrips], int64_t chunk, int count,
                                           MatrixWork& work) {
  int at = 0;
  for (; at + kOpenRuns <= count; at += kOpenRuns) {
    tile_of_runs<kType, kOpenRuns>(a, block + first, rows, strips, chunk + at, at, first, work);
  }
  for (; at < count; ++at) tile_of_runs<kType, 1>(a, block + first, rows, strips, chunk + at, at, first, work);
}

// All rows times the strips. The tiles are open for kRegisterRows rows, and are so afterwards.
template <kvs_dtype kType>
void matrix_product(const QuantLinearArgs& a, const Strip (&strips)[kTileStrips], int64_t next_tile) {
  constexpr int kRunBytes = packed_format(kType).run_bytes();
  const int64_t runs = a.inputs / kRunInputs;
  MatrixWork work;
  for (int64_t block = 0; block < a.rows; block += kBlockRows) {
    const int rows = a.rows - block < kBlockRows ? static_cast<int>(a.rows - block) : kBlockRows;
    const int whole = rows / kRegisterRows * kRegisterRows;
    for (int r = 0; r < rows; ++r) {
      for (int s = 0; s < kTileStrips; ++s) store(work.sums[r][s], zero());
    }
    for (int64_t chunk = 0; chunk < runs; chunk += kUnpackedRuns) {
      const int count = runs - chunk < kUnpackedRuns ? static_cast<int>(runs - chunk) : kUnpackedRuns;
      for (int i = 0; i < count; ++i) {
        prefetch_ahead<kType>(strips, chunk + i, runs, next_tile);
        for (int s = 0; s < kTileStrips; ++s) {
          unpack_run<kType>(strips[s].quants + (chunk + i) * kRunBytes, work.weights[s][i]);
        }
      }
      for (int r = 0; r < whole; r += kRegisterRows) {
        matrix_tile<kType>(a, block, r, kRegisterRows, strips, chunk, count, work);
      }
      if (whole == rows) continue;
      open_tiles(rows - whole);
      matrix_tile<kType>(a, block, whole, rows - whole, strips, chunk, count, work);
      open_tiles(kRegisterRows);
    }
    for (int r = 0; r < rows; ++r) {
      for (int s = 0; s < kTileStrips; ++s) {
        const int64_t output = strips[s].output;
        if (output >= a.outputs) continue;
        store_result(a, load(work.sums[r][s]), output, (block + r) * a.outputs + output, a.outputs - output);
      }
    }
  }
}

}  // namespace
}  // namespace kvasir

#endif
