// Rounds activations to int8. Plain loops over one block, which the compiler turns into vectors; nothing is
// summed in floating point, so every level gives the same bits.
#include "float-format.h"
#include "quant/packed-layout.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

constexpr uint32_t kInfinity = 0x7f800000;
// Adding 1.5 * 2^23 leaves the nearest whole number, ties to even, in the last bits.
constexpr float kRound = 12582912.0f;
constexpr int32_t kRoundBits = 0x4b400000;

inline void quantize_block(const float* x, int8_t* values, float* scale, int32_t* sums) {
  int32_t greatest_bits = 0;
  for (int i = 0; i < kRunInputs; ++i) {
    const auto bits = static_cast<int32_t>(bits_of_float(x[i]) & 0x7fffffffu);
    greatest_bits = bits > greatest_bits ? bits : greatest_bits;
  }
  const float greatest = float_of_bits(static_cast<uint32_t>(greatest_bits));
  const float inverse = 127.0f / greatest;
  const bool finite = static_cast<uint32_t>(greatest_bits) < kInfinity;
  *scale = finite ? greatest / 127.0f : float_of_bits(0x7fc00000);
  if (!finite || (bits_of_float(inverse) & kInfinity) == kInfinity) {
    for (int i = 0; i < kRunInputs; ++i) values[i] = 0;
    sums[0] = sums[1] = 0;
    return;
  }
  for (int half = 0; half < 2; ++half) {
    int32_t sum = 0;
    for (int i = 16 * half; i < 16 * half + 16; ++i) {
      const int32_t value = static_cast<int32_t>(bits_of_float(x[i] * inverse + kRound)) - kRoundBits;
      values[i] = static_cast<int8_t>(value);
      sum += value;
    }
    sums[half] = sum;
  }
}

}  // namespace

namespace KVASIR_LEVEL {

void quantize_rows(const float* x, int64_t rows, int64_t inputs, const QuantRows& out) {
  const int64_t blocks = rows * inputs / kRunInputs;
  for (int64_t i = 0; i < blocks; ++i) {
    quantize_block(x + i * kRunInputs, out.values + i * kRunInputs, out.scales + i, out.sums + 2 * i);
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
