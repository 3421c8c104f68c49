// Where the fields of a block are, and reads of numbers at any alignment.
#ifndef KVASIR_QUANT_BLOCK_FIELDS_H
#define KVASIR_QUANT_BLOCK_FIELDS_H

#include <stdint.h>
#include <string.h>

#include "float-format.h"

namespace kvasir {
namespace {

// Blocks of 32: the scale, the least value (q4_1, q5_1), the fifth bits (q5_0, q5_1), then the nibbles. The
// low nibble of byte i belongs to value i, the high one to value i + 16; fifth bit i to value i.
struct SmallBlock {
  int bytes;
  int fifth_bits;  // 0: none
  int quants;
};

constexpr SmallBlock kQ8_0 = {34, 0, 2};
constexpr SmallBlock kQ4_0 = {18, 0, 2};
constexpr SmallBlock kQ4_1 = {20, 0, 4};
constexpr SmallBlock kQ5_0 = {22, 2, 6};
constexpr SmallBlock kQ5_1 = {24, 4, 8};

// Blocks of 256 with a min: f16 scale of scales, f16 scale of mins, 12 bytes of scales and mins, the fifth
// bits (q5_k), then the nibbles. The low nibbles of each 32 bytes belong to one run of 32 values, the high ones
// to the next; bit s of fifth-bit byte i belongs to value i of run s.
struct LargeBlock {
  int bytes;
  int fifth_bits;
  int quants;
};

constexpr int kLargeScales = 4;
constexpr LargeBlock kQ4_K = {144, 0, 16};
constexpr LargeBlock kQ5_K = {176, 16, 48};

// q6_k, 256 values: the low 4 bits, the high 2 bits, int8 scales of 16 values each, then their f16 scale. Each
// half of 128 values has 64 bytes of low and 32 of high bits: runs 0 and 1 of its four runs of 32 are in the low
// nibbles of its low bits, 2 and 3 in the high ones; bits 2s and 2s + 1 of high byte i belong to value i of run s.
constexpr int kQ6_KBytes = 210;
constexpr int kQ6_KHigh = 128;
constexpr int kQ6_KScales = 192;
constexpr int kQ6_KScale = 208;

[[maybe_unused]] inline uint16_t load16(const uint8_t* p) {
  uint16_t bits;
  memcpy(&bits, p, sizeof bits);
  return bits;
}

[[maybe_unused]] inline uint32_t load32(const uint8_t* p) {
  uint32_t bits;
  memcpy(&bits, p, sizeof bits);
  return bits;
}

[[maybe_unused]] inline float load_half(const uint8_t* p) { return float_of_f16(load16(p)); }

// The eight 6-bit scales and mins of a q4_k or q5_k block. Bytes 0 to 3 hold scales 0 to 3, bytes 4 to 7 mins 0 to
// 3, bytes 8 to 11 the low nibbles of scales 4 to 7 and of mins 4 to 7; the top bits of the latter are above
// those of the former.
[[maybe_unused]] inline void unpack_scales(const uint8_t* packed, uint8_t scales[8], uint8_t mins[8]) {
  for (int i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 63;
    mins[i] = packed[i + 4] & 63;
    scales[i + 4] = static_cast<uint8_t>((packed[i + 8] & 15) | (packed[i] >> 6) << 4);
    mins[i + 4] = static_cast<uint8_t>((packed[i + 8] >> 4) | (packed[i + 4] >> 6) << 4);
  }
}

}  // namespace
}  // namespace kvasir

#endif
