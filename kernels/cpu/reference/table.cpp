#include "reference/kernels.h"

namespace kvasir {

const KernelTable* kvs_reference_kernels() {
  using namespace reference;
  static const KernelTable table = {"reference", linear, rms_norm,       rope,    swiglu,         add,           widen,
                                    narrow,      norm,   attend,         attend_scratch, nullptr, attend_partial,
                                    quantize_rows, quant_linear, observe, observe_scratch, expect, expect_scratch,
                                    column_norms, nearest_columns};
  return &table;
}

}  // namespace kvasir
