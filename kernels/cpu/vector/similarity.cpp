// What keys are like: their norms where they lie transposed, and which of many is nearest to each of some. Lanes are
// columns; each sum takes its terms one by one, in ascending order, so that equal columns have equal products.
#include "vector/attend-tiles.h"
#include "vector/kernels.h"

namespace kvasir {
namespace {

static_assert(kNearestRows % kTilePairs == 0, "rows are whole tiles");
static_assert(kNearestBlock % kLanes == 0 && kNearestBlock <= kScoreStride, "a block is whole vectors");

// Greatest of a block's products; what is no number is passed over.
inline float greatest_of(const float* products) {
  Vec greatest = set1(-__builtin_inff());
  KVASIR_UNROLL_4
  for (int j = 0; j < kNearestBlock; j += kLanes) greatest = max(load(products + j), greatest);
  return reduce_max(greatest);
}

}  // namespace

namespace KVASIR_LEVEL {

void column_norms(const float* x, int64_t rows, int64_t columns, float* norms) {
  for (int64_t j = 0; j < columns; j += kLanes) {
    Vec even = zero();
    Vec odd = zero();
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2) {
      const Vec a = load(x + i * columns + j);
      const Vec b = load(x + (i + 1) * columns + j);
      even = fma(a, a, even);
      odd = fma(b, b, odd);
    }
    if (i < rows) {
      const Vec a = load(x + i * columns + j);
      even = fma(a, a, even);
    }
    store(norms + j, add(even, odd));
    for (int64_t lane = j; lane < j + kLanes; ++lane) norms[lane] = __builtin_sqrtf(norms[lane]);
  }
}

void nearest_columns(const NearestArgs& a) {
  // Rows as score_tile takes them: [tiles, head_dim, kTilePairs].
  for (int64_t r = 0; r < a.count; ++r) {
    float* to = a.scratch + r / kTilePairs * kTilePairs * a.head_dim + r % kTilePairs;
    for (int64_t i = 0; i < a.head_dim; ++i) to[i * kTilePairs] = a.rows[r * a.head_dim + i];
    a.greatest[r] = -__builtin_inff();
    a.nearest[r] = -1;
  }
  float products[kTilePairs * kScoreStride];
  for (int64_t block = 0; block < a.blocks; ++block) {
    const float* columns = a.columns + block * a.head_dim * kNearestBlock;
    for (int64_t first = 0; first < a.count; first += kTilePairs) {
      const int pairs = static_cast<int>(a.count - first < kTilePairs ? a.count - first : kTilePairs);
      score<F32>(pairs, a.scratch + first * a.head_dim, columns, a.head_dim, kNearestBlock, 0, products);
      for (int p = 0; p < pairs; ++p) {
        const float* of_row = products + p * kScoreStride;
        const float greatest = greatest_of(of_row);
        if (greatest < a.greatest[first + p]) continue;
        // Nothing equals it where no product is a number.
        for (int j = kNearestBlock - 1; j >= 0; --j) {
          if (of_row[j] != greatest) continue;
          a.greatest[first + p] = greatest;
          a.nearest[first + p] = static_cast<int32_t>(block * kNearestBlock + j);
          break;
        }
      }
    }
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
