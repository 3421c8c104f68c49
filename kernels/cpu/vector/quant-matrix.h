// Sixteen rows of activations times one group of outputs on the matrix unit. The dots of a run are integers and
// so exact: what is done with them is what quant_tile does, in its order, and the results are the same bits.
#ifndef KVASIR_VECTOR_QUANT_MATRIX_H
#define KVASIR_VECTOR_QUANT_MATRIX_H

#include "vector/quant-tile.h"
#include "vector/tiles.h"

namespace kvasir {
namespace {

constexpr int kMatrixRows = 16;

// Formats with two scales in a run would fill a quarter of a tile.
template <kvs_dtype kType>
constexpr bool kOnMatrixUnit = packed_format(kType).halves == 1;

// Two runs are under way at a time.
struct MatrixRuns {
  alignas(64) int32_t dots[2][kMatrixRows * kGroupOutputs];
  alignas(64) uint8_t quads[2][kTileQuads * kQuadRowBytes];
};

template <int kBits, int kQuad = 0>
KVASIR_INLINE void unpack_quads(const uint8_t* run, uint8_t* quads) {
  if constexpr (kQuad < kTileQuads) {
    store_bytes(quads + kQuad * kQuadRowBytes, quad_of<kBits, kQuad>(run));
    unpack_quads<kBits, kQuad + 1>(run, quads);
  }
}

template <int kBits, int kAt>
KVASIR_INLINE void begin_run(const QuantLinearArgs& a, int64_t row, const Strip& strip, int64_t run, MatrixRuns& work) {
  constexpr int64_t kRunBytes = int64_t{kBits} * kRunInputs * kGroupOutputs / 8;
  const uint8_t* quants = strip.quants + run * kRunBytes;
  if constexpr (kBits == 8) {
    load_weights<kAt>(quants);
  } else {
    unpack_quads<kBits>(quants, work.quads[kAt]);
    load_weights<kAt>(work.quads[kAt]);
  }
  load_inputs<kAt>(a.x.values + row * a.inputs + run * kRunInputs, a.inputs);
  multiply_tiles<kAt>();
  store_sums<kAt>(work.dots[kAt]);
}

template <kvs_dtype kType>
KVASIR_INLINE void end_run(const RowTerms (&terms)[kMatrixRows], const Strip& strip, int64_t run, int64_t at,
                           const int32_t* dots, Vec (&sums)[kMatrixRows]) {
  const Vec weight_scale = scale_of<kType>(strip.scales, strip.lane, run, 0);
  KVASIR_UNROLL
  for (int r = 0; r < kMatrixRows; ++r) {
    Ints dot = load_ints(dots + r * kGroupOutputs);
    if constexpr (start_factor<kType>() != 0) dot = add_ints(dot, set1_int(terms[r].starts[at]));
    sums[r] = fma(to_float(dot), mul(weight_scale, set1(terms[r].scales[at])), sums[r]);
  }
  if constexpr (packed_format(kType).mins) {
    const Vec min = min_of<kType>(strip.scales, strip.lane, run);
    KVASIR_UNROLL
    for (int r = 0; r < kMatrixRows; ++r) sums[r] = fma(min, set1(terms[r].mins[at]), sums[r]);
  }
}

// Rows [row, row + 16). The tiles are open.
template <kvs_dtype kType>
__attribute__((noinline)) void matrix_tile(const QuantLinearArgs& a, int64_t row, const Strip& strip) {
  constexpr int kBits = packed_format(kType).bits;
  const int64_t runs = a.inputs / kRunInputs;
  Vec sums[kMatrixRows];
  KVASIR_UNROLL
  for (int r = 0; r < kMatrixRows; ++r) sums[r] = zero();
  RowTerms terms[kMatrixRows];
  MatrixRuns work;
  for (int64_t chunk = 0; chunk < runs; chunk += kChunkRuns) {
    const int count = runs - chunk < kChunkRuns ? static_cast<int>(runs - chunk) : kChunkRuns;
    for (int r = 0; r < kMatrixRows; ++r) {
      const int64_t first = (row + r) * runs + chunk;
      prepare<kType>(a.x.sums + 2 * first, a.x.scales + first, count, &terms[r]);
    }
    begin_run<kBits, 0>(a, row, strip, chunk, work);
    for (int at = 0; at < count; at += 2) {
      if (at + 1 < count) begin_run<kBits, 1>(a, row, strip, chunk + at + 1, work);
      end_run<kType>(terms, strip, chunk + at, at, work.dots[0], sums);
      if (at + 2 < count) begin_run<kBits, 0>(a, row, strip, chunk + at + 2, work);
      if (at + 1 < count) end_run<kType>(terms, strip, chunk + at + 1, at + 1, work.dots[1], sums);
    }
  }
  KVASIR_UNROLL
  for (int r = 0; r < kMatrixRows; ++r) {
    store_result(a, sums[r], strip.output, (row + r) * a.outputs + strip.output, a.outputs - strip.output);
  }
}

// The rows of whole tiles; returns how many.
template <kvs_dtype kType, int kStrips>
inline int64_t matrix_rows(const QuantLinearArgs& a, const Strip (&strips)[kStrips]) {
  if constexpr (!kOnMatrixUnit<kType>) return 0;
  const int64_t rows = a.rows / kMatrixRows * kMatrixRows;
  for (int64_t row = 0; row < rows; row += kMatrixRows) {
    for (int s = 0; s < kStrips; ++s) {
      if (strips[s].output < a.outputs) matrix_tile<kType>(a, row, strips[s]);
    }
  }
  return rows;
}

}  // namespace
}  // namespace kvasir

#endif
