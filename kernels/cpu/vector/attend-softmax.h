// Softmax over one span, and the merging of spans (Milakov and Gimelshein 2018).
#ifndef KVASIR_ATTEND_SOFTMAX_H
#define KVASIR_ATTEND_SOFTMAX_H

#include "vector/attend-tiles.h"

namespace kvasir {
namespace {

// What some slots give to some pairs: weights relative to the greatest score, their total, and the values' sums.
// A total of 0 says that a pair sees none of the slots; its sums are then nothing.
struct Partial {
  float* sums;      // [pairs, dim]
  float* greatest;  // [pairs], in powers of two
  float* totals;    // [pairs]
};

inline int64_t padded(int64_t count) { return (count + 15) / 16 * 16; }

inline int64_t partial_floats(int64_t dim, int64_t pairs) { return pairs * dim + 2 * padded(pairs); }

inline Partial partial_at(float* memory, int64_t dim, int64_t pairs) {
  float* greatest = memory + pairs * dim;
  return {memory, greatest, greatest + padded(pairs)};
}

// One pair's scores of a span's pages become weights. Totals have a lane for every slot of a vector, so that
// slots which are not visible change nothing by their number.
inline void soften(float* scores, const uint32_t* visible, int visible_stride, int pages, int page_tokens,
                   float* greatest, float* total) {
  const uint32_t all = static_cast<uint32_t>((uint64_t{1} << page_tokens) - 1);
  Vec most = set1(-__builtin_inff());
  for (int i = 0; i < pages; ++i) {
    const uint32_t mask = visible[i * visible_stride];
    if (mask == 0) continue;
    float* page = scores + i * page_tokens;
    for (int j = 0; j < page_tokens; j += kLanes) {
      Vec score = load(page + j);
      if (mask != all) {
        score = select(mask >> j, score, set1(-__builtin_inff()));
        store(page + j, score);
      }
      most = max(score, most);
    }
  }
  const float greatest_score = reduce_max(most);
  const Vec base = set1(greatest_score);
  Vec sum = zero();
  for (int i = 0; i < pages; ++i) {
    const uint32_t mask = visible[i * visible_stride];
    if (mask == 0) continue;
    float* page = scores + i * page_tokens;
    for (int j = 0; j < page_tokens; j += kLanes) {
      Vec weight = exp2_of_negative(sub(load(page + j), base));
      if (mask != all) weight = select(mask >> j, weight, zero());
      store(page + j, weight);
      sum = add(sum, weight);
    }
  }
  *greatest = greatest_score;
  *total = reduce_add(sum);
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

}  // namespace
}  // namespace kvasir

#endif
