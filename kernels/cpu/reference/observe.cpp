// What queries pay and are expected to pay to slots, in plain passes of doubles over all slots.
#include <math.h>

#include "reference/kernels.h"

namespace kvasir {
namespace reference {

namespace {

// One query head of one row.
struct Query {
  const ObserveArgs& o;
  const ObservedRow& row;
  const float* q;
  float* turned;  // [head_dim]

  Query(const ObserveArgs& args, int64_t pair, float* memory)
      : o(args),
        row(args.rows[pair / args.attend.group - args.attend.pair_begin / args.attend.group]),
        q(args.attend.q + row.query + pair % args.attend.group * args.head_stride),
        turned(memory) {
    const AttendArgs& a = o.attend;
    for (int64_t i = 0; i < a.head_dim; ++i) turned[i] = q[i];
    for (int64_t i = 0; a.sinks > 0 && i < a.turned_pairs; ++i) {
      const int64_t x = a.interleaved ? 2 * i : i;
      const int64_t y = a.interleaved ? 2 * i + 1 : i + a.turned_pairs;
      turned[x] = q[x] * a.turn_cos[i] + q[y] * a.turn_sin[i];
      turned[y] = q[y] * a.turn_cos[i] - q[x] * a.turn_sin[i];
    }
  }

  bool sees(int64_t slot) const {
    const AttendArgs& a = o.attend;
    const int32_t position = a.positions[int64_t{a.pages[slot / a.page_tokens]} * a.page_tokens + slot % a.page_tokens];
    return position > row.after && position <= row.until;
  }

  double score(int64_t slot) const {
    const AttendArgs& a = o.attend;
    const int64_t page = a.pages[slot / a.page_tokens];
    double dot = 0;
    for (int64_t i = 0; i < a.head_dim; ++i) {
      const int64_t at = (page * a.head_dim + i) * a.page_tokens + slot % a.page_tokens;
      dot += static_cast<double>(slot < a.sinks ? turned[i] : q[i]) * element(a.dtype, a.keys, at);
    }
    return dot * a.scale + (o.noise == nullptr ? 0 : o.noise[slot]);
  }

  // Softmax; -1 where the slot is not seen. Returns how many are.
  int64_t soften(double* shares) const {
    int64_t seen = 0;
    double greatest = -INFINITY, total = 0;
    for (int64_t slot = 0; slot < row.slots; ++slot) {
      shares[slot] = sees(slot) ? score(slot) : -INFINITY;
      greatest = fmax(greatest, shares[slot]);
    }
    for (int64_t slot = 0; slot < row.slots; ++slot) {
      if (sees(slot)) total += exp(shares[slot] - greatest);
    }
    for (int64_t slot = 0; slot < row.slots; ++slot) {
      seen += sees(slot);
      shares[slot] = sees(slot) ? exp(shares[slot] - greatest) / total : -1;
    }
    return seen;
  }
};

float* sum_of(const ObserveArgs& o, int64_t slot) {
  if (o.sum_pages == nullptr) return o.sums + slot;
  const int64_t tokens = o.attend.page_tokens;
  return o.sums + o.sum_pages[slot / tokens] * tokens + slot % tokens;
}

}  // namespace

int64_t observe_scratch(int32_t head_dim, int64_t, int64_t slots) { return 4 * slots + head_dim; }

void observe(const ObserveArgs& o) {
  const AttendArgs& a = o.attend;
  for (int64_t pair = a.pair_begin; pair < a.pair_end; ++pair) {
    const int64_t head = pair % a.group;
    const int64_t slots = o.rows[pair / a.group - a.pair_begin / a.group].slots;
    auto* reduced = reinterpret_cast<double*>(a.scratch);
    double* shares = reduced + slots;
    const Query query(o, pair, reinterpret_cast<float*>(shares + slots));
    const double seen = static_cast<double>(query.soften(shares));
    for (int64_t slot = 0; slot < slots; ++slot) {
      double paid = fmax(shares[slot], 0);
      if (o.threshold > 0) paid = shares[slot] >= o.threshold / seen ? 1 : 0;
      if (head > 0) paid = o.reduce == KVS_MAX ? fmax(reduced[slot], paid) : reduced[slot] + paid;
      reduced[slot] = paid;
      if (head == a.group - 1) *sum_of(o, slot) += static_cast<float>(paid * o.share);
    }
  }
}

int64_t expect_scratch(int32_t head_dim, int64_t slots) { return 2 * slots + head_dim; }

void expect(const ObserveArgs& o) {
  const AttendArgs& a = o.attend;
  const int64_t slots = o.rows[0].slots;
  const auto count = static_cast<double>(a.pair_end - a.pair_begin);
  auto* logits = reinterpret_cast<double*>(a.scratch);
  auto* turned = reinterpret_cast<float*>(logits + slots);
  double greatest = -INFINITY, total = 0;
  for (int64_t slot = 0; slot < slots; ++slot) {
    double sum = 0, squares = 0;
    for (int64_t pair = a.pair_begin; pair < a.pair_end; ++pair) sum += Query(o, pair, turned).score(slot);
    const double mean = sum / count;
    for (int64_t pair = a.pair_begin; pair < a.pair_end; ++pair) {
      const double apart = Query(o, pair, turned).score(slot) - mean;
      squares += apart * apart;
    }
    logits[slot] = mean + squares / count / 2;
    greatest = fmax(greatest, logits[slot]);
  }
  for (int64_t slot = 0; slot < slots; ++slot) total += exp(logits[slot] - greatest);
  for (int64_t slot = 0; slot < slots; ++slot) o.sums[slot] = static_cast<float>(exp(logits[slot] - greatest) / total);
}

}  // namespace reference
}  // namespace kvasir
