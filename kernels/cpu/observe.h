// How what queries pay to the slots of a KV head is observed: rows in order, a tile of pairs at a time.
#ifndef KVASIR_OBSERVE_H
#define KVASIR_OBSERVE_H

#include <algorithm>

#include "kernel-table.h"

namespace kvasir {

// So many numbers, one for each slot, and room up to whole spans.
inline int64_t whole_spans(int64_t slots) { return (slots + kAttendSpan - 1) / kAttendSpan * kAttendSpan; }

// Pairs of a tile: their scores stay in a core's cache where that leaves enough pairs, and in a few MiB in any case.
int64_t observed_pairs(int64_t slots);

// Floats of scratch that observe_rows takes.
int64_t observe_floats(const KernelTable& kernels, int32_t head_dim, int64_t slots);

// One number for a position, KV layer and KV head; see AttentionCollection in step.ts.
float gumbel_noise(uint32_t seed, int32_t position, int32_t kv_layer, int32_t kv_head);

// Adds what `rows` rows pay, of which row_at(r) says what it sees: at most `slots` slots.
template <class RowAt>
void observe_rows(const KernelTable& kernels, ObserveArgs args, int64_t rows, int64_t slots, const RowAt& row_at) {
  ObservedRow seen[kAttendPairs];
  args.rows = seen;
  const int64_t group = args.attend.group;
  const int64_t whole = observed_pairs(slots) / group;
  const int64_t step = std::max(whole, int64_t{1});
  const int64_t pairs = whole > 0 ? whole * group : observed_pairs(slots);
  for (int64_t row = 0; row < rows; row += step) {
    const int64_t end = std::min(row + step, rows);
    for (int64_t r = row; r < end; ++r) seen[r - row] = row_at(r);
    for (int64_t pair = row * group; pair < end * group; pair += pairs) {
      args.attend.pair_begin = pair;
      args.attend.pair_end = std::min(pair + pairs, end * group);
      kernels.observe(args);
    }
  }
}

}  // namespace kvasir

#endif
