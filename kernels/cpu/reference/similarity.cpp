#include <math.h>

#include "reference/kernels.h"

namespace kvasir {
namespace reference {

void column_norms(const float* x, int64_t rows, int64_t columns, float* norms) {
  for (int64_t j = 0; j < columns; ++j) {
    double squares = 0;
    for (int64_t i = 0; i < rows; ++i) squares += static_cast<double>(x[i * columns + j]) * x[i * columns + j];
    norms[j] = static_cast<float>(sqrt(squares));
  }
}

void nearest_columns(const NearestArgs& a) {
  for (int64_t r = 0; r < a.count; ++r) {
    double greatest = -INFINITY;
    a.nearest[r] = -1;
    for (int64_t c = 0; c < a.blocks * kNearestBlock; ++c) {
      const float* column = a.columns + c / kNearestBlock * a.head_dim * kNearestBlock + c % kNearestBlock;
      double product = 0;
      for (int64_t i = 0; i < a.head_dim; ++i) {
        product += static_cast<double>(a.rows[r * a.head_dim + i]) * column[i * kNearestBlock];
      }
      if (!(product >= greatest)) continue;
      greatest = product;
      a.nearest[r] = static_cast<int32_t>(c);
    }
    a.greatest[r] = static_cast<float>(greatest);
  }
}

}  // namespace reference
}  // namespace kvasir
