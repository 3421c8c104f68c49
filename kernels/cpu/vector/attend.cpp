// Attention over the pages of one KV head for a tile of pairs, span by span. In a span all scores come first, then
// the weights, then the weighted values: a page's keys and values are read once for all pairs of the tile. What a
// pair gets depends on its own visible slots only, which are always taken in slot order, in the same spans.
#include "vector/attend-merge.h"
#include "vector/attend-scores.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

// One call's state. Rows of values and sums are `dim` floats: head_dim, zero-padded to whole vectors of any level.
struct Tile : ScoreTile {
  const int64_t dim;
  float* values;    // [page_tokens, dim]
  float* partials;  // of all spans so far, and of one
  int32_t rows[kAttendPairs];
  uint32_t visible[kMaxSpanPages][kAttendPairs];  // bit j: slot j of a page of the span at hand

  Tile(const AttendArgs& args, int pairs)
      : ScoreTile(args, pairs, args.scratch),
        dim(padded(a.head_dim)),
        values(args.scratch + ScoreTile::floats(a.head_dim)) {
    scores = values + kMaxPageTokens * dim;  // become the weights
    partials = scores + kAttendPairs * kScoreStride;
  }

  int64_t limit(int pair) const {
    if (a.members != nullptr) return a.span_end * kAttendSpan;
    return a.resident + int64_t{rows[pair]} + (a.strict ? 0 : 1);
  }
  int64_t position(int pair) const {
    return a.members != nullptr ? a.members[rows[pair]].position : a.position + int64_t{rows[pair]};
  }
  int64_t place(int pair) const {
    const int64_t row = a.members != nullptr ? a.members[rows[pair]].row : rows[pair];
    return row * a.row_stride + (a.pair_begin + pair) % a.group * a.head_dim;
  }
};

void load_queries(Tile& t) {
  for (int p = 0; p < t.count; ++p) {
    t.rows[p] = static_cast<int32_t>((t.a.pair_begin + p) / t.a.group);
    load_query(t, p, t.a.q + t.place(p));
  }
}

// What the window shows of a page to a row at `position`.
inline uint32_t inside_window(const AttendArgs& a, const int32_t* positions, int64_t position) {
  const int64_t hidden = position - a.window;
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
      if (a.window > 0 && visible[p] != 0) visible[p] &= inside_window(a, positions, t.position(p));
    }
    if (visible[p] == 0) continue;
    if (t.end_pair[i] == 0) t.first_pair[i] = p;
    t.end_pair[i] = p + 1;
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

template <class Element>
void attend_spans(const AttendArgs& a) {
  Tile t(a, static_cast<int>(a.pair_end - a.pair_begin));
  load_queries(t);
  const int64_t size = partial_floats(t.dim, t.count);
  if (a.partials != nullptr) {
    for (int64_t span = a.span_begin; span < a.span_end; ++span) {
      attend_span<Element>(t, span, partial_at(a.partials + (span - a.span_begin) * size, t.dim, t.count));
    }
    return;
  }
  const Partial all = begin_merge(a, t.partials, t.dim);
  const Partial one = partial_at(t.partials + size, t.dim, t.count);
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
  return ScoreTile::floats(head_dim) + kMaxPageTokens * padded(head_dim) + kAttendPairs * kScoreStride +
         2 * attend_partial(head_dim, kAttendPairs);
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
  const Partial all = begin_merge(a, a.scratch, dim);
  for (int64_t span = a.span_begin; span < a.span_end; ++span) {
    merge(all, partial_at(a.partials + (span - a.span_begin) * size, dim, pairs), dim, pairs);
  }
  finish(a, all, dim);
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
