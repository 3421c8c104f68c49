// Rounding of f32 to blocks. q8_0 and q4_0 give the very blocks of the format's reference implementation.
#include "quant/block-fields.h"
#include "quant/blocks.h"

namespace kvasir {

namespace {

constexpr uint16_t kHalfNaN = 0x7e00;

inline void store_half(uint8_t* p, uint16_t bits) { memcpy(p, &bits, sizeof bits); }

// The greatest magnitude of n values, or infinity or NaN where one of them is not finite.
inline float greatest_magnitude(const float* x, int n) {
  int32_t greatest = 0;
  for (int i = 0; i < n; ++i) {
    const auto magnitude = static_cast<int32_t>(bits_of_float(x[i]) & 0x7fffffffu);
    greatest = magnitude > greatest ? magnitude : greatest;
  }
  return float_of_bits(static_cast<uint32_t>(greatest));
}

inline bool is_finite(float x) { return x - x == 0; }

// 1 / x, and 0 where that is not finite.
inline float inverse(float x) {
  const float result = 1.0f / x;
  return is_finite(result) ? result : 0.0f;
}

void round_q8_0(const float* x, uint8_t* block) {
  const float greatest = greatest_magnitude(x, 32);
  const float scale = greatest / 127.0f;
  const float factor = inverse(scale);
  const bool finite = is_finite(greatest);
  store_half(block, finite ? f16_of_float(scale) : kHalfNaN);
  if (!finite) {
    memset(block + kQ8_0.quants, 0, 32);
    return;
  }
  int8_t values[32];
  for (int i = 0; i < 32; ++i) {
    // To the nearest, ties away from zero.
    const float value = x[i] * factor;
    const int whole = static_cast<int>(value);
    const float rest = value - static_cast<float>(whole);
    values[i] = static_cast<int8_t>(whole + (rest >= 0.5f) - (rest <= -0.5f));
  }
  memcpy(block + kQ8_0.quants, values, 32);
}

// The value of the greatest magnitude becomes -8, whatever its sign.
void round_q4_0(const float* x, uint8_t* block) {
  const float greatest = greatest_magnitude(x, 32);
  const bool finite = is_finite(greatest);
  float extreme = 0;
  for (int i = 31; i >= 0; --i) {
    if (x[i] == greatest || x[i] == -greatest) extreme = x[i];
  }
  const float scale = extreme / -8.0f;
  const float factor = inverse(scale);
  store_half(block, finite ? f16_of_float(scale) : kHalfNaN);
  for (int i = 0; i < 16; ++i) {
    int nibbles[2];
    for (int half = 0; half < 2; ++half) {
      const int value = finite ? static_cast<int>(x[i + 16 * half] * factor + 8.5f) : 8;
      nibbles[half] = value > 15 ? 15 : value;
    }
    block[kQ4_0.quants + i] = static_cast<uint8_t>(nibbles[0] | nibbles[1] << 4);
  }
}

// Four numbers, as every machine that we build for has them.
typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Wholes __attribute__((vector_size(16)));

inline float sum_of(Floats v) { return (v[0] + v[2]) + (v[1] + v[3]); }

// 32 values of a q4_k block.
struct Run {
  Floats x[8];
};

// value = scale * level - min, level from 0 to 15, min not negative.
struct Line {
  float scale;
  float min;
};

inline Floats nearest_levels(Floats x, const Line& line, float factor) {
  const Floats zero = {};
  Floats levels = (x + line.min) * factor + 0.5f;
  levels = levels < zero ? zero : levels;
  levels = levels > zero + 15.0f ? zero + 15.0f : levels;
  return __builtin_convertvector(__builtin_convertvector(levels, Wholes), Floats);
}

struct Fit {
  Line line;
  float error;  // sum of squares
};

// The line of least squares through the levels that `line` gives the values.
inline Fit refit(const Run& run, const Line& line) {
  const float factor = inverse(line.scale);
  Floats at[8];
  Floats level_sums = {}, square_sums = {}, value_sums = {}, product_sums = {};
  for (int i = 0; i < 8; ++i) {
    at[i] = nearest_levels(run.x[i], line, factor);
    level_sums += at[i];
    square_sums += at[i] * at[i];
    value_sums += run.x[i];
    product_sums += at[i] * run.x[i];
  }
  const float levels = sum_of(level_sums);
  const float squares = sum_of(square_sums);
  const float values = sum_of(value_sums);
  const float products = sum_of(product_sums);
  const float spread = 32 * squares - levels * levels;
  Line fitted = line;
  if (spread > 0) {
    fitted = {(32 * products - levels * values) / spread, (levels * products - squares * values) / spread};
    if (!(fitted.min >= 0)) fitted = {products / squares, 0.0f};
  }
  Floats errors = {};
  for (int i = 0; i < 8; ++i) {
    const Floats error = at[i] * fitted.scale - fitted.min - run.x[i];
    errors += error * error;
  }
  return {fitted, sum_of(errors)};
}

// Tries ranges around that of the values: cutting off the outermost pays where they are rare.
Line best_line(const float* x) {
  Run run;
  memcpy(run.x, x, sizeof run.x);
  float least = 0;
  float greatest = x[0];
  for (int i = 0; i < 32; ++i) {
    least = x[i] < least ? x[i] : least;
    greatest = x[i] > greatest ? x[i] : greatest;
  }
  Fit best = {{0.0f, -least}, 0.0f};
  for (int step = -4; step <= 8; step += 2) {
    const float steps = 15.0f + 0.25f * static_cast<float>(step);
    const Fit tried = refit(run, {(greatest - least) / steps, -least});
    if (tried.line.scale > 0 && (best.line.scale == 0 || tried.error < best.error)) best = tried;
  }
  return best.line;
}

inline int nearest_of_63(float x, float factor) {
  const float level = x * factor + 0.5f;
  return level > 63 ? 63 : static_cast<int>(level);
}

void round_q4_k(const float* x, uint8_t* block) {
  memset(block, 0, kQ4_K.bytes);
  // Sums of squares must stay finite; no weight is near.
  if (!(greatest_magnitude(x, 256) < 1e15f)) return store_half(block, kHalfNaN);
  Line lines[8];
  float greatest_scale = 0;
  float greatest_min = 0;
  for (int run = 0; run < 8; ++run) {
    lines[run] = best_line(x + 32 * run);
    greatest_scale = lines[run].scale > greatest_scale ? lines[run].scale : greatest_scale;
    greatest_min = lines[run].min > greatest_min ? lines[run].min : greatest_min;
  }
  const uint16_t scale_bits = f16_of_float(greatest_scale / 63.0f);
  const uint16_t min_bits = f16_of_float(greatest_min / 63.0f);
  store_half(block, scale_bits);
  store_half(block + 2, min_bits);
  const float scale = float_of_f16(scale_bits);
  const float min = float_of_f16(min_bits);
  if (!is_finite(scale) || !is_finite(min)) return;
  const float scale_factor = inverse(scale);
  const float min_factor = inverse(min);
  uint8_t* packed = block + kLargeScales;
  for (int run = 0; run < 8; ++run) {
    const int s = nearest_of_63(lines[run].scale, scale_factor);
    const int m = nearest_of_63(lines[run].min, min_factor);
    if (run < 4) {
      packed[run] = static_cast<uint8_t>(packed[run] | s);
      packed[run + 4] = static_cast<uint8_t>(packed[run + 4] | m);
    } else {
      packed[run + 4] = static_cast<uint8_t>((s & 15) | (m & 15) << 4);
      packed[run - 4] = static_cast<uint8_t>(packed[run - 4] | s >> 4 << 6);
      packed[run] = static_cast<uint8_t>(packed[run] | m >> 4 << 6);
    }
    // The values go to the levels of the scales as they were rounded.
    const Line line = {scale * static_cast<float>(s), min * static_cast<float>(m)};
    const float factor = inverse(line.scale);
    uint8_t* quants = block + kQ4_K.quants + run / 2 * 32;
    for (int i = 0; i < 8; ++i) {
      Floats values;
      memcpy(&values, x + 32 * run + 4 * i, sizeof values);
      const Wholes levels = __builtin_convertvector(nearest_levels(values, line, factor), Wholes);
      for (int j = 0; j < 4; ++j) {
        quants[4 * i + j] = static_cast<uint8_t>(quants[4 * i + j] | levels[j] << 4 * (run % 2));
      }
    }
  }
}

}  // namespace

void quantize_row(kvs_dtype dtype, const float* x, int64_t count, uint8_t* blocks) {
  void (*round_block)(const float* x, uint8_t* block);
  switch (dtype) {
    case KVS_Q8_0: round_block = round_q8_0; break;
    case KVS_Q4_0: round_block = round_q4_0; break;
    case KVS_Q4_K: round_block = round_q4_k; break;
    default: return;
  }
  const int64_t values = block_values(dtype);
  const auto bytes = static_cast<int64_t>(block_bytes(dtype));
  for (int64_t i = 0; i < count; i += values, blocks += bytes) round_block(x + i, blocks);
}

}  // namespace kvasir
