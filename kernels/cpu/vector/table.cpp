#include "vector/kernels.h"

#define KVASIR_JOIN_(a, b, c) a##b##c
#define KVASIR_JOIN(a, b, c) KVASIR_JOIN_(a, b, c)
#define KVASIR_TEXT_(a) #a
#define KVASIR_TEXT(a) KVASIR_TEXT_(a)

namespace kvasir {

const KernelTable* KVASIR_JOIN(kvs_, KVASIR_LEVEL, _kernels)() {
  using namespace KVASIR_LEVEL;
  static const KernelTable table = {KVASIR_TEXT(KVASIR_LEVEL), linear, rms_norm, rope, swiglu, add_rows, widen,
                                    narrow, norm, attend, attend_scratch, merge_spans, attend_partial, quantize_rows,
                                    quant_linear, observe, observe_scratch, expect, expect_scratch, column_norms,
                                    nearest_columns};
  return &table;
}

}  // namespace kvasir
