#include "quant/blocks.h"

#include "quant/block-fields.h"

namespace kvasir {

namespace {

void dequantize_q8_0(const uint8_t* block, float* out) {
  const float scale = load_half(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<int8_t>(block[kQ8_0.quants + i])) * scale;
}

// q4_0, q4_1, q5_0, q5_1: those without a min are centred on `offset`.
template <const SmallBlock& kBlock, bool kMin>
void dequantize_small(const uint8_t* block, float* out) {
  constexpr int kOffset = kMin ? 0 : kBlock.fifth_bits != 0 ? 16 : 8;
  const float scale = load_half(block);
  const float least = kMin ? load_half(block + 2) : 0.0f;
  const uint32_t fifth = kBlock.fifth_bits != 0 ? load32(block + kBlock.fifth_bits) : 0;
  for (int i = 0; i < 32; ++i) {
    const int byte = block[kBlock.quants + i % 16];
    const int nibble = i < 16 ? byte & 15 : byte >> 4;
    const int value = nibble | static_cast<int>(fifth >> i & 1) << 4;
    const float scaled = static_cast<float>(value - kOffset) * scale;
    out[i] = kMin ? scaled + least : scaled;
  }
}

template <const LargeBlock& kBlock>
void dequantize_large(const uint8_t* block, float* out) {
  const float scale = load_half(block);
  const float min = load_half(block + 2);
  uint8_t scales[8];
  uint8_t mins[8];
  unpack_scales(block + kLargeScales, scales, mins);
  for (int run = 0; run < 8; ++run) {
    const float run_scale = scale * static_cast<float>(scales[run]);
    const float run_min = min * static_cast<float>(mins[run]);
    const uint8_t* quants = block + kBlock.quants + run / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      int value = run % 2 == 0 ? quants[i] & 15 : quants[i] >> 4;
      if (kBlock.fifth_bits != 0) value |= (block[kBlock.fifth_bits + i] >> run & 1) << 4;
      out[run * 32 + i] = run_scale * static_cast<float>(value) - run_min;
    }
  }
}

void dequantize_q6_k(const uint8_t* block, float* out) {
  const float scale = load_half(block + kQ6_KScale);
  for (int run = 0; run < 8; ++run) {
    const uint8_t* low = block + run / 4 * 64 + run % 2 * 32;
    const uint8_t* high = block + kQ6_KHigh + run / 4 * 32;
    for (int i = 0; i < 32; ++i) {
      const int nibble = run % 4 < 2 ? low[i] & 15 : low[i] >> 4;
      const int value = (nibble | (high[i] >> run % 4 * 2 & 3) << 4) - 32;
      const auto run_scale = static_cast<int8_t>(block[kQ6_KScales + run * 2 + i / 16]);
      out[run * 32 + i] = scale * static_cast<float>(run_scale) * static_cast<float>(value);
    }
  }
}

using Dequantize = void (*)(const uint8_t* block, float* out);

struct Format {
  int64_t values;
  uint64_t bytes;
  Dequantize dequantize;  // null: not quantised
};

Format format_of(kvs_dtype dtype) {
  switch (dtype) {
    case KVS_F32: return {1, 4, nullptr};
    case KVS_F16: return {1, 2, nullptr};
    case KVS_BF16: return {1, 2, nullptr};
    case KVS_Q8_0: return {32, kQ8_0.bytes, dequantize_q8_0};
    case KVS_Q4_0: return {32, kQ4_0.bytes, dequantize_small<kQ4_0, false>};
    case KVS_Q4_1: return {32, kQ4_1.bytes, dequantize_small<kQ4_1, true>};
    case KVS_Q5_0: return {32, kQ5_0.bytes, dequantize_small<kQ5_0, false>};
    case KVS_Q5_1: return {32, kQ5_1.bytes, dequantize_small<kQ5_1, true>};
    case KVS_Q4_K: return {256, kQ4_K.bytes, dequantize_large<kQ4_K>};
    case KVS_Q5_K: return {256, kQ5_K.bytes, dequantize_large<kQ5_K>};
    case KVS_Q6_K: return {256, kQ6_KBytes, dequantize_q6_k};
  }
  return {1, 4, nullptr};
}

}  // namespace

bool is_quantized(kvs_dtype dtype) { return format_of(dtype).dequantize != nullptr; }

int64_t block_values(kvs_dtype dtype) { return format_of(dtype).values; }

uint64_t block_bytes(kvs_dtype dtype) { return format_of(dtype).bytes; }

void dequantize_row(kvs_dtype dtype, const uint8_t* blocks, int64_t count, float* out) {
  const Format format = format_of(dtype);
  if (format.dequantize == nullptr) return;
  for (int64_t i = 0; i < count; i += format.values, blocks += format.bytes) format.dequantize(blocks, out + i);
}

}  // namespace kvasir
