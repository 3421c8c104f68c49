// What queries pay to slots, beside attention: a tile of pairs gets its scores and weights of all spans, as attention
// would; then, slot by slot, its rows are added in order.
#include "vector/attend-scores.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

// The greatest score where there is none: finite, so that differences are numbers.
constexpr float kNothing = -3e38f;

constexpr float kLeastShare = __FLT_MIN__;

struct ObserveTile : ScoreTile {
  const ObserveArgs& o;
  int64_t limit = 0;         // slots that any row sees
  bool by_position = false;  // rows differ in more than their slots
  float* carry;              // [spans, kAttendSpan]: what the heads so far gave, of a row that is cut
  float* weights;            // [spans, count, kScoreStride]
  float* greatest;           // [spans, lanes]
  float* totals;             // [spans, lanes]
  const int64_t lanes;       // pairs, padded
  const ObservedRow* rows[kAttendPairs];
  int32_t seen[kAttendPairs];
  uint32_t visible[kMaxSpanPages][kAttendPairs];  // bit j: slot j of a page of the span at hand

  ObserveTile(const ObserveArgs& args, int pairs, int64_t slots)
      : ScoreTile(args.attend, pairs, args.attend.scratch + spans_of(slots) * kAttendSpan),
        o(args),
        limit(slots),
        carry(args.attend.scratch),
        weights(carry + spans_of(slots) * kAttendSpan + ScoreTile::floats(a.head_dim)),
        greatest(weights + spans_of(slots) * pairs * kScoreStride),
        totals(greatest + spans_of(slots) * padded(pairs)),
        lanes(padded(pairs)) {
    const int64_t first_row = a.pair_begin / a.group;
    for (int p = 0; p < count; ++p) {
      const int64_t pair = a.pair_begin + p;
      rows[p] = o.rows + (pair / a.group - first_row);
      seen[p] = 0;
      by_position = by_position || rows[p]->after >= 0 || rows[p]->until < INT32_MAX;
      load_query(*this, p, a.q + rows[p]->query + pair % a.group * o.head_stride);
    }
  }
};

int64_t most_slots(const ObserveArgs& o) {
  const int64_t rows = (o.attend.pair_end - 1) / o.attend.group - o.attend.pair_begin / o.attend.group + 1;
  int64_t most = 0;
  for (int64_t r = 0; r < rows; ++r) most = o.rows[r].slots > most ? o.rows[r].slots : most;
  return most;
}

inline uint32_t between(const int32_t* positions, int count, int32_t after, int32_t until) {
  uint32_t mask = 0;
  for (int j = 0; j < count; ++j) mask |= uint32_t{positions[j] > after && positions[j] <= until} << j;
  return mask;
}

// Marks what each pair sees of page i of the span, which begins at slot `first`. False: nothing.
bool mark_visible(ObserveTile& t, int i, int64_t first) {
  const int slots = t.a.page_tokens;
  const int32_t* positions = t.a.positions + int64_t{t.a.pages[first / slots]} * slots;
  int32_t least = INT32_MAX, most = INT32_MIN;
  for (int j = 0; t.by_position && j < slots && first + j < t.limit; ++j) {
    least = positions[j] < least ? positions[j] : least;
    most = positions[j] > most ? positions[j] : most;
  }
  uint32_t* visible = t.visible[i];
  t.first_pair[i] = t.end_pair[i] = 0;
  for (int p = 0; p < t.count; ++p) {
    const ObservedRow& row = *t.rows[p];
    if (p > 0 && t.rows[p] == t.rows[p - 1]) {
      visible[p] = visible[p - 1];
    } else {
      const int64_t open = row.slots - first;
      visible[p] = open <= 0 ? 0 : static_cast<uint32_t>((uint64_t{1} << (open < slots ? open : slots)) - 1);
      if (t.by_position && (least <= row.after || most > row.until)) {
        visible[p] &= between(positions, slots, row.after, row.until);
      }
    }
    if (visible[p] == 0) continue;
    if (t.o.threshold > 0) t.seen[p] += __builtin_popcount(visible[p]);
    if (t.end_pair[i] == 0) t.first_pair[i] = p;
    t.end_pair[i] = p + 1;
  }
  return t.end_pair[i] > 0;
}

