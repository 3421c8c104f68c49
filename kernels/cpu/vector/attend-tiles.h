// The two inner products of attention over one page: queries with keys, weights with values.
#ifndef KVASIR_ATTEND_TILES_H
#define KVASIR_ATTEND_TILES_H

#include "vector/vec.h"

namespace kvasir {
namespace {

constexpr int kMaxPageTokens = 32;

inline uint32_t all_slots(int slots) { return static_cast<uint32_t>((uint64_t{1} << slots) - 1); }

// Four slots' scores of kPairs queries.
template <int kPairs>
inline void score_tile(const float* q, const float* keys, int64_t dim, float* scores) {
  Vec sums[kPairs][4];
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int j = 0; j < 4; ++j) sums[p][j] = zero();
  }
  for (int64_t i = 0; i < dim; i += kLanes) {
    Vec key[4];
    KVASIR_UNROLL
    for (int j = 0; j < 4; ++j) key[j] = load(keys + j * dim + i);
    KVASIR_UNROLL
    for (int p = 0; p < kPairs; ++p) {
      const Vec query = load(q + p * dim + i);
      KVASIR_UNROLL
      for (int j = 0; j < 4; ++j) sums[p][j] = fma(query, key[j], sums[p][j]);
    }
  }
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    _mm_storeu_ps(scores + p * kMaxPageTokens, reduce4(sums[p][0], sums[p][1], sums[p][2], sums[p][3]));
  }
}

// Scores of the pairs [start, count) with all slots of a page, also with those that no pair sees.
inline void score(const float* q, const float* keys, int64_t dim, int start, int count, int slots, float* scores) {
  for (int j = 0; j < slots; j += 4) {
    int p = start;
    for (; p + kTilePairs <= count; p += kTilePairs) {
      score_tile<kTilePairs>(q + p * dim, keys + j * dim, dim, scores + p * kMaxPageTokens + j);
    }
    for (; p < count; ++p) score_tile<1>(q + p * dim, keys + j * dim, dim, scores + p * kMaxPageTokens + j);
  }
}

// sums = sums * factor + weights . values, for kPairs pairs and kVecs vectors of a value, slot by slot.
template <int kPairs, int kVecs>
inline void weigh_tile(const float* weights, const float* factors, uint32_t visible, const float* values,
                       int64_t dim, int slots, float* sums) {
  Vec s[kPairs][kVecs];
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) s[p][v] = mul(load(sums + p * dim + v * kLanes), set1(factors[p]));
  }
  for (int j = 0; j < slots; ++j) {
    if (!(visible >> j & 1)) continue;
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      const Vec value = load(values + j * dim + v * kLanes);
      KVASIR_UNROLL
      for (int p = 0; p < kPairs; ++p) {
        s[p][v] = fma(set1(weights[p * kMaxPageTokens + j]), value, s[p][v]);
      }
    }
  }
  KVASIR_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) store(sums + p * dim + v * kLanes, s[p][v]);
  }
}

template <int kPairs>
inline void weigh_pairs(const float* weights, const float* factors, uint32_t visible, const float* values,
                        int64_t dim, int slots, float* sums) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= dim; i += 4 * kLanes) {
    weigh_tile<kPairs, 4>(weights, factors, visible, values + i, dim, slots, sums + i);
  }
  for (; i < dim; i += kLanes) {
    weigh_tile<kPairs, 1>(weights, factors, visible, values + i, dim, slots, sums + i);
  }
}

// A value that a pair does not see is never touched, not even with weight 0: it may be anything.
inline void weigh(const float* weights, const float* factors, const uint32_t* visible, const float* values,
                  int64_t dim, int start, int count, int slots, float* sums) {
  int p = start;
  while (p < count) {
    bool same = p + kTilePairs <= count;
    for (int i = 1; same && i < kTilePairs; ++i) same = visible[p + i] == visible[p];
    const float* w = weights + p * kMaxPageTokens;
    if (visible[p] == 0) {
      ++p;
    } else if (same) {
      weigh_pairs<kTilePairs>(w, factors + p, visible[p], values, dim, slots, sums + p * dim);
      p += kTilePairs;
    } else {
      weigh_pairs<1>(w, factors + p, visible[p], values, dim, slots, sums + p * dim);
      ++p;
    }
  }
}

}  // namespace
}  // namespace kvasir

#endif
