#include "reference/kernels.h"

namespace kvasir {

namespace reference {
static int64_t linear_scratch(int64_t) { return 0; }
}  // namespace reference

const KernelTable* kvs_reference_kernels() {
  using namespace reference;
  static const KernelTable table = {"reference", linear, linear_scratch, rms_norm, rope,   swiglu,
                                    add,         widen,  narrow,         norm,     attend, attend_scratch};
  return &table;
}

}  // namespace kvasir
