// The two inner products of attention over one page: queries with keys, weights with values. Both are register
// tiles of some pairs and two vectors; each of their sums takes its terms one by one, in ascending order.
#ifndef KVASIR_ATTEND_TILES_H
#define KVASIR_ATTEND_TILES_H

#include "vector/vec.h"

namespace kvasir {
namespace {

// From one pair's scores to the next: a span, and a little so that rows do not share cache sets.
constexpr int64_t kScoreStride = kAttendSpan + 16;

#define KVASIR_TILE __attribute__((noinline))

// Asks for the memory `fetch` bytes from what a tile reads here, for the second-level cache: pages lie anywhere, so
// that the processor cannot foresee the next one.
template <int kVecs, class Bits>
inline void fetch_ahead(const Bits* here, intptr_t fetch) {
  constexpr int kBytes = kVecs * kLanes * static_cast<int>(sizeof(Bits));
  const intptr_t there = reinterpret_cast<intptr_t>(here) + fetch;
  for (int i = 0; i < kBytes; i += 64) __builtin_prefetch(reinterpret_cast<const void*>(there + i), 0, 2);
}

// Lanes are slots: scores[p][slot] = sum over d of q[d][p] * keys[d][slot].
template <class Element, int kPairs, int kVecs>
KVASIR_TILE void score_tile(const float* q, const typename Element::Bits* keys, int64_t head_dim, int64_t page_tokens,
                            intptr_t fetch, float* scores) {
  Vec sums[kPairs][kVecs];
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) sums[p][v] = zero();
  }
  for (int64_t d = 0; d < head_dim; ++d) {
    Vec key[kVecs];
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) key[v] = Element::load_lanes(keys + v * kLanes);
    KVASIR_UNROLL
    for (int p = 0; p < kPairs; ++p) {
      const Vec query = set1(q[p]);
      KVASIR_UNROLL
      for (int v = 0; v < kVecs; ++v) sums[p][v] = fma(query, key[v], sums[p][v]);
    }
    fetch_ahead<kVecs>(keys, fetch);
    q += kTilePairs;
    keys += page_tokens;
  }
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) store(scores + p * kScoreStride + v * kLanes, sums[p][v]);
  }
}

// Scores of up to kPairs pairs with all slots of a page, also with those that no pair sees.
// q: [head_dim, kTilePairs]; keys: [head_dim, page_tokens].
template <class Element, int kPairs = kTilePairs>
inline void score(int pairs, const float* q, const typename Element::Bits* keys, int64_t head_dim, int64_t page_tokens,
                  intptr_t fetch, float* scores) {
  if constexpr (kPairs > 1) {
    if (pairs < kPairs) return score<Element, kPairs - 1>(pairs, q, keys, head_dim, page_tokens, fetch, scores);
  }
  int64_t j = 0;
  for (; j + 2 * kLanes <= page_tokens; j += 2 * kLanes) {
    score_tile<Element, kPairs, 2>(q, keys + j, head_dim, page_tokens, fetch, scores + j);
  }
  for (; j < page_tokens; j += kLanes) {
    score_tile<Element, kPairs, 1>(q, keys + j, head_dim, page_tokens, fetch, scores + j);
  }
}

// Where values are read from and summed up to: rows of values are `stride` elements apart, of sums `dim`.
template <class Element>
struct Weighing {
  const typename Element::Bits* values;
  int64_t stride;
  int64_t columns;  // whole vectors
  int64_t dim;
  intptr_t fetch;  // see fetch_ahead
};

// Lanes are elements: sums[p] += weights[p][slot] * values[slot], slot by slot from `begin` to `end` - 1.
template <class Element, int kPairs, int kVecs>
KVASIR_TILE void weigh_tile(const float* weights, int begin, int end, const typename Element::Bits* values,
                            int64_t stride, intptr_t fetch, float* sums, int64_t dim) {
  Vec s[kPairs][kVecs];
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) s[p][v] = load(sums + p * dim + v * kLanes);
  }
  values += begin * stride;
  KVASIR_UNROLL_4
  for (int j = begin; j < end; ++j, values += stride) {
    Vec value[kVecs];
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) value[v] = Element::load_lanes(values + v * kLanes);
    fetch_ahead<kVecs>(values, fetch);
    KVASIR_UNROLL
    for (int p = 0; p < kPairs; ++p) {
      const Vec weight = set1(weights[p * kScoreStride + j]);
      KVASIR_UNROLL
      for (int v = 0; v < kVecs; ++v) s[p][v] = fma(weight, value[v], s[p][v]);
    }
  }
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) store(sums + p * dim + v * kLanes, s[p][v]);
  }
}

// The slots of `visible`, for up to kPairs pairs.
template <class Element, int kPairs = kTilePairs>
inline void weigh_slots(int pairs, uint32_t visible, const float* weights, const Weighing<Element>& w, float* sums) {
  if constexpr (kPairs > 1) {
    if (pairs < kPairs) return weigh_slots<Element, kPairs - 1>(pairs, visible, weights, w, sums);
  }
  while (visible != 0) {
    const int begin = __builtin_ctz(visible);
    const uint64_t after = ~(uint64_t{visible} >> begin);
    const int end = begin + __builtin_ctzll(after);
    int64_t i = 0;
    for (; i + 2 * kLanes <= w.columns; i += 2 * kLanes) {
      weigh_tile<Element, kPairs, 2>(weights, begin, end, w.values + i, w.stride, w.fetch, sums + i, w.dim);
    }
    for (; i < w.columns; i += kLanes) {
      weigh_tile<Element, kPairs, 1>(weights, begin, end, w.values + i, w.stride, w.fetch, sums + i, w.dim);
    }
    visible &= static_cast<uint32_t>(~((uint64_t{1} << end) - 1));
  }
}

// A value that a pair does not see is never touched, not even with weight 0: it may be anything.
template <class Element>
inline void weigh(int pairs, const uint32_t* visible, const float* weights, const Weighing<Element>& w, float* sums) {
  uint32_t differing = 0;
  for (int p = 1; p < pairs; ++p) differing |= visible[p] ^ visible[0];
  if (differing == 0) return weigh_slots<Element>(pairs, visible[0], weights, w, sums);
  // All pairs agree about the slots before the first and after the last that some of them do not see.
  const uint32_t before = (uint32_t{1} << __builtin_ctz(differing)) - 1;
  const uint32_t after = ~static_cast<uint32_t>((uint64_t{2} << (31 - __builtin_clz(differing))) - 1);
  weigh_slots<Element>(pairs, visible[0] & before, weights, w, sums);
  for (int p = 0; p < pairs; ++p) {
    weigh_slots<Element>(1, visible[p] & ~before & ~after, weights + p * kScoreStride, w, sums + p * w.dim);
  }
  weigh_slots<Element>(pairs, visible[0] & after, weights, w, sums);
}

}  // namespace
}  // namespace kvasir

#endif
