// Products of rounded activations and packed quantised weights: a pair of groups of outputs stays in the
// second-level cache while all rows pass, so the weight comes from memory once.
#include "vector/kernels.h"
#include "vector/quant-tile.h"

#if defined(__AMX_INT8__) || defined(KVASIR_EMULATE_TILES)
#define KVASIR_TILES
#include "vector/quant-matrix.h"
#elif defined(__x86_64__) && !defined(__AVX512F__)
#define KVASIR_BLOCKS
#include "vector/quant-block.h"
#endif

namespace kvasir {
namespace {

template <kvs_dtype kType>
inline Strip strip_at(const QuantLinearArgs& a, int64_t output) {
  constexpr PackedFormat kFormat = packed_format(kType);
  const int64_t group = output / kGroupOutputs;
  const auto lane = static_cast<int>(output % kGroupOutputs);
  const uint8_t* scales = a.weight + group * static_cast<int64_t>(packed_group_bytes(kFormat, a.inputs));
  return {scales, scales + packed_scale_bytes(kFormat, a.inputs) + 4 * lane, lane, output};
}

// The rows that whole tiles do not cover.
template <kvs_dtype kType, int kRows>
inline void last_rows(const QuantLinearArgs& a, int64_t row, const Strip (&strips)[kQuantStrips], int64_t next_tile) {
  if constexpr (kRows > 0) {
    if (a.rows - row == kRows) return quant_tile<kType, kRows>(a, row, strips, next_tile);
    last_rows<kType, kRows - 1>(a, row, strips, next_tile);
  }
}

template <kvs_dtype kType>
void product(const QuantLinearArgs& a) {
  constexpr int kOutputs = kQuantStrips * kLanes;
#if defined(KVASIR_TILES)
  const bool tiles = kOnMatrixUnit<kType> && a.rows >= kMatrixRows;
  if (tiles) open_tiles();
#endif
  for (int64_t output = a.begin; output < a.end; output += kOutputs) {
    // A strip past the end does what the first does, and stores nothing.
    Strip strips[kQuantStrips];
    for (int s = 0; s < kQuantStrips; ++s) {
      const int64_t first = output + s * kLanes;
      strips[s] = strip_at<kType>(a, first < a.end ? first : output);
      if (first >= a.end) strips[s].output = a.outputs;
    }
    const int64_t next_tile =
        output + kOutputs < a.end ? strip_at<kType>(a, output + kOutputs).quants - strips[0].quants : 0;
    int64_t row = 0;
#if defined(KVASIR_TILES)
    if constexpr (kOnMatrixUnit<kType>) row = matrix_product<kType>(a, strips, next_tile);
#elif defined(KVASIR_BLOCKS)
    row = block_product<kType>(a, strips, next_tile);
#endif
    for (; row + kQuantRows <= a.rows; row += kQuantRows) quant_tile<kType, kQuantRows>(a, row, strips, next_tile);
    last_rows<kType, kQuantRows - 1>(a, row, strips, next_tile);
  }
#if defined(KVASIR_TILES)
  if (tiles) close_tiles();
#endif
}

}  // namespace

namespace KVASIR_LEVEL {

void quant_linear(const QuantLinearArgs& args) {
  switch (args.dtype) {
    case KVS_Q8_0: return product<KVS_Q8_0>(args);
    case KVS_Q4_0: return product<KVS_Q4_0>(args);
    case KVS_Q4_1: return product<KVS_Q4_1>(args);
    case KVS_Q5_0: return product<KVS_Q5_0>(args);
    case KVS_Q5_1: return product<KVS_Q5_1>(args);
    case KVS_Q4_K: return product<KVS_Q4_K>(args);
    case KVS_Q5_K: return product<KVS_Q5_K>(args);
    case KVS_Q6_K: return product<KVS_Q6_K>(args);
    default: return;
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
