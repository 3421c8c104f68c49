// Plain C++ of what works row by row, in double precision: the trivial twin of the vector levels.
#include <math.h>

#include "float-format.h"
#include "reference/kernels.h"

namespace kvasir {
namespace reference {

void rms_norm(const float* x, const float* weight, float* out, int64_t runs, int64_t n, float eps) {
  for (int64_t run = 0; run < runs; ++run, x += n, out += n) {
    double squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double inverse = 1 / sqrt(squares / static_cast<double>(n) + eps);
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(x[i] * inverse * weight[i]);
  }
}

void rope(const float* x, float* out, const float* cos, const float* sin, int64_t heads, int64_t head_dim,
          int64_t pairs, int32_t interleaved) {
  for (int64_t head = 0; head < heads; ++head, x += head_dim, out += head_dim) {
    for (int64_t i = 0; i < pairs; ++i) {
      const int64_t a = interleaved ? 2 * i : i;
      const int64_t b = interleaved ? 2 * i + 1 : i + pairs;
      const double xa = x[a];
      const double xb = x[b];
      out[a] = static_cast<float>(xa * cos[i] - xb * sin[i]);
      out[b] = static_cast<float>(xb * cos[i] + xa * sin[i]);
    }
    for (int64_t i = 2 * pairs; i < head_dim; ++i) out[i] = x[i];
  }
}

void swiglu(const float* gate, const float* up, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const double g = gate[i];
    out[i] = static_cast<float>(g / (1 + exp(-g)) * up[i]);
  }
}

void add(const float* a, const float* b, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

float element(kvs_dtype dtype, const void* from, int64_t i) {
  if (dtype == KVS_F32) return static_cast<const float*>(from)[i];
  const uint16_t bits = static_cast<const uint16_t*>(from)[i];
  return dtype == KVS_F16 ? float_of_f16(bits) : float_of_bf16(bits);
}

void widen(kvs_dtype dtype, const void* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = element(dtype, from, i);
}

void narrow(kvs_dtype dtype, const float* from, void* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (dtype == KVS_F32) {
      static_cast<float*>(to)[i] = from[i];
    } else {
      static_cast<uint16_t*>(to)[i] = dtype == KVS_F16 ? f16_of_float(from[i]) : bf16_of_float(from[i]);
    }
  }
}

float norm(const float* x, int64_t count) {
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += static_cast<double>(x[i]) * x[i];
  return static_cast<float>(sqrt(squares));
}

}  // namespace reference
}  // namespace kvasir
