// Between f32 and the 16-bit formats.
#include "vector/kernels.h"
#include "vector/vec.h"

namespace kvasir {
namespace {

template <class Element>
inline void widen_all(const void* from, float* to, int64_t count) {
  const auto* bits = static_cast<const typename Element::Bits*>(from);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, Element::load_lanes(bits + i));
  if (i < count) store_some(to + i, load_some<Element>(bits + i, count - i), count - i);
}

}  // namespace

namespace KVASIR_LEVEL {

void widen(kvs_dtype dtype, const void* from, float* to, int64_t count) {
  if (dtype == KVS_F32) {
    widen_all<F32>(from, to, count);
  } else if (dtype == KVS_F16) {
    widen_all<F16>(from, to, count);
  } else {
    widen_all<BF16>(from, to, count);
  }
}

void narrow(kvs_dtype dtype, const float* from, void* to, int64_t count) {
  if (dtype == KVS_F32) {
    __builtin_memcpy(to, from, static_cast<uint64_t>(count) * sizeof(float));
    return;
  }
  auto* bits = static_cast<uint16_t*>(to);
  if (dtype == KVS_BF16) {
    for (int64_t i = 0; i < count; ++i) bits[i] = bf16_of_float(from[i]);
    return;
  }
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store_f16(bits + i, load(from + i));
  for (; i < count; ++i) bits[i] = f16_of_float(from[i]);
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
