// Attention by online softmax (Milakov and Gimelshein 2018), one page of slots after the other. A page's
// keys and values are read once for all pairs of the call. What a pair gets depends on its own visible
// slots only: they are always taken in slot order, in the same blocks of one page.
#include "vector/attend-tiles.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

// One call's state. Rows of scratch are `dim` floats: head_dim, zero-padded to whole vectors.
struct Attention {
  const AttendArgs& a;
  int64_t dim;
  int count;      // pairs
  float* q;       // [kAttendPairs, dim], scaled
  float* turned;  // the same for sinks
  float* sums;    // weighted values
  float* keys;    // [page_tokens, dim]
  float* values;
  float* scores;  // [kAttendPairs, kMaxPageTokens], then the weights
  float* turned_scores;
  float greatest[kAttendPairs];
  float totals[kAttendPairs];
  float factors[kAttendPairs];
  uint32_t visible[kAttendPairs];  // bit j: slot j of the page at hand

  int64_t row(int pair) const { return (a.pair_begin + pair) / a.group; }
  int64_t place(int pair) const {
    return row(pair) * a.row_stride + (a.pair_begin + pair) % a.group * a.head_dim;
  }
  int64_t limit(int pair) const { return a.resident + row(pair) + (a.strict ? 0 : 1); }
};

// The query with every pair of elements turned back by the angle between cache and logical position.
inline void turn_back(const AttendArgs& a, const float* q, float* turned) {
  for (int64_t i = 0; i < a.turned_pairs; ++i) {
    const int64_t x = a.interleaved ? 2 * i : i;
    const int64_t y = a.interleaved ? 2 * i + 1 : i + a.turned_pairs;
    const float qx = q[x];
    const float qy = q[y];
    turned[x] = qx * a.turn_cos[i] + qy * a.turn_sin[i];
    turned[y] = qy * a.turn_cos[i] - qx * a.turn_sin[i];
  }
}

inline void load_queries(Attention& t) {
  const AttendArgs& a = t.a;
  for (int p = 0; p < t.count; ++p) {
    const float* from = a.q + t.place(p);
    float* q = t.q + p * t.dim;
    float* sums = t.sums + p * t.dim;
    for (int64_t i = 0; i < t.dim; ++i) q[i] = i < a.head_dim ? from[i] * a.scale : 0.0f;
    for (int64_t i = 0; i < t.dim; ++i) sums[i] = 0.0f;
    if (a.sinks > 0) {
      float* turned = t.turned + p * t.dim;
      for (int64_t i = 0; i < t.dim; ++i) turned[i] = q[i];
      turn_back(a, q, turned);
    }
    t.greatest[p] = -__builtin_inff();
    t.totals[p] = 0.0f;
  }
}

// Marks what each pair sees of the page's slots [first, first + slots). Returns the first pair that sees any.
inline int mark_visible(Attention& t, const int32_t* positions, int64_t first, int slots) {
  const AttendArgs& a = t.a;
  int start = t.count;
  for (int p = t.count - 1; p >= 0; --p) {
    const int64_t open = t.limit(p) - first;
    uint32_t mask = open <= 0 ? 0 : open >= slots ? all_slots(slots) : (uint32_t{1} << open) - 1;
    if (a.window > 0 && mask != 0) {
      const int64_t hidden = a.position + t.row(p) - a.window;
      for (int j = 0; j < slots; ++j) {
        if (positions[j] <= hidden) mask &= ~(uint32_t{1} << j);
      }
    }
    t.visible[p] = mask;
    if (mask != 0) start = p;
  }
  return start;
}

// Scores become weights; the pair's sums so far are due to be multiplied by its factor.
inline void soften(Attention& t, int p, int slots) {
  float* scores = t.scores + p * kMaxPageTokens;
  if (t.visible[p] != all_slots(slots)) {
    for (int j = 0; j < slots; ++j) {
      if (!(t.visible[p] >> j & 1)) scores[j] = -__builtin_inff();
    }
  }
  Vec page_greatest = load(scores);
  for (int j = kLanes; j < slots; j += kLanes) page_greatest = max(load(scores + j), page_greatest);
  const float page_max = reduce_max(page_greatest);
  const float greatest = page_max > t.greatest[p] ? page_max : t.greatest[p];
  float factor[kLanes];
  store(factor, exp(set1(t.greatest[p] - greatest)));
  Vec total = zero();
  for (int j = 0; j < slots; j += kLanes) {
    const Vec weight = exp(sub(load(scores + j), set1(greatest)));
    store(scores + j, weight);
    total = add(total, weight);
  }
  t.factors[p] = factor[0];
  t.totals[p] = t.totals[p] * factor[0] + reduce_add(total);
  t.greatest[p] = greatest;
}

