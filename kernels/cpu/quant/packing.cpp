// Moves 4 bytes at a time: the quads of 16 outputs are a transposed matrix of 32-bit words.
#include "quant/packing.h"

#include "quant/block-fields.h"
#include "quant/blocks.h"
#include "quant/packed-layout.h"
#include "quant/word-columns.h"

namespace kvasir {

namespace {

constexpr uint32_t kLowNibbles = 0x0f0f0f0f;

// Quad `quad` of the output that `quads` begins with.
inline void store_quad(uint8_t* quads, int quad, uint32_t word) { memcpy(quads + quad * kQuadRowBytes, &word, 4); }

inline void store16(uint8_t* to, const uint8_t* from) { memcpy(to, from, 2); }

// The 8 fifth bits in `bits` (two quads) as the lowest bits of the bytes of two quads.
inline uint32_t spread_nibble(uint32_t bits) { return (bits & 15) * 0x00204081u & 0x01010101u; }

// Four quads of all 16 outputs of a group, `stride` bytes apart.
inline void move_quads(const uint8_t* from, int64_t stride, uint32_t flip, uint8_t* quads) {
  for (int lane = 0; lane < kGroupOutputs; lane += 4) {
    words_to_columns(from + lane * stride, stride, flip, quads + 4 * lane, kQuadRowBytes);
  }
}

// Each packer takes block `block` of one output to place `lane` of a group: `scales` is the block's set of
// scales, `quants` the block's first run. Where copying is all there is to do, `pack_group` does it for the block of
// all 16 outputs, whose blocks are `stride` bytes apart.

constexpr uint32_t kSigns = 0x80808080u;

struct PackQ8_0 {
  static constexpr bool kGroups = true;
  static void pack_group(const uint8_t* block, int64_t stride, uint8_t* scales, uint8_t* quants) {
    for (int lane = 0; lane < kGroupOutputs; ++lane) store16(scales + 2 * lane, block + lane * stride);
    move_quads(block + kQ8_0.quants, stride, kSigns, quants);
    move_quads(block + kQ8_0.quants + 16, stride, kSigns, quants + 4 * kQuadRowBytes);
  }
  static void pack(const uint8_t* block, int lane, uint8_t* scales, uint8_t* quants) {
    store16(scales + 2 * lane, block);
    for (int t = 0; t < 8; ++t) {
      store_quad(quants + 4 * lane, t, load32(block + kQ8_0.quants + 4 * t) ^ kSigns);
    }
  }
};

// The nibbles of a file's block of 32 lie as those of a packed run.
template <const SmallBlock& kBlock, bool kMin>
struct PackSmall {
  static constexpr bool kGroups = kBlock.fifth_bits == 0;
  static void pack_group(const uint8_t* block, int64_t stride, uint8_t* scales, uint8_t* quants) {
    for (int lane = 0; lane < kGroupOutputs; ++lane) {
      store16(scales + 2 * lane, block + lane * stride);
      if (kMin) store16(scales + 32 + 2 * lane, block + lane * stride + 2);
    }
    move_quads(block + kBlock.quants, stride, 0, quants);
  }
  static void pack(const uint8_t* block, int lane, uint8_t* scales, uint8_t* quants) {
    store16(scales + 2 * lane, block);
    if (kMin) store16(scales + 32 + 2 * lane, block + 2);
    uint8_t* quads = quants + 4 * lane;
    if (kBlock.fifth_bits != 0) {
      const uint32_t fifth = load32(block + kBlock.fifth_bits);
      uint32_t row = 0;
      for (int t = 0; t < 8; ++t) row |= spread_nibble(fifth >> 4 * t) << t;
      store_quad(quads, 0, row);
      quads += kQuadRowBytes;
    }
    for (int t = 0; t < 4; ++t) store_quad(quads, t, load32(block + kBlock.quants + 4 * t));
  }
};

template <const LargeBlock& kBlock>
struct PackLarge {
  static constexpr bool kGroups = false;
  static void pack(const uint8_t* block, int lane, uint8_t* scales, uint8_t* quants) {
    store16(scales + 2 * lane, block);
    store16(scales + 32 + 2 * lane, block + 2);
    uint8_t run_scales[8];
    uint8_t run_mins[8];
    unpack_scales(block + kLargeScales, run_scales, run_mins);
    for (int run = 0; run < 8; ++run) {
      scales[64 + 16 * run + lane] = run_scales[run];
      scales[192 + 16 * run + lane] = run_mins[run];
    }
    constexpr int kFifthBytes = kBlock.fifth_bits != 0 ? kQuadRowBytes : 0;
    constexpr int kRunBytes = 256 + kFifthBytes;
    uint8_t* quads = quants + 4 * lane;
    for (int pair = 0; pair < 4; ++pair, quads += 2 * kRunBytes) {
      const uint8_t* from = block + kBlock.quants + 32 * pair;
      for (int t = 0; t < 4; ++t) {
        const uint32_t first = load32(from + 4 * t);
        const uint32_t second = load32(from + 16 + 4 * t);
        store_quad(quads + kFifthBytes, t, (first & kLowNibbles) | (second & kLowNibbles) << 4);
        store_quad(quads + kRunBytes + kFifthBytes, t, (first >> 4 & kLowNibbles) | (second & ~kLowNibbles));
      }
    }
    if (kBlock.fifth_bits == 0) return;
    quads = quants + 4 * lane;
    for (int run = 0; run < 8; ++run) {
      uint32_t row = 0;
      for (int t = 0; t < 8; ++t) row |= (load32(block + kBlock.fifth_bits + 4 * t) >> run & 0x01010101u) << t;
      store_quad(quads + run * kRunBytes, 0, row);
    }
  }
};

struct PackQ6_K {
  static constexpr bool kGroups = false;
  static void pack(const uint8_t* block, int lane, uint8_t* scales, uint8_t* quants) {
    store16(scales + 2 * lane, block + kQ6_KScale);
    for (int half = 0; half < 16; ++half) scales[32 + 16 * half + lane] = block[kQ6_KScales + half];
    uint8_t* quads = quants + 4 * lane;
    for (int run = 0; run < 8; ++run, quads += 6 * kQuadRowBytes) {
      const uint8_t* low = block + run / 4 * 64 + run % 2 * 32;
      const uint8_t* high = block + kQ6_KHigh + run / 4 * 32;
      const int shift = run % 4 < 2 ? 0 : 4;
      uint32_t rows[2] = {0, 0};
      for (int t = 0; t < 4; ++t) {
        const uint32_t first = load32(low + 4 * t) >> shift & kLowNibbles;
        const uint32_t second = load32(low + 16 + 4 * t) >> shift & kLowNibbles;
        store_quad(quads, 2 + t, first | second << 4);
        rows[0] |= (load32(high + 4 * t) >> 2 * (run % 4) & 0x03030303u) << 2 * t;
        rows[1] |= (load32(high + 16 + 4 * t) >> 2 * (run % 4) & 0x03030303u) << 2 * t;
      }
      store_quad(quads, 0, rows[0]);
      store_quad(quads, 1, rows[1]);
    }
  }
};

template <class Packer>
inline void pack_lanes(const uint8_t* block, int64_t stride, int lanes, uint8_t* scales, uint8_t* quants) {
  if constexpr (Packer::kGroups) {
    if (lanes == kGroupOutputs) return Packer::pack_group(block, stride, scales, quants);
  }
  for (int lane = 0; lane < lanes; ++lane, block += stride) Packer::pack(block, lane, scales, quants);
}

template <kvs_dtype kType, class Packer>
void pack_all(const uint8_t* blocks, int64_t outputs, int64_t inputs, int64_t group_begin, int64_t group_end,
              uint8_t* packed) {
  constexpr PackedFormat kFormat = packed_format(kType);
  const auto bytes = static_cast<int64_t>(block_bytes(kType));
  const int64_t count = inputs / block_values(kType);
  const auto group_bytes = static_cast<int64_t>(packed_group_bytes(kFormat, inputs));
  const auto scale_bytes = static_cast<int64_t>(packed_scale_bytes(kFormat, inputs));
  for (int64_t group = group_begin; group < group_end; ++group) {
    uint8_t* scales = packed + group * group_bytes;
    uint8_t* quants = scales + scale_bytes;
    const int64_t first = group * kGroupOutputs;
    const int lanes = outputs - first < kGroupOutputs ? static_cast<int>(outputs - first) : kGroupOutputs;
    if (lanes < kGroupOutputs) memset(scales, 0, static_cast<size_t>(group_bytes));
    // What rounds the scales up.
    memset(scales + count * kFormat.scale_bytes, 0, static_cast<size_t>(scale_bytes - count * kFormat.scale_bytes));
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* block = blocks + (first * count + i) * bytes;
      pack_lanes<Packer>(block, count * bytes, lanes, scales, quants);
      scales += kFormat.scale_bytes;
      quants += kFormat.scale_runs * kFormat.run_bytes();
    }
  }
}

}  // namespace

void pack_groups(kvs_dtype dtype, const uint8_t* blocks, int64_t outputs, int64_t inputs, int64_t group_begin,
                 int64_t group_end, uint8_t* packed) {
  switch (dtype) {
#define KVASIR_PACK(type, ...) \
  case type: return pack_all<type, __VA_ARGS__>(blocks, outputs, inputs, group_begin, group_end, packed)
    KVASIR_PACK(KVS_Q8_0, PackQ8_0);
    KVASIR_PACK(KVS_Q4_0, PackSmall<kQ4_0, false>);
    KVASIR_PACK(KVS_Q4_1, PackSmall<kQ4_1, true>);
    KVASIR_PACK(KVS_Q5_0, PackSmall<kQ5_0, false>);
    KVASIR_PACK(KVS_Q5_1, PackSmall<kQ5_1, true>);
    KVASIR_PACK(KVS_Q4_K, PackLarge<kQ4_K>);
    KVASIR_PACK(KVS_Q5_K, PackLarge<kQ5_K>);
    KVASIR_PACK(KVS_Q6_K, PackQ6_K);
#undef KVASIR_PACK
    default: return;
  }
}

}  // namespace kvasir