// The noise of slots from `begin` on, added to the scores of every pair.
void add_noise(ObserveTile& t, int64_t begin, int pages) {
  const Vec unit = set1(1.44269504f);
  for (int p = 0; p < t.count; ++p) {
    float* scores = t.scores + p * kScoreStride;
    for (int j = 0; j < pages * t.a.page_tokens; j += kLanes) {
      store(scores + j, fma(load(t.o.noise + begin + j), unit, load(scores + j)));
    }
  }
}

// Slots that a pair does not see have the weight 0, but where nobody sees any of the span. It is not touched then.
template <class Element>
void weigh_span(ObserveTile& t, int64_t span) {
  const int64_t begin = span * kAttendSpan;
  const int64_t end = t.limit < begin + kAttendSpan ? t.limit : begin + kAttendSpan;
  float* greatest = t.greatest + span * t.lanes;
  float* totals = t.totals + span * t.lanes;
  for (int64_t p = 0; p < t.lanes; ++p) {
    greatest[p] = kNothing;
    totals[p] = 0.0f;
  }
  int pages = 0;
  bool any = false;
  for (int64_t slot = begin; slot < end; slot += t.a.page_tokens, ++pages) any = mark_visible(t, pages, slot) || any;
  if (!any) return;
  t.scores = t.weights + span * t.count * kScoreStride;
  score_pages<Element>(t, begin, end);
  if (t.o.noise != nullptr) add_noise(t, begin, pages);
  for (int p = 0; p < t.count; ++p) {
    float* scores = t.scores + p * kScoreStride;
    soften(scores, &t.visible[0][p], kAttendPairs, pages, t.a.page_tokens, greatest + p, totals + p);
    if (totals[p] == 0.0f) greatest[p] = kNothing;
    for (int i = 0; i < pages; ++i) {
      if (t.visible[i][p] != 0) continue;
      for (int j = 0; j < t.a.page_tokens; j += kLanes) store(scores + i * t.a.page_tokens + j, zero());
    }
  }
}

struct Shares {
  float greatest[kAttendPairs];
  float inverse[kAttendPairs];  // 1 / total; 0 where nothing is seen
  float factors[kAttendPairs];  // of the span at hand: makes shares of weights
  float least[kAttendPairs];    // share from which on a slot counts
};

// The totals of all spans, merged in their order.
void merge_totals(const ObserveTile& t, Shares* s) {
  for (int64_t p = 0; p < t.lanes; p += kLanes) {
    Vec greatest = set1(kNothing);
    Vec total = zero();
    for (int64_t span = 0; span < spans_of(t.limit); ++span) {
      const Vec next = load(t.greatest + span * t.lanes + p);
      const Vec most = max(next, greatest);
      const Vec added = mul(load(t.totals + span * t.lanes + p), exp2_of_negative(sub(next, most)));
      total = fma(total, exp2_of_negative(sub(greatest, most)), added);
      greatest = most;
    }
    store(s->greatest + p, greatest);
    store(s->inverse + p, total);
  }
  for (int p = 0; p < t.count; ++p) {
    s->inverse[p] = s->inverse[p] == 0.0f ? 0.0f : 1.0f / s->inverse[p];
    const float least = t.o.threshold / static_cast<float>(t.seen[p]);
    // Not rounded to 0, which slots that are not seen would reach.
    s->least[p] = least > kLeastShare ? least : kLeastShare;
  }
}

