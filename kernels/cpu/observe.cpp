#include "observe.h"

#include <math.h>

namespace kvasir {

namespace {

// Floats of the scores of a tile: where it has at least kFewPairs, and in any case.
constexpr int64_t kCachedScores = int64_t{1} << 17;
constexpr int64_t kMostScores = int64_t{1} << 20;
constexpr int64_t kFewPairs = 8;

// The finaliser of MurmurHash3 (Appleby 2008).
uint32_t mix(uint32_t word) {
  word = (word ^ word >> 16) * 0x85ebca6bu;
  word = (word ^ word >> 13) * 0xc2b2ae35u;
  return word ^ word >> 16;
}

}  // namespace

int64_t observed_pairs(int64_t slots) {
  const int64_t cached = kCachedScores / std::max(slots, int64_t{1}) / kFewPairs * kFewPairs;
  const int64_t pairs = std::min(std::max(cached, kFewPairs), int64_t{kAttendPairs});
  return pairs * slots <= kMostScores ? pairs : std::max(kMostScores / slots, int64_t{1});
}

int64_t observe_floats(const KernelTable& kernels, int32_t head_dim, int64_t slots) {
  return kernels.observe_scratch(head_dim, observed_pairs(slots), slots);
}

float gumbel_noise(uint32_t seed, int32_t position, int32_t kv_layer, int32_t kv_head) {
  const uint32_t head = static_cast<uint32_t>(kv_layer) * 1024u + static_cast<uint32_t>(kv_head);
  const uint32_t hash = mix(mix(mix(seed) + static_cast<uint32_t>(position)) + head);
  return static_cast<float>(-log(-log((hash + 0.5) / 4294967296.0)));
}

}  // namespace kvasir
