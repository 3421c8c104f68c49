// How a quantised weight [outputs, inputs] lies in memory for the products of every level.
//
// Groups of 16 outputs, one after another; the last is filled up with outputs of scale 0. A group has its scales,
// rounded up to 64 bytes, then its quants, both in ascending order of inputs.
//
// Quants: runs of 32 inputs, each of eight quads. Quad t is 64 bytes: of each of the 16 outputs the 4 bytes of
// inputs 4t to 4t + 3 (one AVX-512 register, one row of an AMX tile). All values are unsigned: q8_0 has 128
// added, the others are as in the file. By bits of a value:
//   8: eight rows of 64 bytes, a quad each
//   4: four rows, quads 0 to 3 in the low nibbles and 4 to 7 in the high ones
//   5: a row whose bit t is the fifth bit of quad t, then as 4
//   6: two rows whose bits 2t and 2t + 1 are the high bits of quads t and t + 4, then as 4
//
// Scales, [16] each, one per output:
//   q8_0, q4_0, q5_0, of each run: f16 scale
//   q4_1, q5_1, of each run: f16 scale, f16 least value
//   q4_k, q5_k, of 8 runs: f16 scale, f16 scale of mins, u8 scale of each run, u8 min of each run
//   q6_k, of 8 runs: f16 scale, int8 scale of each half run
//
// Included by code of every level: no function here may be merged by the linker.
#ifndef KVASIR_QUANT_PACKED_LAYOUT_H
#define KVASIR_QUANT_PACKED_LAYOUT_H

#include <stdint.h>

#include "kvasir.h"

namespace kvasir {
namespace {

constexpr int kGroupOutputs = 16;
constexpr int kRunInputs = 32;
constexpr int kQuadRowBytes = 64;

struct PackedFormat {
  int bits;
  int offset;       // subtracted from every value
  int scale_runs;   // runs that share one set of scales
  int scale_bytes;  // of such a set
  int halves;       // scales of one run
  bool mins;

  constexpr int run_bytes() const { return bits * kRunInputs * kGroupOutputs / 8; }
};

[[maybe_unused]] constexpr PackedFormat packed_format(kvs_dtype dtype) {
  switch (dtype) {
    case KVS_Q8_0: return {8, 128, 1, 32, 1, false};
    case KVS_Q4_0: return {4, 8, 1, 32, 1, false};
    case KVS_Q4_1: return {4, 0, 1, 64, 1, true};
    case KVS_Q5_0: return {5, 16, 1, 32, 1, false};
    case KVS_Q5_1: return {5, 0, 1, 64, 1, true};
    case KVS_Q4_K: return {4, 0, 8, 320, 1, true};
    case KVS_Q5_K: return {5, 0, 8, 320, 1, true};
    case KVS_Q6_K: return {6, 32, 8, 288, 2, false};
    default: return {0, 0, 1, 0, 1, false};
  }
}

// Bytes from the start of a group to its quants, and to the next group.
[[maybe_unused]] constexpr uint64_t packed_scale_bytes(const PackedFormat& format, int64_t inputs) {
  const uint64_t sets = static_cast<uint64_t>(inputs) / kRunInputs / static_cast<uint64_t>(format.scale_runs);
  return (sets * static_cast<uint64_t>(format.scale_bytes) + 63) / 64 * 64;
}

[[maybe_unused]] constexpr uint64_t packed_group_bytes(const PackedFormat& format, int64_t inputs) {
  return packed_scale_bytes(format, inputs) +
         static_cast<uint64_t>(inputs) / kRunInputs * static_cast<uint64_t>(format.run_bytes());
}

// The size of a packed weight; its memory should be aligned to 64 bytes.
[[maybe_unused]] constexpr uint64_t packed_bytes(kvs_dtype dtype, int64_t outputs, int64_t inputs) {
  return static_cast<uint64_t>(outputs + kGroupOutputs - 1) / kGroupOutputs *
         packed_group_bytes(packed_format(dtype), inputs);
}

}  // namespace
}  // namespace kvasir

#endif