// Reduces the pairs of each row and adds rows to the sums of kVecs vectors of slots.
template <bool kMax, bool kCounts, int kVecs>
inline void add_slots(const ObserveTile& t, const Shares& s, const float* weights, float* carry, float* sums) {
  const int group = t.a.group;
  const Vec share = set1(t.o.share);
  Vec sum[kVecs], value[kVecs];
  int head = static_cast<int>(t.a.pair_begin % group);
  KVASIR_UNROLL
  for (int v = 0; v < kVecs; ++v) {
    sum[v] = load(sums + v * kLanes);
    value[v] = head > 0 ? load(carry + v * kLanes) : zero();
  }
  for (int p = 0; p < t.count;) {
    const int end = p + group - head < t.count ? p + group - head : t.count;
    head = (head + end - p) % group;
    for (; p < end; ++p) {
      const Vec factor = set1(s.factors[p]);
      KVASIR_UNROLL
      for (int v = 0; v < kVecs; ++v) {
        Vec paid = mul(load(weights + p * kScoreStride + v * kLanes), factor);
        if (kCounts) paid = zero_where_less(set1(1.0f), paid, set1(s.least[p]));
        value[v] = kMax ? max(value[v], paid) : add(value[v], paid);
      }
    }
    if (head != 0) break;
    KVASIR_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      sum[v] = fma(value[v], share, sum[v]);
      value[v] = zero();
    }
  }
  KVASIR_UNROLL
  for (int v = 0; v < kVecs; ++v) {
    store(sums + v * kLanes, sum[v]);
    if (head != 0) store(carry + v * kLanes, value[v]);
  }
}

template <bool kMax, bool kCounts>
void add_span(const ObserveTile& t, const Shares& s, int64_t span) {
  const int64_t begin = span * kAttendSpan;
  const int64_t end = t.limit < begin + kAttendSpan ? t.limit : begin + kAttendSpan;
  const int tokens = t.a.page_tokens;
  const float* weights = t.weights + span * t.count * kScoreStride;
  for (int64_t slot = begin; slot < end; slot += tokens, weights += tokens) {
    float* sums = t.o.sums + (t.o.sum_pages == nullptr ? slot : int64_t{t.o.sum_pages[slot / tokens]} * tokens);
    float* carry = t.carry + slot;
    int j = 0;
    for (; j + 2 * kLanes <= tokens; j += 2 * kLanes) {
      add_slots<kMax, kCounts, 2>(t, s, weights + j, carry + j, sums + j);
    }
    for (; j < tokens; j += kLanes) add_slots<kMax, kCounts, 1>(t, s, weights + j, carry + j, sums + j);
  }
}

template <class Element>
void observe_spans(const ObserveArgs& o) {
  ObserveTile t(o, static_cast<int>(o.attend.pair_end - o.attend.pair_begin), most_slots(o));
  const int64_t spans = spans_of(t.limit);
  for (int64_t span = 0; span < spans; ++span) weigh_span<Element>(t, span);
  Shares s;
  merge_totals(t, &s);
  for (int64_t span = 0; span < spans; ++span) {
    bool any = false;
    for (int p = 0; p < t.count; ++p) {
      any = any || t.totals[span * t.lanes + p] != 0.0f;
      s.factors[p] = t.greatest[span * t.lanes + p] - s.greatest[p];
    }
    if (!any) continue;
    for (int64_t p = 0; p < t.lanes; p += kLanes) {
      store(s.factors + p, mul(exp2_of_negative(load(s.factors + p)), load(s.inverse + p)));
    }
    if (o.threshold > 0) {
      o.reduce == KVS_MAX ? add_span<true, true>(t, s, span) : add_span<false, true>(t, s, span);
    } else {
      o.reduce == KVS_MAX ? add_span<true, false>(t, s, span) : add_span<false, false>(t, s, span);
    }
  }
}

}  // namespace

namespace KVASIR_LEVEL {

int64_t observe_scratch(int32_t head_dim, int64_t pairs, int64_t slots) {
  return ScoreTile::floats(head_dim) + spans_of(slots) * (kAttendSpan + pairs * kScoreStride + 2 * padded(pairs));
}

void observe(const ObserveArgs& args) {
  if (args.attend.dtype == KVS_F32) {
    observe_spans<F32>(args);
  } else if (args.attend.dtype == KVS_F16) {
    observe_spans<F16>(args);
  } else {
    observe_spans<BF16>(args);
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
