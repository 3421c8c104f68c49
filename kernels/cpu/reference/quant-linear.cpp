// The plain twin of the products of quantised weights: one number at a time from the packed layout, summed in
// double precision.
#include <math.h>

#include "float-format.h"
#include "quant/packed-layout.h"
#include "reference/kernels.h"

namespace kvasir {
namespace reference {

namespace {

// One output of a packed weight.
struct PackedOutput {
  PackedFormat format;
  bool signed_scales;
  const uint8_t* scales;
  const uint8_t* quants;
  int64_t lane;

  PackedOutput(const QuantLinearArgs& a, int64_t output)
      : format(packed_format(a.dtype)),
        signed_scales(a.dtype == KVS_Q6_K),
        scales(a.weight + static_cast<uint64_t>(output / kGroupOutputs) * packed_group_bytes(format, a.inputs)),
        quants(scales + packed_scale_bytes(format, a.inputs)),
        lane(output % kGroupOutputs) {}

  int value(int64_t input) const {
    const uint8_t* run = quants + input / kRunInputs * format.run_bytes();
    const int64_t quad = input % kRunInputs / 4;
    const int64_t place = 4 * lane + input % 4;
    if (format.bits == 8) return run[quad * kQuadRowBytes + place] - format.offset;
    const int high_rows = format.bits - 4;
    const int pair = run[(high_rows + quad % 4) * kQuadRowBytes + place];
    const int nibble = quad < 4 ? pair & 15 : pair >> 4;
    int high = 0;
    if (format.bits == 5) high = run[place] >> quad & 1;
    if (format.bits == 6) high = run[quad / 4 * kQuadRowBytes + place] >> quad % 4 * 2 & 3;
    return (nibble | high << 4) - format.offset;
  }

  const uint8_t* set(int64_t input) const {
    return scales + input / kRunInputs / format.scale_runs * format.scale_bytes;
  }

  double half(const uint8_t* at) const {
    return float_of_f16(static_cast<uint16_t>(at[2 * lane] | at[2 * lane + 1] << 8));
  }

  double scale(int64_t input) const {
    const uint8_t* at = set(input);
    if (format.scale_runs == 1) return half(at);
    const int64_t run = input / kRunInputs % format.scale_runs;
    if (!signed_scales) return half(at) * at[64 + run * kGroupOutputs + lane];
    return half(at) * static_cast<int8_t>(at[32 + (2 * run + input % kRunInputs / 16) * kGroupOutputs + lane]);
  }

  // What every value of the run has besides its multiple of the scale.
  double least(int64_t input) const {
    if (!format.mins) return 0;
    const uint8_t* at = set(input);
    if (format.scale_runs == 1) return half(at + 32);
    return -half(at + 32) * at[192 + input / kRunInputs % format.scale_runs * kGroupOutputs + lane];
  }
};

}  // namespace

void quantize_rows(const float* x, int64_t rows, int64_t inputs, const QuantRows& out) {
  for (int64_t block = 0; block < rows * inputs / kRunInputs; ++block, x += kRunInputs) {
    float greatest = 0;
    bool finite = true;
    for (int i = 0; i < kRunInputs; ++i) {
      greatest = fmaxf(greatest, fabsf(x[i]));
      finite = finite && isfinite(x[i]);
    }
    const float inverse = isfinite(127.0f / greatest) ? 127.0f / greatest : 0.0f;
    out.scales[block] = finite ? greatest / 127.0f : NAN;
    int32_t* sums = out.sums + 2 * block;
    sums[0] = sums[1] = 0;
    for (int i = 0; i < kRunInputs; ++i) {
      const float value = finite ? nearbyintf(x[i] * inverse) : 0.0f;
      out.values[block * kRunInputs + i] = static_cast<int8_t>(value);
      sums[i / 16] += static_cast<int32_t>(value);
    }
  }
}

void quant_linear(const QuantLinearArgs& a) {
  for (int64_t o = a.begin; o < a.end; ++o) {
    const PackedOutput weight(a, o);
    for (int64_t r = 0; r < a.rows; ++r) {
      const int8_t* x = a.x.values + r * a.inputs;
      double sum = a.bias ? a.bias[o] : 0;
      for (int64_t i = 0; i < a.inputs; i += 16) {
        const double scale = a.x.scales[(r * a.inputs + i) / kRunInputs];
        int32_t dot = 0;
        for (int64_t j = i; j < i + 16; ++j) dot += weight.value(j) * x[j];
        sum += scale * (weight.scale(i) * dot + weight.least(i) * a.x.sums[(r * a.inputs + i) / 16]);
      }
      if (a.residual) sum += a.residual[r * a.outputs + o];
      a.out[r * a.outputs + o] = static_cast<float>(sum);
    }
  }
}

}  // namespace reference
}  // namespace kvasir
