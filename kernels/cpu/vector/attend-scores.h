// The scores of a tile of pairs with the pages of one span: queries laid out for register tiles, keys as they lie.
#ifndef KVASIR_ATTEND_SCORES_H
#define KVASIR_ATTEND_SCORES_H

#include "vector/attend-softmax.h"
#include "vector/attend-tiles.h"

namespace kvasir {
namespace {

constexpr int kMaxSpanPages = kAttendSpan / 16;

inline int64_t spans_of(int64_t slots) { return (slots + kAttendSpan - 1) / kAttendSpan; }

inline int64_t blocks_of(int64_t pairs) { return (pairs + kTilePairs - 1) / kTilePairs; }

inline int64_t query_floats(int64_t head_dim) { return padded(blocks_of(kAttendPairs) * kTilePairs * head_dim); }

struct ScoreTile {
  const AttendArgs& a;
  const int count;  // pairs
  const int block;  // pairs in a register tile, at most kTilePairs
  float* q;         // [blocks, head_dim, kTilePairs], scaled for powers of two
  float* turned;    // the same for sinks
  float* keys;      // [head_dim, page_tokens]
  float* turned_scores;     // [kTilePairs, kScoreStride]
  float* scores = nullptr;  // [count, kScoreStride], of the span at hand
  int first_pair[kMaxSpanPages], end_pair[kMaxSpanPages];  // of those that see anything of the page

  // `memory`: floats(head_dim).
  ScoreTile(const AttendArgs& args, int pairs, float* memory)
      : a(args),
        count(pairs),
        block(static_cast<int>((pairs + blocks_of(pairs) - 1) / blocks_of(pairs))),
        q(memory),
        turned(q + query_floats(a.head_dim)),
        keys(turned + query_floats(a.head_dim)),
        turned_scores(keys + kMaxPageTokens * a.head_dim) {}

  static int64_t floats(int64_t head_dim) {
    return 2 * query_floats(head_dim) + kMaxPageTokens * head_dim + kTilePairs * kScoreStride;
  }
};

// A query with every pair of elements turned back by the angle between cache and logical position.
inline void turn_back(const AttendArgs& a, const float* q, float* turned) {
  for (int64_t i = 0; i < a.head_dim; ++i) turned[i * kTilePairs] = q[i * kTilePairs];
  for (int64_t i = 0; i < a.turned_pairs; ++i) {
    const int64_t x = (a.interleaved ? 2 * i : i) * kTilePairs;
    const int64_t y = (a.interleaved ? 2 * i + 1 : i + a.turned_pairs) * kTilePairs;
    turned[x] = q[x] * a.turn_cos[i] + q[y] * a.turn_sin[i];
    turned[y] = q[y] * a.turn_cos[i] - q[x] * a.turn_sin[i];
  }
}

// Lays out the query of pair p, which is `from`.
inline void load_query(ScoreTile& t, int p, const float* from) {
  const AttendArgs& a = t.a;
  const float scale = a.scale * 1.44269504f;
  const int64_t at = p / t.block * a.head_dim * kTilePairs + p % t.block;
  for (int64_t i = 0; i < a.head_dim; ++i) t.q[at + i * kTilePairs] = from[i] * scale;
  if (a.sinks > 0) turn_back(a, t.q + at, t.turned + at);
}

template <class Element>
inline void widen_lanes(const typename Element::Bits* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, Element::load_lanes(from + i));
  if (i < count) store(to + i, load_some<Element>(from + i, count - i));
}

template <class Element>
inline void score_page(ScoreTile& t, int i, const typename Element::Bits* keys, int64_t sinks, intptr_t fetch) {
  const AttendArgs& a = t.a;
  for (int b = t.first_pair[i] / t.block; b * t.block < t.end_pair[i]; ++b) {
    const int pairs = t.count - b * t.block < t.block ? t.count - b * t.block : t.block;
    const int64_t queries = b * int64_t{a.head_dim} * kTilePairs;
    float* scores = t.scores + b * t.block * kScoreStride + i * a.page_tokens;
    score<Element>(pairs, t.q + queries, keys, a.head_dim, a.page_tokens, fetch, scores);
    if (sinks <= 0) continue;
    score<Element>(pairs, t.turned + queries, keys, a.head_dim, a.page_tokens, fetch, t.turned_scores);
    for (int p = 0; p < pairs; ++p) {
      for (int64_t j = 0; j < sinks; ++j) scores[p * kScoreStride + j] = t.turned_scores[p * kScoreStride + j];
    }
  }
}

template <class Element>
inline const typename Element::Bits* page_of(const AttendArgs& a, const uint8_t* memory, int64_t slot) {
  const int64_t page = a.pages[slot / a.page_tokens];
  return reinterpret_cast<const typename Element::Bits*>(memory) + page * a.page_tokens * a.head_dim;
}

inline intptr_t distance(const void* from, const void* to) {
  return reinterpret_cast<intptr_t>(to) - reinterpret_cast<intptr_t>(from);
}

// Slots [begin, end) are of one span; its values are read after its keys.
template <class Element>
inline void score_pages(ScoreTile& t, int64_t begin, int64_t end) {
  const AttendArgs& a = t.a;
  int i = 0;
  for (int64_t slot = begin; slot < end; slot += a.page_tokens, ++i) {
    if (t.end_pair[i] == 0) continue;
    const int64_t sinks = a.sinks - slot < a.page_tokens ? a.sinks - slot : a.page_tokens;
    const auto* keys = page_of<Element>(a, a.keys, slot);
    if (sizeof(*keys) < sizeof(float) && t.count >= kWidenedPairs) {
      widen_lanes<Element>(keys, int64_t{a.head_dim} * a.page_tokens, t.keys);
      score_page<F32>(t, i, t.keys, sinks, 0);
    } else {
      const int64_t next = slot + a.page_tokens;
      const auto* then = next < end ? page_of<Element>(a, a.keys, next) : page_of<Element>(a, a.values, begin);
      score_page<Element>(t, i, keys, sinks, distance(keys, then));
    }
  }
}

}  // namespace
}  // namespace kvasir

#endif
