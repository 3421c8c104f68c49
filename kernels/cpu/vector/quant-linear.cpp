// Products of rounded activations and packed quantised weights: a pair of groups of outputs stays in the
// second-level cache while all rows pass, so the weight comes from memory once.
#include "vector/kernels.h"
#include "vector/quant-tile.h"

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

// The rows that a whole tile does not cover.
template <kvs_dtype kType, int kRows, int kStrips>
inline void last_rows(const QuantLinearArgs& a, int64_t row, const Strip (&strips)[kStrips]) {
  if constexpr (kRows > 0) {
    if (a.rows - row == kRows) return quant_tile<kType, kRows>(a, row, strips);
    last_rows<kType, kRows - 1>(a, row, strips);
  }
}

template <kvs_dtype kType, int kStrips>
void all_rows(const QuantLinearArgs& a, int64_t output) {
  Strip strips[kStrips];
  for (int s = 0; s < kStrips; ++s) strips[s] = strip_at<kType>(a, output + s * kLanes);
  int64_t row = 0;
  for (; row + kQuantRows <= a.rows; row += kQuantRows) quant_tile<kType, kQuantRows>(a, row, strips);
  last_rows<kType, kQuantRows - 1>(a, row, strips);
}

template <kvs_dtype kType>
void product(const QuantLinearArgs& a) {
  int64_t output = a.begin;
  for (; output + kQuantStrips * kLanes <= a.end; output += kQuantStrips * kLanes) {
    all_rows<kType, kQuantStrips>(a, output);
  }
  for (; output < a.end; output += kLanes) all_rows<kType, 1>(a, output);
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
