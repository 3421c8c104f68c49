// Softmax over one span.
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

// Calls f(begin, end, mask) for runs of a span's slots, in order: neighbouring pages that are seen whole together,
// others alone, with bit j of the mask for slot begin + j. Pages that are not seen at all are left out.
template <class Function>
inline void each_run(const uint32_t* visible, int visible_stride, int pages, int page_tokens, const Function& f) {
  const uint32_t all = static_cast<uint32_t>((uint64_t{1} << page_tokens) - 1);
  for (int i = 0; i < pages;) {
    const uint32_t mask = visible[i * visible_stride];
    int end = i + 1;
    while (mask == all && end < pages && visible[end * visible_stride] == all) ++end;
    if (mask != 0) f(i * page_tokens, end * page_tokens, mask, mask == all);
    i = end;
  }
}

// One pair's scores of a span's pages become weights. Totals have a lane for every slot of a vector, so that
// slots which are not visible change nothing by their number.
inline void soften(float* scores, const uint32_t* visible, int visible_stride, int pages, int page_tokens,
                   float* greatest, float* total) {
  Vec most = set1(-__builtin_inff());
  each_run(visible, visible_stride, pages, page_tokens, [&](int begin, int end, uint32_t mask, bool all) {
    if (all) {
      KVASIR_UNROLL_4
      for (int j = begin; j < end; j += kLanes) most = max(load(scores + j), most);
      return;
    }
    for (int j = begin; j < end; j += kLanes) {
      const Vec score = select(mask >> (j - begin), load(scores + j), set1(-__builtin_inff()));
      store(scores + j, score);
      most = max(score, most);
    }
  });
  const float greatest_score = reduce_max(most);
  const Vec base = set1(greatest_score);
  Vec sum = zero();
  each_run(visible, visible_stride, pages, page_tokens, [&](int begin, int end, uint32_t mask, bool all) {
    if (all) {
      KVASIR_UNROLL_4
      for (int j = begin; j < end; j += kLanes) {
        const Vec weight = exp2_of_negative(sub(load(scores + j), base));
        store(scores + j, weight);
        sum = add(sum, weight);
      }
      return;
    }
    for (int j = begin; j < end; j += kLanes) {
      const Vec weight = select(mask >> (j - begin), exp2_of_negative(sub(load(scores + j), base)), zero());
      store(scores + j, weight);
      sum = add(sum, weight);
    }
  });
  *greatest = greatest_score;
  *total = reduce_add(sum);
}

}  // namespace
}  // namespace kvasir

#endif
