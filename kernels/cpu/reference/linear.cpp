#include "reference/kernels.h"

namespace kvasir {
namespace reference {

void linear(const LinearArgs& a) {
  const int64_t size = a.dtype == KVS_F32 ? 4 : 2;
  for (int64_t o = a.begin; o < a.end; ++o) {
    const void* weight = static_cast<const uint8_t*>(a.weight) + o * a.inputs * size;
    for (int64_t r = 0; r < a.rows; ++r) {
      const float* x = a.x + r * a.inputs;
      double sum = a.bias ? a.bias[o] : 0;
      for (int64_t i = 0; i < a.inputs; ++i) sum += static_cast<double>(element(a.dtype, weight, i)) * x[i];
      if (a.residual) sum += a.residual[r * a.outputs + o];
      a.out[r * a.outputs + o] = static_cast<float>(sum);
    }
  }
}

}  // namespace reference
}  // namespace kvasir
