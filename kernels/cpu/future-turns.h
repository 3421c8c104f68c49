// What turns queries to where the next ones are expected: back by the rotation of their own positions, and then by the
// mean of the rotations of the positions that follow (Expected Attention, arXiv 2510.00636).
#ifndef KVASIR_FUTURE_TURNS_H
#define KVASIR_FUTURE_TURNS_H

#include <map>
#include <tuple>

#include "query-window.h"
#include "worker-pool.h"

namespace kvasir {

// For each query and pair of elements one factor, cosine and sine with the length of the mean.
struct FutureTurns {
  std::vector<float> cosines, sines;  // [queries, pairs]
};

// Reads of one sequence have theirs in common.
class FutureTurnsCache {
 public:
  // The same queries have the same positions. Not for several threads at once.
  const FutureTurns& make(WorkerPool& pool, const Rope& rope, const QueryWindow* queries,
                          const std::vector<QueryWindow::Held>& held, int32_t position, int32_t future);
  const FutureTurns& find(const Rope& rope, const QueryWindow* queries, size_t held, int32_t position,
                          int32_t future) const;

 private:
  using Key = std::tuple<const Rope*, const QueryWindow*, size_t, int32_t, int32_t>;
  std::map<Key, FutureTurns> made_;
};

// One head of one query.
void turn_query(const Rope& rope, const FutureTurns& turns, int64_t query, int64_t head_dim, const float* from,
                float* to);

}  // namespace kvasir

#endif
