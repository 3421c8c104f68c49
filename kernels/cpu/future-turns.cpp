#include "future-turns.h"

#include <math.h>

namespace kvasir {

const FutureTurns& FutureTurnsCache::make(WorkerPool& pool, const Rope& rope, const QueryWindow* queries,
                                          const std::vector<QueryWindow::Held>& held, int32_t position,
                                          int32_t future) {
  const auto [entry, fresh] = made_.try_emplace(Key{&rope, queries, held.size(), position, future});
  FutureTurns& turns = entry->second;
  if (!fresh) return turns;
  const int64_t pairs = rope.pairs();
  turns.cosines.resize(held.size() * static_cast<size_t>(pairs));
  turns.sines.resize(turns.cosines.size());
  pool.run(pairs, [&](int64_t pair, int) {
    double cosine = 0, sine = 0;
    for (int32_t i = 0; i < future; ++i) {
      const double angle = rope.angle(position + i, pair);
      cosine += cos(angle) / future;
      sine += sin(angle) / future;
    }
    for (size_t q = 0; q < held.size(); ++q) {
      const double own = rope.angle(held[q].position, pair);
      const size_t at = q * static_cast<size_t>(pairs) + static_cast<size_t>(pair);
      turns.cosines[at] = static_cast<float>(cosine * cos(own) + sine * sin(own));
      turns.sines[at] = static_cast<float>(sine * cos(own) - cosine * sin(own));
    }
  });
  return turns;
}

const FutureTurns& FutureTurnsCache::find(const Rope& rope, const QueryWindow* queries, size_t held, int32_t position,
                                          int32_t future) const {
  return made_.at(Key{&rope, queries, held, position, future});
}

void turn_query(const Rope& rope, const FutureTurns& turns, int64_t query, int64_t head_dim, const float* from,
                float* to) {
  const int64_t pairs = rope.pairs();
  const float* cosines = turns.cosines.data() + query * pairs;
  const float* sines = turns.sines.data() + query * pairs;
  for (int64_t i = 2 * pairs; i < head_dim; ++i) to[i] = from[i];
  for (int64_t i = 0; i < pairs; ++i) {
    const int64_t x = rope.interleaved ? 2 * i : i;
    const int64_t y = rope.interleaved ? 2 * i + 1 : i + pairs;
    to[x] = from[x] * cosines[i] - from[y] * sines[i];
    to[y] = from[y] * cosines[i] + from[x] * sines[i];
  }
}

}  // namespace kvasir