template <class Element>
inline const float* page_rows(const Attention& t, const uint8_t* memory, int32_t page, float* scratch) {
  const AttendArgs& a = t.a;
  const auto* bits = reinterpret_cast<const typename Element::Bits*>(memory) +
                     static_cast<int64_t>(page) * a.page_tokens * a.head_dim;
  if constexpr (sizeof(typename Element::Bits) == sizeof(float)) {
    if (t.dim == a.head_dim) return bits;
  }
  for (int64_t j = 0; j < a.page_tokens; ++j, bits += a.head_dim) {
    float* to = scratch + j * t.dim;
    int64_t i = 0;
    for (; i + kLanes <= a.head_dim; i += kLanes) store(to + i, Element::load_lanes(bits + i));
    for (; i < t.dim; i += kLanes) {
      const int64_t left = a.head_dim - i;
      store(to + i, left > 0 ? load_some<Element>(bits + i, left) : zero());
    }
  }
  return scratch;
}

template <class Element>
inline void add_page(Attention& t, int64_t first) {
  const AttendArgs& a = t.a;
  const int slots = a.page_tokens;
  const int32_t page = a.pages[first / slots];
  const int start = mark_visible(t, a.positions + static_cast<int64_t>(page) * slots, first, slots);
  if (start == t.count) return;
  const float* keys = page_rows<Element>(t, a.keys, page, t.keys);
  score(t.q, keys, t.dim, start, t.count, slots, t.scores);
  if (first < a.sinks) {
    score(t.turned, keys, t.dim, start, t.count, slots, t.turned_scores);
    const int64_t sinks = a.sinks - first < slots ? a.sinks - first : slots;
    for (int p = start; p < t.count; ++p) {
      float* scores = t.scores + p * kMaxPageTokens;
      for (int64_t j = 0; j < sinks; ++j) scores[j] = t.turned_scores[p * kMaxPageTokens + j];
    }
  }
  for (int p = start; p < t.count; ++p) {
    if (t.visible[p] != 0) soften(t, p, slots);
  }
  const float* values = page_rows<Element>(t, a.values, page, t.values);
  weigh(t.scores, t.factors, t.visible, values, t.dim, start, t.count, slots, t.sums);
}

inline int64_t padded(int64_t head_dim) { return (head_dim + 15) / 16 * 16; }

template <class Element>
void attend_all(const AttendArgs& a) {
  const int64_t dim = padded(a.head_dim);
  const int64_t tile = kAttendPairs * dim;
  const int64_t page = kMaxPageTokens * dim;
  float* scores = a.scratch + 3 * tile + 2 * page;
  Attention t = {a,
                 dim,
                 static_cast<int>(a.pair_end - a.pair_begin),
                 a.scratch,
                 a.scratch + tile,
                 a.scratch + 2 * tile,
                 a.scratch + 3 * tile,
                 a.scratch + 3 * tile + page,
                 scores,
                 scores + kAttendPairs * kMaxPageTokens,
                 {},
                 {},
                 {},
                 {}};
  load_queries(t);
  const int64_t end = t.limit(t.count - 1);
  for (int64_t first = 0; first < end; first += a.page_tokens) add_page<Element>(t, first);
  for (int p = 0; p < t.count; ++p) {
    float* out = a.out + t.place(p);
    const float* sums = t.sums + p * dim;
    // Nothing was visible where the greatest score is still below all.
    const float inverse = t.totals[p] == 0.0f ? 0.0f : 1.0f / t.totals[p];
    for (int64_t i = 0; i < a.head_dim; ++i) out[i] = sums[i] * inverse;
  }
}

}  // namespace

namespace KVASIR_LEVEL {

int64_t attend_scratch(int32_t head_dim) {
  return (3 * kAttendPairs + 2 * kMaxPageTokens) * padded(head_dim) + 2 * kAttendPairs * kMaxPageTokens;
}

void attend(const AttendArgs& args) {
  if (args.dtype == KVS_F32) {
    attend_all<F32>(args);
  } else if (args.dtype == KVS_F16) {
    attend_all<F16>(args);
  } else {
    attend_all<BF16>(args);
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
