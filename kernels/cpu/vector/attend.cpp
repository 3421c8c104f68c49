// Attention over the pages of one KV head for a tile of pairs, span by span. In a span all scores come first, then
// the weights, then the weighted values: a page's keys and values are read once for all pairs of the tile. What a
// pair gets depends on its own visible slots only, which are always taken in slot order, in the same spans.
#include "vector/attend-softmax.h"
#include "vector/attend-tiles.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

constexpr int kMaxSpanPages = kAttendSpan / 16;

int64_t blocks_of(int64_t pairs) { return (pairs + kTilePairs - 1) / kTilePairs; }

int64_t query_floats(int64_t head_dim) { return padded(blocks_of(kAttendPairs) * kTilePairs * head_dim); }

// One call's state. Rows of values and sums are `dim` floats: head_dim, zero-padded to whole vectors of any level.
struct Tile {
  const AttendArgs& a;
  const int64_t dim;
  const int count;  // pairs
  const int block;  // pairs in a register tile, at most kTilePairs
  float* q;         // [blocks, head_dim, kTilePairs], scaled for powers of two
  float* turned;    // the same for sinks
  float* keys;      // [head_dim, page_tokens]
  float* values;    // [page_tokens, dim]
  float* scores;    // [kAttendPairs, kScoreStride], then the weights
  float* turned_scores;  // [kTilePairs, kScoreStride]
  float* partials;       // of all spans so far, and of one
  int32_t rows[kAttendPairs];
  uint32_t visible[kMaxSpanPages][kAttendPairs];  // bit j: slot j of a page of the span at hand
  int first_pair[kMaxSpanPages], end_pair[kMaxSpanPages];  // of those that see anything of the page

  Tile(const AttendArgs& args, int pairs)
      : a(args),
        dim(padded(a.head_dim)),
        count(pairs),
        block(static_cast<int>((pairs + blocks_of(pairs) - 1) / blocks_of(pairs))) {
    float* next = a.scratch;
    const auto take = [&next](int64_t floats) {
      float* memory = next;
      next += floats;
      return memory;
    };
    q = take(query_floats(a.head_dim));
    turned = take(query_floats(a.head_dim));
    keys = take(kMaxPageTokens * a.head_dim);
    values = take(kMaxPageTokens * dim);
    scores = take(kAttendPairs * kScoreStride);
    turned_scores = take(kTilePairs * kScoreStride);
    partials = next;
  }

