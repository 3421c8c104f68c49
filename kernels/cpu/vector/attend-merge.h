// The merging of spans in order (Milakov and Gimelshein 2018): what is carried from earlier ones, and what comes out.
#ifndef KVASIR_ATTEND_MERGE_H
#define KVASIR_ATTEND_MERGE_H

#include "vector/attend-softmax.h"

namespace kvasir {
namespace {

// What no slots give.
inline void clear(const Partial& partial, int64_t dim, int pairs) {
  for (int p = 0; p < pairs; ++p) {
    partial.greatest[p] = -__builtin_inff();
    partial.totals[p] = 0.0f;
    for (int64_t i = 0; i < dim; ++i) partial.sums[p * dim + i] = 0.0f;
  }
}

// Adds the next span to those before it.
inline void merge(const Partial& into, const Partial& next, int64_t dim, int pairs) {
  for (int p = 0; p < pairs; ++p) {
    if (next.totals[p] == 0.0f) continue;
    const float greatest = next.greatest[p] > into.greatest[p] ? next.greatest[p] : into.greatest[p];
    const Vec old_factor = exp2_of_negative(set1(into.greatest[p] - greatest));
    const Vec new_factor = exp2_of_negative(set1(next.greatest[p] - greatest));
    float* sums = into.sums + p * dim;
    const float* added = next.sums + p * dim;
    for (int64_t i = 0; i < dim; i += kLanes) {
      store(sums + i, fma(load(added + i), new_factor, mul(load(sums + i), old_factor)));
    }
    float factors[2][kLanes];
    store(factors[0], old_factor);
    store(factors[1], new_factor);
    into.totals[p] = into.totals[p] * factors[0][0] + next.totals[p] * factors[1][0];
    into.greatest[p] = greatest;
  }
}

// What the spans before span_begin gave; `memory` is for it where no other call needs it.
inline Partial begin_merge(const AttendArgs& a, float* memory, int64_t dim) {
  const auto pairs = static_cast<int>(a.pair_end - a.pair_begin);
  Partial all = partial_at(memory, dim, pairs);
  if (a.carry != nullptr) {
    const Partial carried = partial_at(a.carry, dim, a.carry_pairs);
    all = {carried.sums + a.carry_pair * dim, carried.greatest + a.carry_pair, carried.totals + a.carry_pair};
  }
  if (a.span_begin == 0) clear(all, dim, pairs);
  return all;
}

// Nothing was visible to a pair whose total is 0.
inline void finish(const AttendArgs& a, const Partial& all, int64_t dim) {
  if (a.members != nullptr) return;
  for (int64_t p = 0; p < a.pair_end - a.pair_begin; ++p) {
    const int64_t pair = a.pair_begin + p;
    float* out = a.out + pair / a.group * a.row_stride + pair % a.group * a.head_dim;
    const float inverse = all.totals[p] == 0.0f ? 0.0f : 1.0f / all.totals[p];
    for (int64_t i = 0; i < a.head_dim; ++i) out[i] = all.sums[p * dim + i] * inverse;
  }
}

}  // namespace
}  // namespace kvasir

#endif
