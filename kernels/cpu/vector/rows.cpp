// What works row by row: norms, rotation, SwiGLU, addition. Tails go through the same vector formula.
#include "vector/kernels.h"
#include "vector/vec.h"

namespace kvasir {
namespace {

inline float sum_of_squares(const float* x, int64_t n) {
  Vec even = zero();
  Vec odd = zero();
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const Vec a = load(x + i);
    const Vec b = load(x + i + kLanes);
    even = fma(a, a, even);
    odd = fma(b, b, odd);
  }
  for (; i < n; i += kLanes) {
    const Vec a = i + kLanes <= n ? load(x + i) : load_some(x + i, n - i);
    even = fma(a, a, even);
  }
  return reduce_add(add(even, odd));
}

// out = f(a, b) element by element.
template <class Function>
inline void map(const float* a, const float* b, float* out, int64_t count, Function f) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, f(load(a + i), load(b + i)));
  if (i < count) store_some(out + i, f(load_some(a + i, count - i), load_some(b + i, count - i)), count - i);
}

inline void rotate_halves(const float* x, float* out, const float* cos, const float* sin, int64_t pairs) {
  for (int64_t i = 0; i < pairs; i += kLanes) {
    const int64_t n = pairs - i;
    if (n >= kLanes) {
      const Vec c = load(cos + i);
      const Vec s = load(sin + i);
      const Vec a = load(x + i);
      const Vec b = load(x + pairs + i);
      store(out + i, sub(mul(a, c), mul(b, s)));
      store(out + pairs + i, add(mul(b, c), mul(a, s)));
    } else {
      const Vec c = load_some(cos + i, n);
      const Vec s = load_some(sin + i, n);
      const Vec a = load_some(x + i, n);
      const Vec b = load_some(x + pairs + i, n);
      store_some(out + i, sub(mul(a, c), mul(b, s)), n);
      store_some(out + pairs + i, add(mul(b, c), mul(a, s)), n);
    }
  }
}

inline void rotate_neighbours(const float* x, float* out, const float* cos, const float* sin, int64_t pairs) {
  for (int64_t i = 0; i < pairs; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    out[2 * i] = a * cos[i] - b * sin[i];
    out[2 * i + 1] = b * cos[i] + a * sin[i];
  }
}

}  // namespace

namespace KVASIR_LEVEL {

void rms_norm(const float* x, const float* weight, float* out, int64_t runs, int64_t n, float eps) {
  for (int64_t run = 0; run < runs; ++run, x += n, out += n) {
    const float mean = sum_of_squares(x, n) / static_cast<float>(n);
    const Vec inverse = set1(1.0f / __builtin_sqrtf(mean + eps));
    map(x, weight, out, n, [inverse](Vec value, Vec w) { return mul(mul(value, inverse), w); });
  }
}

void rope(const float* x, float* out, const float* cos, const float* sin, int64_t heads, int64_t head_dim,
          int64_t pairs, int32_t interleaved) {
  for (int64_t head = 0; head < heads; ++head, x += head_dim, out += head_dim) {
    if (interleaved) {
      rotate_neighbours(x, out, cos, sin, pairs);
    } else {
      rotate_halves(x, out, cos, sin, pairs);
    }
    for (int64_t i = 2 * pairs; i < head_dim; ++i) out[i] = x[i];
  }
}

void swiglu(const float* gate, const float* up, float* out, int64_t count) {
  map(gate, up, out, count,
      [](Vec g, Vec u) { return mul(div(g, add(set1(1.0f), exp(sub(zero(), g)))), u); });
}

void add_rows(const float* a, const float* b, float* out, int64_t count) {
  map(a, b, out, count, [](Vec x, Vec y) { return add(x, y); });
}

float norm(const float* x, int64_t count) { return __builtin_sqrtf(sum_of_squares(x, count)); }

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
