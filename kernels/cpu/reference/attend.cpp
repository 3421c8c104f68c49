// Attention in two plain passes over the visible slots: the greatest score, then the weighted sum.
#include <math.h>

#include "reference/kernels.h"

namespace kvasir {
namespace reference {

namespace {

struct Slots {
  const AttendArgs& a;
  int64_t row;

  int64_t count() const { return a.resident + row + (a.strict ? 0 : 1); }

  int64_t place(int64_t slot) const {
    return static_cast<int64_t>(a.pages[slot / a.page_tokens]) * a.page_tokens + slot % a.page_tokens;
  }

  // Keys lie transposed in their page.
  int64_t key_element(int64_t slot, int64_t i) const {
    const int64_t page = a.pages[slot / a.page_tokens];
    return (page * a.head_dim + i) * a.page_tokens + slot % a.page_tokens;
  }

  bool visible(int64_t slot) const {
    return a.window == 0 || a.positions[place(slot)] > a.position + row - a.window;
  }

  double score(const float* q, const float* turned, int64_t slot) const {
    const float* query = slot < a.sinks ? turned : q;
    double dot = 0;
    for (int64_t i = 0; i < a.head_dim; ++i) {
      dot += static_cast<double>(query[i]) * element(a.dtype, a.keys, key_element(slot, i));
    }
    return dot * a.scale;
  }
};

}  // namespace

int64_t attend_scratch(int32_t head_dim) {
  return 4 * static_cast<int64_t>(head_dim);  // a turned query, and a sum of doubles
}

// Sums of doubles are not split.
int64_t attend_partial(int32_t, int64_t) { return 0; }

void attend(const AttendArgs& a) {
  float* turned = a.scratch;
  double* sum = reinterpret_cast<double*>(a.scratch + 2 * a.head_dim);
  for (int64_t pair = a.pair_begin; pair < a.pair_end; ++pair) {
    const int64_t offset = pair / a.group * a.row_stride + pair % a.group * a.head_dim;
    const float* q = a.q + offset;
    float* out = a.out + offset;
    const Slots slots{a, pair / a.group};
    if (a.sinks > 0) {
      for (int64_t i = 0; i < a.head_dim; ++i) turned[i] = q[i];
      for (int64_t i = 0; i < a.turned_pairs; ++i) {
        const int64_t x = a.interleaved ? 2 * i : i;
        const int64_t y = a.interleaved ? 2 * i + 1 : i + a.turned_pairs;
        turned[x] = q[x] * a.turn_cos[i] + q[y] * a.turn_sin[i];
        turned[y] = q[y] * a.turn_cos[i] - q[x] * a.turn_sin[i];
      }
    }
    double greatest = -INFINITY;
    for (int64_t slot = 0; slot < slots.count(); ++slot) {
      if (slots.visible(slot)) greatest = fmax(greatest, slots.score(q, turned, slot));
    }
    double total = 0;
    for (int64_t i = 0; i < a.head_dim; ++i) sum[i] = 0;
    for (int64_t slot = 0; slot < slots.count(); ++slot) {
      if (!slots.visible(slot)) continue;
      const double weight = exp(slots.score(q, turned, slot) - greatest);
      total += weight;
      for (int64_t i = 0; i < a.head_dim; ++i) {
        sum[i] += weight * element(a.dtype, a.values, slots.place(slot) * a.head_dim + i);
      }
    }
    for (int64_t i = 0; i < a.head_dim; ++i) out[i] = total == 0 ? 0.0f : static_cast<float>(sum[i] / total);
  }
}

}  // namespace reference
}  // namespace kvasir