  int64_t limit(int pair) const { return a.resident + int64_t{rows[pair]} + (a.strict ? 0 : 1); }
  int64_t place(int pair) const {
    return rows[pair] * a.row_stride + (a.pair_begin + pair) % a.group * a.head_dim;
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

void load_queries(Tile& t) {
  const AttendArgs& a = t.a;
  const float scale = a.scale * 1.44269504f;
  for (int p = 0; p < t.count; ++p) {
    t.rows[p] = static_cast<int32_t>((a.pair_begin + p) / a.group);
    const float* from = a.q + t.place(p);
    const int64_t at = p / t.block * a.head_dim * kTilePairs + p % t.block;
    for (int64_t i = 0; i < a.head_dim; ++i) t.q[at + i * kTilePairs] = from[i] * scale;
    if (a.sinks > 0) turn_back(a, t.q + at, t.turned + at);
  }
}

// What the window shows of a page to a row.
inline uint32_t inside_window(const AttendArgs& a, const int32_t* positions, int64_t row) {
  const int64_t hidden = a.position + row - a.window;
  uint32_t mask = 0;
  for (int j = 0; j < a.page_tokens; ++j) mask |= uint32_t{positions[j] > hidden} << j;
  return mask;
}

// Marks what each pair sees of page i of the span, which begins at slot `first`.
void mark_visible(Tile& t, int i, int64_t first) {
  const AttendArgs& a = t.a;
  const int slots = a.page_tokens;
  const int32_t* positions = a.positions + int64_t{a.pages[first / slots]} * slots;
  uint32_t* visible = t.visible[i];
  t.first_pair[i] = t.end_pair[i] = 0;
  for (int p = 0; p < t.count; ++p) {
    if (p > 0 && t.rows[p] == t.rows[p - 1]) {
      visible[p] = visible[p - 1];
    } else {
      const int64_t open = t.limit(p) - first;
      visible[p] = open <= 0 ? 0 : static_cast<uint32_t>((uint64_t{1} << (open < slots ? open : slots)) - 1);
      if (a.window > 0 && visible[p] != 0) visible[p] &= inside_window(a, positions, t.rows[p]);
    }
    if (visible[p] == 0) continue;
    if (t.end_pair[i] == 0) t.first_pair[i] = p;
    t.end_pair[i] = p + 1;
  }
}

template <class Element>
inline void widen_lanes(const typename Element::Bits* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, Element::load_lanes(from + i));
  if (i < count) store(to + i, load_some<Element>(from + i, count - i));
}

template <class Element>
void score_page(Tile& t, int i, const typename Element::Bits* keys, int64_t sinks, intptr_t fetch) {
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
void weigh_page(Tile& t, int i, const Weighing<Element>& w, float* sums) {
  for (int b = t.first_pair[i] / t.block; b * t.block < t.end_pair[i]; ++b) {
    const int first = b * t.block;
    const int pairs = t.count - first < t.block ? t.count - first : t.block;
    const float* weights = t.scores + first * kScoreStride + i * t.a.page_tokens;
    weigh<Element>(pairs, t.visible[i] + first, weights, w, sums + first * t.dim);
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
void score_pages(Tile& t, int64_t begin, int64_t end) {
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

template <class Element>
void weigh_pages(Tile& t, int64_t begin, int64_t end, float* sums) {
  const AttendArgs& a = t.a;
  const int64_t columns = (a.head_dim + kLanes - 1) / kLanes * kLanes;
  int i = 0;
  for (int64_t slot = begin; slot < end; slot += a.page_tokens, ++i) {
    if (t.end_pair[i] == 0) continue;
    const auto* values = page_of<Element>(a, a.values, slot);
    if (columns != a.head_dim || (sizeof(*values) < sizeof(float) && t.count >= kWidenedPairs)) {
      for (int64_t j = 0; j < a.page_tokens; ++j) {
        widen_lanes<Element>(values + j * a.head_dim, a.head_dim, t.values + j * t.dim);
      }
      weigh_page<F32>(t, i, {t.values, t.dim, columns, t.dim, 0}, sums);
    } else {
      const int64_t next = slot + a.page_tokens;
      const auto* then = next < end                       ? page_of<Element>(a, a.values, next)
                         : next < t.limit(t.count - 1) ? page_of<Element>(a, a.keys, next)
                                                          : values;
      weigh_page<Element>(t, i, {values, a.head_dim, columns, t.dim, distance(values, then)}, sums);
    }
  }
}

template <class Element>
void attend_span(Tile& t, int64_t span, const Partial& partial) {
  const AttendArgs& a = t.a;
  const int64_t begin = span * kAttendSpan;
  const int64_t limit = t.limit(t.count - 1);
  const int64_t end = limit < begin + kAttendSpan ? limit : begin + kAttendSpan;
  int pages = 0;
  bool any = false;
  for (int64_t slot = begin; slot < end; slot += a.page_tokens, ++pages) {
    mark_visible(t, pages, slot);
    any = any || t.end_pair[pages] > 0;
  }
  for (int p = 0; p < t.count; ++p) partial.totals[p] = 0.0f;
  if (!any) return;
  score_pages<Element>(t, begin, end);
  for (int p = 0; p < t.count; ++p) {
    soften(t.scores + p * kScoreStride, &t.visible[0][p], kAttendPairs, pages, a.page_tokens, partial.greatest + p,
           partial.totals + p);
  }
  for (int64_t i = 0; i < t.count * t.dim; ++i) partial.sums[i] = 0.0f;
  weigh_pages<Element>(t, begin, end, partial.sums);
}

void begin_merge(const Partial& all, int64_t dim, int pairs) {
  for (int p = 0; p < pairs; ++p) {
    all.greatest[p] = -__builtin_inff();
    all.totals[p] = 0.0f;
    for (int64_t i = 0; i < dim; ++i) all.sums[p * dim + i] = 0.0f;
  }
}

// Nothing was visible to a pair whose total is 0.
void finish(const AttendArgs& a, const Partial& all, int64_t dim) {
  for (int64_t p = 0; p < a.pair_end - a.pair_begin; ++p) {
    const int64_t pair = a.pair_begin + p;
    float* out = a.out + pair / a.group * a.row_stride + pair % a.group * a.head_dim;
    const float inverse = all.totals[p] == 0.0f ? 0.0f : 1.0f / all.totals[p];
    for (int64_t i = 0; i < a.head_dim; ++i) out[i] = all.sums[p * dim + i] * inverse;
  }
}

template <class Element>
void attend_spans(const AttendArgs& a) {
  Tile t(a, static_cast<int>(a.pair_end - a.pair_begin));
  load_queries(t);
  const int64_t size = partial_floats(t.dim, t.count);
  if (a.partials != nullptr) {
    for (int64_t span = a.span_begin; span < a.span_end; ++span) {
      attend_span<Element>(t, span, partial_at(a.partials + span * size, t.dim, t.count));
    }
    return;
  }
  const Partial all = partial_at(t.partials, t.dim, t.count);
  const Partial one = partial_at(t.partials + size, t.dim, t.count);
  begin_merge(all, t.dim, t.count);
  for (int64_t span = a.span_begin; span < a.span_end; ++span) {
    attend_span<Element>(t, span, one);
    merge(all, one, t.dim, t.count);
  }
  finish(a, all, t.dim);
}

}  // namespace

namespace KVASIR_LEVEL {

int64_t attend_partial(int32_t head_dim, int64_t pairs) { return partial_floats(padded(head_dim), pairs); }

int64_t attend_scratch(int32_t head_dim) {
  return 2 * query_floats(head_dim) + kMaxPageTokens * (head_dim + padded(head_dim)) +
         (kAttendPairs + kTilePairs) * kScoreStride + 2 * attend_partial(head_dim, kAttendPairs);
}

void attend(const AttendArgs& args) {
  if (args.dtype == KVS_F32) {
    attend_spans<F32>(args);
  } else if (args.dtype == KVS_F16) {
    attend_spans<F16>(args);
  } else {
    attend_spans<BF16>(args);
  }
}

void merge_spans(const AttendArgs& a) {
  const int64_t dim = padded(a.head_dim);
  const auto pairs = static_cast<int>(a.pair_end - a.pair_begin);
  const int64_t size = attend_partial(a.head_dim, pairs);
  const Partial all = partial_at(a.scratch, dim, pairs);
  begin_merge(all, dim, pairs);
  for (int64_t span = a.span_begin; span < a.span_end; ++span) {
    merge(all, partial_at(a.partials + span * size, dim, pairs), dim, pairs);
  }
  finish(a, all, dim);
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
