// What queries are expected to pay to slots, from the mean and the variance of the scores of some of them.
#include "vector/attend-scores.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

int64_t whole_spans(int64_t slots) { return spans_of(slots) * kAttendSpan; }

// The next scores of slots (Welford 1962): means, and sums of squared differences from them.
void add_scores(const ScoreTile& t, int64_t before, int64_t slots, float* means, float* squares) {
  for (int64_t j = 0; j < slots; j += kLanes) {
    Vec mean = load(means + j);
    Vec square = load(squares + j);
    for (int p = 0; p < t.count; ++p) {
      const Vec score = load(t.scores + p * kScoreStride + j);
      const Vec change = sub(score, mean);
      mean = fma(change, set1(1.0f / static_cast<float>(before + p + 1)), mean);
      square = fma(change, sub(score, mean), square);
    }
    store(means + j, mean);
    store(squares + j, square);
  }
}

template <class Element>
void add_tile(const ObserveArgs& o, int64_t begin, int pairs, float* memory, float* means, float* squares) {
  const AttendArgs& a = o.attend;
  const int64_t slots = o.rows[0].slots;
  ScoreTile t(a, pairs, memory);
  t.scores = memory + ScoreTile::floats(a.head_dim);
  for (int p = 0; p < pairs; ++p) {
    const int64_t pair = begin + p;
    load_query(t, p, a.q + o.rows[pair / a.group].query + pair % a.group * o.head_stride);
  }
  for (int i = 0; i < kMaxSpanPages; ++i) {
    t.first_pair[i] = 0;
    t.end_pair[i] = pairs;
  }
  for (int64_t slot = 0; slot < slots; slot += kAttendSpan) {
    const int64_t end = slot + kAttendSpan < slots ? slot + kAttendSpan : slots;
    score_pages<Element>(t, slot, end);
    add_scores(t, begin, (end - slot + a.page_tokens - 1) / a.page_tokens * a.page_tokens, means + slot,
               squares + slot);
  }
}

// In place: softmax in powers of two, of whole vectors of which only `slots` are.
void soften_all(float* scores, int64_t slots) {
  Vec most = set1(-__builtin_inff());
  for (int64_t j = 0; j < slots; j += kLanes) {
    if (slots - j < kLanes) {
      const auto mask = static_cast<uint32_t>((uint64_t{1} << (slots - j)) - 1);
      store(scores + j, select(mask, load(scores + j), set1(-__builtin_inff())));
    }
    most = max(load(scores + j), most);
  }
  const Vec greatest = set1(reduce_max(most));
  Vec total = zero();
  for (int64_t j = 0; j < slots; j += kLanes) {
    const Vec weight = exp2_of_negative(sub(load(scores + j), greatest));
    store(scores + j, weight);
    total = add(total, weight);
  }
  const Vec inverse = set1(1.0f / reduce_add(total));
  for (int64_t j = 0; j < slots; j += kLanes) store(scores + j, mul(load(scores + j), inverse));
}

template <class Element>
void expect_slots(const ObserveArgs& o) {
  const AttendArgs& a = o.attend;
  const int64_t slots = o.rows[0].slots;
  float* squares = a.scratch;
  for (int64_t j = 0; j < whole_spans(slots); ++j) o.sums[j] = squares[j] = 0.0f;
  for (int64_t begin = a.pair_begin; begin < a.pair_end; begin += kAttendPairs) {
    const int64_t left = a.pair_end - begin;
    const int pairs = static_cast<int>(left < kAttendPairs ? left : kAttendPairs);
    add_tile<Element>(o, begin, pairs, squares + whole_spans(slots), o.sums, squares);
  }
  // e^(m + v / 2), where m and v are in powers of two.
  const Vec half = set1(0.5f * 0.69314718f / static_cast<float>(a.pair_end - a.pair_begin));
  for (int64_t j = 0; j < slots; j += kLanes) store(o.sums + j, fma(load(squares + j), half, load(o.sums + j)));
  soften_all(o.sums, slots);
}

}  // namespace

namespace KVASIR_LEVEL {

int64_t expect_scratch(int32_t head_dim, int64_t slots) {
  return whole_spans(slots) + ScoreTile::floats(head_dim) + kAttendPairs * kScoreStride;
}

void expect(const ObserveArgs& args) {
  if (args.attend.dtype == KVS_F32) {
    expect_slots<F32>(args);
  } else if (args.attend.dtype == KVS_F16) {
    expect_slots<F16>(args);
  } else {
    expect_slots<BF16>(args);
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
